/** Options of `createWorker` that it does not know: a misspelt `onFailure` would tell nobody. Used by: `create-worker.ts`. */
import { unknownOptions, type NamesOf } from '../contracts/values/option-mistakes.ts';
import type { WorkerOptions } from './create-worker.ts';

const OPTIONS: NamesOf<WorkerOptions> = {
  syncs: true,
  actions: true,
  sagas: true,
  databaseUrl: true,
  temporal: true,
  namespace: true,
  encryptionKeys: true,
  credentials: true,
  onFailure: true,
  onAlert: true,
  alerts: true,
  stalledAfterMs: true,
  retention: true,
  roles: true,
  schedules: true,
  scheduler: true,
  settings: true,
  workflowBundle: true,
  payloadCodecs: true,
  tracing: true,
  plugins: true,
  log: true,
};

/** @throws TypeError with all of them. */
export function checkWorkerOptions(options: object): void {
  const wrong = unknownOptions(options, OPTIONS);
  if (wrong.length > 0) throw new TypeError(`createWorker: ${wrong.join('\n')}`);
}
