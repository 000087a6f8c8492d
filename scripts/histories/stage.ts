/**
 * What the recorded runs play on: servers, a third party, a worker and a client, and the way from a workflow to its file.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type Sluice } from '../../client/index.ts';
import { startFakeApi, type FakeApi, type ScriptStep } from '../../testing/index.ts';
import { forest, single } from '../../test/fixtures/forest.ts';
import { hourly } from '../../test/fixtures/scheduled.ts';
import { findTemporalBinary } from '../../dev-servers/index.ts';
import { createPool } from '../../db/index.ts';
import { createWorker, startDevServers } from '../../workers/index.ts';

import { operations, sagas } from './operation-runs.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface RecordedRun {
  /** Names of the files that it records. */
  readonly files: readonly string[];
  readonly run: (stage: Stage) => Promise<void>;
}

export interface Stage {
  readonly sluice: Sluice;
  readonly api: FakeApi;
  /**
   * Writes a history, unless there is a file of this name.
   * @param having of a workflow that was continued as new: the first history with an event of this type. Default: the newest.
   */
  record(name: string, workflowId: string, having?: string): Promise<void>;
  /** Of the database. */
  query<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Resolves when it holds. @throws Error after 30 s. */
  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

/** An answer that closes its key for so long. */
export function limited(seconds: number): ScriptStep {
  return { status: 429, headers: { 'retry-after': String(seconds) }, body: {} };
}

interface History {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes?: {
      readonly firstExecutionRunId: string;
      readonly originalExecutionRunId: string;
    };
    readonly workflowExecutionContinuedAsNewEventAttributes?: { readonly newExecutionRunId: string };
    readonly eventType: string;
  }[];
}

export async function openStage(folder: string): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-histories-'));
  const servers = await startDevServers({ dataDir, env: { PATH: process.env['PATH'], HOME: process.env['HOME'] } });
  const api = await startFakeApi({ latencyMs: 60 });
  process.env['FOREST_URL'] = api.url;
  const temporal = { address: servers.temporalAddress };
  const { databaseUrl } = servers;
  const worker = await createWorker({
    syncs: [forest, single, hourly],
    actions: operations,
    sagas,
    databaseUrl,
    temporal,
    schedules: true,
  });
  const pool = createPool(databaseUrl);
  const serving = worker.run();
  const sluice = await connect({ databaseUrl, temporal });
  const program = await findTemporalBinary({});

  /** As the Temporal CLI writes it: the form that replays read. */
  const show = (workflowId: string, runId: string | undefined): History => {
    const of = ['--workflow-id', workflowId, ...(runId === undefined ? [] : ['--run-id', runId])];
    const args = ['workflow', 'show', '--address', servers.temporalAddress, ...of, '--output', 'json'];
    return JSON.parse(execFileSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })) as History;
  };
  return {
    sluice,
    api,
    record: async (name, workflowId, having) => {
      let history = show(workflowId, undefined);
      if (having !== undefined) {
        history = show(workflowId, history.events[0]?.workflowExecutionStartedEventAttributes?.firstExecutionRunId);
        while (!history.events.some(({ eventType }) => eventType === having)) {
          const next = history.events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
          if (next === undefined) throw new Error(`${name}: no run of ${workflowId} has an event ${having}.`);
          history = show(workflowId, next);
        }
      }
      const file = join(folder, `${name}.json`);
      if (existsSync(file)) return;
      // Stacks without the place of this checkout.
      await writeFile(file, `${JSON.stringify({ workflowId, ...history }).replaceAll(ROOT, '')}\n`);
      console.log(`${name}: ${history.events.length} events`);
    },
    until: async (what, holds) => {
      const waitsUntil = performance.now() + 30_000;
      while (!(await holds())) {
        if (performance.now() > waitsUntil) throw new Error(`Not within 30 s: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    query: async <Row extends object>(sql: string, values: unknown[] = []) => (await pool.query<Row>(sql, values)).rows,
    close: async () => {
      await pool.end();
      await sluice.close();
      worker.shutdown();
      await serving;
      await api.stop();
      await servers.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
