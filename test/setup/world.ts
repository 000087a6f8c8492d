/**
 * A whole small world for one test file: a database of its own, the shared Temporal server with a task queue of its own,
 * workers in this process, and a client.
 */
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { connect, type Sluice } from '../../client/index.ts';
import type { Sync } from '../../providers/index.ts';
import { createWorker, type SluiceWorker, type WorkerOptions } from '../../workers/index.ts';
import { createTestDatabase, type TestDatabase } from './servers/database.ts';
import { workflowBundle } from './programs/programs.ts';
import { temporalAddress } from './servers/servers.ts';

export interface World {
  readonly db: TestDatabase;
  readonly sluice: Sluice;
  readonly taskQueue: string;
  /** Temporal itself: what it knows of a workflow, and what an operator can do to one. */
  readonly temporal: Client;
  /** Starts one more worker in this process. */
  startWorker(options?: Partial<WorkerOptions>): Promise<{ stop(): Promise<void> }>;
  end(): Promise<void>;
}

export async function createWorld(
  syncs: readonly Sync[],
  { workers: count = 1, ...options }: Partial<WorkerOptions> & { readonly workers?: number } = {},
): Promise<World> {
  const db = await createTestDatabase();
  const taskQueue = `test-${randomBytes(4).toString('hex')}`;
  const temporal = { address: temporalAddress() };
  const connection = Connection.lazy(temporal);
  const running: { worker: SluiceWorker; done: Promise<void> }[] = [];
  const settings = {
    taskQueue,
    concurrency: 100,
    dbConnections: 10,
    egress: 'default',
    drainSeconds: 1,
    logLevel: 'error',
  };
  const startWorker = async (extra: Partial<WorkerOptions> = {}) => {
    const worker = await createWorker({
      syncs,
      databaseUrl: db.url,
      temporal,
      settings,
      workflowBundle: workflowBundle(),
      ...options,
      ...extra,
    });
    const entry = { worker, done: worker.run() };
    running.push(entry);
    return {
      stop: async () => {
        running.splice(running.indexOf(entry), 1);
        worker.shutdown();
        await entry.done;
      },
    };
  };
  for (let started = 0; started < count; started++) await startWorker();
  const { encryptionKeys } = options;
  const sluice = await connect({
    databaseUrl: db.url,
    temporal,
    taskQueue,
    ...(encryptionKeys === undefined ? {} : { encryptionKeys }),
  });
  const client = new Client({ connection });
  return {
    db,
    sluice,
    taskQueue,
    temporal: client,
    startWorker,
    end: async () => {
      for (const { worker } of running) worker.shutdown();
      await Promise.all(running.map(({ done }) => done));
      await sluice.close();
      await connection.close();
      await db.drop();
    },
  };
}
