/**
 * What properties draw is the same in every run, so that what fails in one has failed by a change, and not by the draw. The long form draws
 * anew each time, and prints what to repeat; `SLUICE_SEED` draws others.
 */
import { configureGlobal } from 'fast-check';
import { isLongForm } from './long-form.ts';

const named = process.env['SLUICE_SEED'];
if (named !== undefined || !isLongForm) configureGlobal({ seed: Number(named ?? 1) });
