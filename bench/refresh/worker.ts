/**
 * One of the worker processes of `bench/refresh.ts`, as an app would start it.
 */
import { createWorker } from '../../workers/index.ts';
import { itemsSync } from './sync.ts';

const { DATABASE_URL = '', TEMPORAL_ADDRESS = '' } = process.env;

const worker = await createWorker({
  syncs: [itemsSync],
  databaseUrl: DATABASE_URL,
  temporal: { address: TEMPORAL_ADDRESS },
});
process.once('SIGTERM', () => worker.shutdown());
console.log('READY');
await worker.run();
process.exit(0);
