/** Where things are that `build.ts` has built for all tests of a run. */
import { join } from 'node:path';
import { inject } from 'vitest';

/** Path of a source file of the repository, as it is built: `built('test/setup/programs/credential-process.ts')`. */
export const built = (source: string): string => join(inject('builtFolder'), source.replace(/\.ts$/, '.js'));

/** The workflows of this checkout, for `createWorker`, and for replays of histories. */
export const workflowBundle = () => ({ codePath: built('workflow-bundle.js') });
