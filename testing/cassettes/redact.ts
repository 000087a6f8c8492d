/**
 * Takes secrets out of recorded answers: first it learns them from headers, cookies, queries and bodies, then it
 * removes them wherever they stand. The same secret always becomes the same placeholder (`removed-1`), so that a
 * recorded refresh still shows that the second call used what the first had given.
 * Next stop: `cassette-file.ts` runs it over a whole recording before a byte is written.
 */

export interface RedactOptions {
  /** More names (of headers, parameters, fields) whose values are secret. */
  readonly secretNames?: RegExp;
  /** Names that look secret and are not. Tokens of pages (`nextPageToken`) never count as secret. */
  readonly keepNames?: RegExp;
  /** More text to remove wherever it stands, such as addresses of people. */
  readonly alsoRemove?: readonly RegExp[];
}

const secretName =
  /authori[sz]ation|cookie|token|secret|passw|passphrase|api[-_]?key|access[-_]?key|private[-_]?key|session|signature|^sig$|credential|assertion|verifier|jwt|dpop|otp$/i;
const tokenFactName = /token[-_]?(type|endpoint|uri|url|count|limit)s?$/i;
/** Words in front of `token` that make it a place in a list. `backend_token` has none of them, `endToken` has. */
const pageWords = new Set(
  'page next prev previous continuation sync start end cursor delta skip change resume'.split(' '),
);
/** The authorization code of OAuth is secret in a query or form; a `code` in a JSON body is an error's number. */
const secretParameterName = /^(code|device_code|user_code|key)$/i;

const tokenShapes = [
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, // JSON web tokens
  /\b(?:Bearer|DPoP|Basic|Token) +[\w.~+/=-]{8,}/gi,
];
/** Shorter values are removed where they were found, but not searched for elsewhere: they would hit innocent text. */
const shortestSearched = 8;

/** One redactor for one recording: `learn…` everything first, then `clean…`. */
export function createRedactor(options: RedactOptions = {}) {
  const placeholders = new Map<string, string>();
  let searched: readonly (readonly [found: string, placeholder: string])[] | undefined;

  const isSecret = (name: string, isParameter = false): boolean => {
    if (options.keepNames?.test(name) === true) return false;
    if (options.secretNames?.test(name) === true) return true;
    if (isPlace(name)) return false;
    return secretName.test(name) || (isParameter && secretParameterName.test(name));
  };
  const placeholderOf = (secret: string): string => {
    let placeholder = placeholders.get(secret);
    if (placeholder === undefined) {
      placeholder = `removed-${placeholders.size + 1}`;
      placeholders.set(secret, placeholder);
      searched = undefined;
    }
    return placeholder;
  };
  const learn = (secret: string): void => {
    if (secret !== '') placeholderOf(secret);
  };

  const learnHeader = (name: string, value: string): void => {
    if (/^(set-)?cookie$/i.test(name)) {
      for (const pair of /^cookie$/i.test(name) ? value.split(/; */) : [value.split(';', 1)[0] as string]) {
        learn(pair.slice(pair.indexOf('=') + 1));
      }
    } else if (isSecret(name)) {
      learn(value);
      const [, scheme = '', rest] = /^([A-Za-z][\w-]*) +(.+)$/.exec(/authori[sz]ation$/i.test(name) ? value : '') ?? [];
      if (rest !== undefined) learn(rest);
      if (/^basic$/i.test(scheme) && rest !== undefined) {
        const decoded = Buffer.from(rest, 'base64').toString();
        learn(decoded.slice(decoded.indexOf(':') + 1));
      }
    }
  };
  const learnParameters = (parameters: Iterable<readonly [string, string]>): void => {
    for (const [name, value] of parameters) if (isSecret(name, true)) learn(value);
  };
  /** `isInside`: everything below a field with a secret name is secret. */
  const learnJson = (value: unknown, isInside = false): void => {
    if (typeof value === 'string') {
      if (isInside) learn(value);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        const isKept = options.keepNames?.test(name) === true || isPlace(name);
        learnJson(inner, (isInside && !isKept) || (!Array.isArray(value) && isSecret(name)));
      }
    }
  };

  /** All written forms of all secrets, the longest first, so that none hides inside another. */
  const searchedFor = () =>
    (searched ??= [...placeholders]
      .filter(([secret]) => secret.length >= shortestSearched)
      .flatMap(([secret, placeholder]) =>
        [
          ...new Set([secret, encodeURIComponent(secret), asForm(secret), base64(secret), base64(secret, 'base64url')]),
        ].map((found) => [found, placeholder] as const),
      )
      .toSorted(([a], [b]) => b.length - a.length));

  const cleanText = (text: string): string => {
    let clean = text;
    for (const [found, placeholder] of searchedFor()) clean = clean.replaceAll(found, placeholder);
    for (const shape of [...tokenShapes, ...(options.alsoRemove ?? [])]) {
      const global = shape.global ? shape : new RegExp(shape, `${shape.flags}g`);
      clean = clean.replace(global, (found) => (found.includes('removed-') ? found : placeholderOf(found)));
    }
    return clean;
  };
  const cleanValue = (name: string, value: string, isParameter = false): string =>
    value !== '' && isSecret(name, isParameter) ? placeholderOf(value) : cleanText(value);

  const cleanHeader = (name: string, value: string): string => {
    if (/^set-cookie$/i.test(name)) {
      const [pair = '', ...attributes] = value.split(';');
      const at = pair.indexOf('=');
      return [`${pair.slice(0, at)}=${placeholderOf(pair.slice(at + 1))}`, ...attributes].join(';');
    }
    return cleanValue(name, value);
  };
  const cleanParameters = (parameters: Iterable<readonly [string, string]>): [string, string][] =>
    [...parameters].map(([name, value]) => [name, cleanValue(name, value, true)]);
  const cleanJson = (value: unknown, isInside = false): unknown => {
    if (typeof value === 'string') return isInside && value !== '' ? placeholderOf(value) : cleanText(value);
    if (Array.isArray(value)) return value.map((inner) => cleanJson(inner, isInside));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => {
        const isKept = options.keepNames?.test(name) === true || isPlace(name);
        return [cleanText(name), cleanJson(inner, (isInside && !isKept) || isSecret(name))];
      }),
    );
  };

  return {
    isSecret,
    learnHeader,
    learnParameters,
    learnJson,
    cleanHeader,
    cleanParameters,
    cleanJson,
    cleanText,
    /** How many different secrets were found. */
    count: () => placeholders.size,
  };
}

export type Redactor = ReturnType<typeof createRedactor>;

/** Is it a token of a page, or a fact about a token, rather than a secret? */
function isPlace(name: string): boolean {
  if (tokenFactName.test(name)) return true;
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/);
  const last = words.at(-1) ?? '';
  if (/^(next|prev|previous)?(page)?tokens?$/.test(last) && !/^tokens?$/.test(last)) return true;
  return /^tokens?$/.test(last) && pageWords.has(words.at(-2) ?? '');
}

/** As a form writes it: a space is a plus. */
function asForm(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function base64(text: string, encoding: 'base64' | 'base64url' = 'base64'): string {
  return Buffer.from(text).toString(encoding);
}
