/**
 * What a schema refuses, in words: each place and what is wrong with it, in one message. Errors are known by their shape, for the user's
 * copy of zod may be another one than ours. Used by: `providers/define/`, `client/action/`, `cli/sentence.ts`.
 */
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** @param of what the value is, e.g. `The input of sync "network"`. @returns undefined when the error is no schema's. */
export function misfitText(error: unknown, of: string): string | undefined {
  if (!isSchemaError(error)) return undefined;
  const lines = error.issues.map(({ path, message }) => `${placeOf(path)}${message}`);
  return lines.length === 1 ? `${of} does not fit: ${lines[0]}` : [`${of} does not fit:`, ...lines].join('\n  - ');
}

/** @returns a function that reads a value. @throws TypeError with all that does not fit, whose `cause` is the schema's own error. */
export function readerOf<Value>(schema: { parse(value: unknown): Value }, of: string): (value: unknown) => Value {
  return (value) => {
    try {
      return schema.parse(value);
    } catch (error) {
      const mistakes = misfitText(error, of);
      if (mistakes === undefined) throw error;
      throw new TypeError(mistakes, { cause: error });
    }
  };
}

/** What a clock makes is the same in two of so many readings, one after another; what is drawn is in none. */
const READINGS = 5;

/**
 * An input is kept as it was given, and read by its schema for every attempt: one that draws a value (a default, a transform) would make
 * another write of each.
 * @returns what the schema makes of it. @throws TypeError for another one each time.
 */
export function readSteady(read: (value: unknown) => unknown, value: unknown, of: string): unknown {
  let before = readingOf(read(value));
  for (let reading = 1; reading < READINGS; reading++) {
    const made = read(value);
    const now = readingOf(made);
    if (now === before) return made;
    before = now;
  }
  throw new TypeError(
    `${of} is another one each time its schema reads it, and it is read for every attempt: a default or a transform draws a value. Give that value in the input, or use \`context.idempotencyKey\`, which stays the same.`,
  );
}

function readingOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  } catch {
    // A circle: whatever it is, it is not compared.
    return undefined;
  }
}

function isSchemaError(error: unknown): error is Error & { readonly issues: readonly Issue[] } {
  return error instanceof Error && error.name.endsWith('ZodError') && 'issues' in error && Array.isArray(error.issues);
}

/** `customer.lines[2].price: ` */
function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '';
  const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return `${place.replace(/^\./, '')}: `;
}
