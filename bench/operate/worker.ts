/** A worker process of `bench/operate.ts`; SLUICE_ROLES says what it serves. */
import { createWorker } from '../../workers/index.ts';
import { long, short } from './syncs.ts';

const { DATABASE_URL = '', TEMPORAL_ADDRESS = '' } = process.env;
const temporal = { address: TEMPORAL_ADDRESS };
const worker = await createWorker({ syncs: [long, short], databaseUrl: DATABASE_URL, temporal });
process.once('SIGTERM', () => worker.shutdown());
const running = worker.run();
console.log('READY');
await running;
process.exit(0);
