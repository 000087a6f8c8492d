/** What an act is: it says what it will do, and does it. Next: `acts.ts` has all of them. */
import type { Sluice } from '../../client/index.ts';
import type { Definitions } from '../definitions.ts';

/** Values of a form by name. */
export type Fields = Readonly<Record<string, string>>;

export interface Input {
  readonly name: string;
  readonly label: string;
  readonly kind: 'number' | 'text' | 'json' | 'choice';
  /** What stands in it at first. */
  readonly value?: string;
  /** Of a choice. */
  readonly choices?: readonly string[];
  /** It may be left empty. */
  readonly isOptional?: boolean;
}

export interface Preview {
  /** What it is done to. */
  readonly subject: string;
  /** What follows from it, a sentence each. */
  readonly effects: readonly string[];
  /** Values that are confirmed with it. */
  readonly confirmed?: Fields;
  /** What is asked for. */
  readonly inputs?: readonly Input[];
}

export interface Act {
  readonly words: string;
  /** Asks why. */
  readonly isDangerous?: boolean;
  /** Names of its subject in the address. */
  readonly of: readonly string[];
  /** Where the way back leads. */
  readonly back: (fields: Fields) => readonly [path: readonly string[], query?: Fields];
  /** What the audit says besides what was typed. */
  readonly why?: (fields: Fields) => string | undefined;
  /** @throws Error when it can't be done, with what to do. */
  preview(sluice: Sluice, fields: Fields, definitions: Definitions): Promise<Preview>;
  /** @returns what was done, in words; with `at`, where the way leads then. */
  perform(sluice: Sluice, fields: Fields, definitions: Definitions): Promise<string | Done>;
}

export interface Done {
  readonly text: string;
  /** Path of the view that shows what came of it. */
  readonly at: readonly string[];
}
