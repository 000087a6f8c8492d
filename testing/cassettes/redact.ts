/**
 * Takes secrets out of recorded answers: first it learns them from headers, cookies, queries and bodies, then it
 * removes them wherever they stand. The same secret always becomes the same placeholder (`removed-1`). So a recorded
 * refresh still shows that the second call used what the first had given. What is a secret's name, and how it is found,
 * is what the product itself goes by: `contracts/secrets`.
 * Next: `cassette-file.ts` runs it over a whole recording before a byte is written.
 */
import {
  createSecretFinder,
  replacePlaces,
  type FoundSecret,
  type SecretFinder,
} from '../../contracts/secrets/secret-finder.ts';
import { isPlaceName, isSecretName, secretsInHeader, secretsInJson } from '../../contracts/secrets/secret-names.ts';
import { shapesIn } from '../../contracts/secrets/secret-shapes.ts';

export interface RedactOptions {
  /** More names (of headers, parameters, fields) whose values are secret. */
  readonly secretNames?: RegExp;
  /** Names that look secret and are not. Tokens of pages (`nextPageToken`) never count as secret. */
  readonly keepNames?: RegExp;
  /** More text to remove wherever it stands, such as addresses of people. */
  readonly alsoRemove?: readonly RegExp[];
}

/** One redactor for one recording: `learn…` everything first, then `clean…`. */
export function createRedactor(options: RedactOptions = {}) {
  const placeholders = new Map<string, string>();
  let finder: SecretFinder | undefined;

  const isKept = (name: string): boolean => options.keepNames?.test(name) === true;
  const isSecret = (name: string, isParameter = false): boolean =>
    !isKept(name) && (options.secretNames?.test(name) === true || isSecretName(name, isParameter));
  const placeholderOf = (secret: string): string => {
    let placeholder = placeholders.get(secret);
    if (placeholder === undefined) {
      placeholder = `removed-${placeholders.size + 1}`;
      placeholders.set(secret, placeholder);
      finder = undefined;
    }
    return placeholder;
  };
  const learn = (secrets: Iterable<string>): void => {
    for (const secret of secrets) if (secret !== '') placeholderOf(secret);
  };

  const cleanText = (text: string): string => {
    finder ??= createSecretFinder(placeholders.keys());
    let clean = replacePlaces<FoundSecret>(text, finder.find(text), ({ secret }) => placeholderOf(secret));
    clean = replacePlaces(clean, shapesIn(clean), ({ from, to }) => placeholderOf(clean.slice(from, to)));
    for (const pattern of options.alsoRemove ?? []) {
      const global = pattern.global ? pattern : new RegExp(pattern, `${pattern.flags}g`);
      clean = clean.replace(global, (found) => (found.includes('removed-') ? found : placeholderOf(found)));
    }
    return clean;
  };
  const cleanValue = (name: string, value: string, isParameter = false): string =>
    value !== '' && isSecret(name, isParameter) ? placeholderOf(value) : cleanText(value);
  /** `isInside`: everything below a field with a secret name is secret. */
  const cleanJson = (value: unknown, isInside = false): unknown => {
    if (typeof value === 'string') return isInside && value !== '' ? placeholderOf(value) : cleanText(value);
    if (Array.isArray(value)) return value.map((inner) => cleanJson(inner, isInside));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => {
        const isBelow = isInside && !isKept(name) && !isPlaceName(name);
        return [cleanText(name), cleanJson(inner, isBelow || isSecret(name))];
      }),
    );
  };

  return {
    isSecret,
    learnHeader: (name: string, value: string): void => learn(secretsInHeader(name, value, isSecret)),
    learnParameters: (parameters: Iterable<readonly [string, string]>): void => {
      for (const [name, value] of parameters) if (isSecret(name, true)) learn([value]);
    },
    learnJson: (value: unknown): void => learn(secretsInJson(value, isSecret)),
    cleanHeader: (name: string, value: string): string => {
      if (!/^set-cookie$/i.test(name)) return cleanValue(name, value);
      const [pair = '', ...attributes] = value.split(';');
      const at = pair.indexOf('=');
      return [`${pair.slice(0, at)}=${placeholderOf(pair.slice(at + 1))}`, ...attributes].join(';');
    },
    cleanParameters: (parameters: Iterable<readonly [string, string]>): [string, string][] =>
      [...parameters].map(([name, value]) => [name, cleanValue(name, value, true)]),
    cleanJson: (value: unknown): unknown => cleanJson(value),
    cleanText,
    /** How many different secrets were found. */
    count: () => placeholders.size,
  };
}

export type Redactor = ReturnType<typeof createRedactor>;
