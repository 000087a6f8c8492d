/** What an act is: it says what it will do, and does it. Next: `acts.ts` has all of them. */
import type { Sluice } from '../../client/index.ts';

/** Values of a form by name. */
export type Fields = Readonly<Record<string, string>>;

export interface Preview {
  /** What it is done to. */
  readonly subject: string;
  /** What follows from it, a sentence each. */
  readonly effects: readonly string[];
  /** Values that are confirmed with it. */
  readonly confirmed?: Fields;
}

export interface Act {
  readonly words: string;
  /** Asks why. */
  readonly isDangerous?: boolean;
  /** Names of its subject in the address. */
  readonly of: readonly string[];
  /** Where the way back leads. */
  readonly back: (fields: Fields) => readonly [path: readonly string[], query?: Fields];
  readonly inputs?: readonly { readonly name: string; readonly label: string; readonly kind: 'number' | 'minutes' }[];
  /** @throws Error when it can't be done, with what to do. */
  preview(sluice: Sluice, fields: Fields): Promise<Preview>;
  /** @returns what was done, in words. */
  perform(sluice: Sluice, fields: Fields): Promise<string>;
}
