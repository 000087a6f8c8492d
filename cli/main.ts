#!/usr/bin/env node
/**
 * `sluice`: the command line. Next: `program.ts`, then the command's own file in `cli/commands`.
 */
import { createProgram } from './program.ts';
import { sentenceOf } from './sentence.ts';

/** As of a program that SIGPIPE has ended. */
const BROKEN_PIPE = 128 + 13;

// `sluice runs | head`: nobody reads what follows.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? BROKEN_PIPE : 1));

try {
  await createProgram().parseAsync();
} catch (error) {
  // The message says what to do; the stack is for those who ask for it.
  console.error(process.env['SLUICE_LOG_LEVEL'] === 'debug' ? error : sentenceOf(error));
  process.exitCode = 1;
}
