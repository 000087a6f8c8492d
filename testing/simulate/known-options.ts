/** What a simulation takes, as data; a compile error when an option is forgotten. Used by: `simulator.ts`. */
import type { ChecksOf } from '../fake-api/options/check-options.ts';
import type { SimulateActionOptions } from './simulate-action.ts';
import type { SimulateAnyOptions, SimulateOptions } from './simulate-sync.ts';

const ANY: ChecksOf<SimulateAnyOptions> = {
  api: ['object'],
  baseUrl: ['string'],
  account: ['string'],
  credentials: ['object'],
  settings: 'anything',
  workers: ['number'],
  timeoutMs: ['number'],
  logLevel: { oneOf: ['debug', 'info', 'warn', 'error', 'silent'] },
};

export const OF_SYNC: ChecksOf<SimulateOptions<unknown>> = {
  ...ANY,
  input: 'anything',
  mode: { oneOf: ['incremental', 'full'] },
  growsPages: ['boolean'],
};
export const OF_ACTION: ChecksOf<SimulateActionOptions<unknown>> = {
  ...ANY,
  input: 'anything',
  idempotencyKey: ['string'],
};
