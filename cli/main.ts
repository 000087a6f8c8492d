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

// A module may hold a pool or a timer of its own: a worker that has drained, or a command, would never end.
await Promise.all([process.stdout, process.stderr].map(written));
process.exit();

/** Where it can't be written, the listener above ends the process. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', (error) => !error && resolve()));
}
