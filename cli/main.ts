#!/usr/bin/env node
/**
 * `sluice`: the command line. Next: `program.ts`, then the command's own file in `cli/commands`.
 */
import { createProgram } from './program.ts';
import { sentenceOf } from './sentence.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  // The message says what to do; the stack is for those who ask for it.
  console.error(process.env['SLUICE_LOG_LEVEL'] === 'debug' ? error : sentenceOf(error));
  process.exitCode = 1;
}
