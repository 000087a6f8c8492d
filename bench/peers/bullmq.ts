/**
 * BullMQ: a job for each page, which adds the next page's job before it stores its rows. Refused calls use its own
 * exponential backoff. Its packages are not among ours: they are looked for in the folder PACKAGES.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pageCaller, peerSettings, whenTold } from './page.ts';

interface PageJob {
  readonly data: { readonly user: string; readonly cursor: number };
}
/** The part of BullMQ that is used here. */
interface BullMq {
  Queue: new (
    name: string,
    options: object,
  ) => {
    add(name: string, data: PageJob['data']): Promise<unknown>;
    addBulk(jobs: readonly { name: string; data: PageJob['data'] }[]): Promise<unknown>;
    waitUntilReady(): Promise<unknown>;
  };
  Worker: new (
    name: string,
    work: (job: PageJob) => Promise<unknown>,
    options: object,
  ) => { on(event: 'error', listener: (error: Error) => void): unknown; waitUntilReady(): Promise<unknown> };
}

const { REDIS_URL = '', PACKAGES = '', CONCURRENCY = '32' } = process.env;
const { Queue, Worker } = createRequire(join(PACKAGES, 'package.json'))('bullmq') as BullMq;
const settings = peerSettings();
const callPage = pageCaller(settings);
const connection = { url: REDIS_URL, maxRetriesPerRequest: null };
const queue = new Queue('pages', {
  connection,
  defaultJobOptions: {
    attempts: 1_000,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    removeOnComplete: true,
  },
});
const worker = new Worker(
  'pages',
  ({ data: { user, cursor } }) => callPage(user, cursor, (next) => queue.add('page', { user, cursor: next })),
  { connection, concurrency: Number(CONCURRENCY) },
);
worker.on('error', (error) => console.error(error));
await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
whenTold(() => queue.addBulk(settings.accounts.map((user) => ({ name: 'page', data: { user, cursor: 0 } }))));
