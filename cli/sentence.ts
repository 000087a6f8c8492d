/**
 * An error as a person at a terminal reads it. What a schema refused comes as a list of places, not as the JSON that it carries.
 */
import { serverSentence } from '../contracts/operate/server-sentence.ts';
import { misfitText } from '../contracts/values/misfits.ts';

/** @throws Error that names each place of `--input` which a schema refuses. */
export function checkInput(
  { parseInput }: { readonly parseInput: (input: unknown) => unknown },
  input: unknown,
  name: string,
): void {
  try {
    parseInput(input);
  } catch (error) {
    throw new Error(sentenceOf(error, `--input of "${name}"`), { cause: error });
  }
}

/** @param of what the value is, for what a schema refused: `--input`. Default: as the error says it. */
export function sentenceOf(error: unknown, of?: string): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message.startsWith('Unknown encoding: '))
    return `What Temporal keeps of this workflow is encoded by the app's payloadCodecs, which the command line does not have (${error.message}). Ask in the app instead: connect({ payloadCodecs }).`;
  const misfits = misfitText(error, of ?? 'The value') ?? (of ? misfitText(error.cause, of) : undefined);
  return misfits ?? serverSentence(error) ?? error.message;
}
