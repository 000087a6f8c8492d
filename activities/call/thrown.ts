/**
 * What was thrown, in words. Code that is not ours may throw whatever it likes, also what can't be made text: nothing here throws.
 * Used wherever a function of the user's is called.
 */

export interface Thrown {
  /** `value` of what is no error. */
  readonly name: string;
  readonly message: string;
}

export function thrown(error: unknown): Thrown {
  if (!(error instanceof Error)) return { name: 'value', message: textOf(() => error) };
  return { name: textOf(() => error.name), message: textOf(() => error.message) };
}

/** Where it was thrown, for who mends it; empty where nobody knows. */
export function framesOf(error: unknown): string {
  const stack = error instanceof Error ? textOf(() => error.stack ?? '') : '';
  return (stack.match(/^ +at .*$/gm) ?? []).join('\n');
}

function textOf(value: () => unknown): string {
  try {
    return String(value());
  } catch {
    return 'something that is no text';
  }
}
