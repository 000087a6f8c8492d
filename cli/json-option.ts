/** A value that a person wrote as JSON on a command line. */

/** @throws Error that says which option is not JSON, and how a shell wants it. */
export function parseJsonOption(option: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${option} is not JSON: ${text}. Quote it for your shell, e.g. ${option} '{"userId":"u1"}'.`);
  }
}
