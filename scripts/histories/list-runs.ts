/**
 * Runs of a single list, which `sync` reads itself, and which it hands over to `resource` when something is in the way.
 * Next stop: `operation-runs.ts`.
 */
import { z } from 'zod';
import { provider } from '../../test/fixtures/forest.ts';
import { defineSync, get } from '../../providers/index.ts';
import { limited, type RecordedRun, type Stage } from './stage.ts';

const Notes = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
const notes = provider.endpoint('notes', {
  input: z.object({ id: z.string() }),
  response: Notes,
  request: ({ id }, page) => get(`/users/${id}/notes`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 10, max: 10 } },
});
export const single = defineSync('single', { provider, input: z.object({ id: z.string() }) }, (s) => ({
  notes: s.one(notes, { input: (input) => input, key: ({ id }) => id }),
}));

const input = { id: 'u' };

function pagesOf({ api }: Stage, pages: number): void {
  api.list('/users/:id/notes', { count: pages * 10 - 5, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
}

async function isWalking(stage: Stage): Promise<void> {
  const { api } = stage;
  const before = api.report().calls;
  await stage.until('some calls', () => api.report().calls > before + 8);
}

export const listRuns: readonly RecordedRun[] = [
  {
    files: ['sync-one-list'],
    run: async (stage) => {
      pagesOf(stage, 12);
      const run = await stage.sluice.start(single, { account: 'plain', input });
      await run.result();
      await stage.record('sync-one-list', run.workflowId);
    },
  },
  {
    files: ['sync-one-list-limited', 'resource-one-list-limited'],
    run: async (stage) => {
      pagesOf(stage, 12);
      stage.api.script('/users/:id/notes', ['ok', 'ok', 'ok', limited(2)]);
      const run = await stage.sluice.start(single, { account: 'limited', input });
      await run.result();
      await stage.record('sync-one-list-limited', run.workflowId);
      await stage.record('resource-one-list-limited', `${run.workflowId}/notes`);
    },
  },
  {
    files: ['sync-one-list-paused', 'resource-one-list-paused'],
    run: async (stage) => {
      pagesOf(stage, 60);
      const run = await stage.sluice.start(single, { account: 'paused', input });
      await isWalking(stage);
      await run.pause();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await run.resume();
      await run.result();
      await stage.record('sync-one-list-paused', run.workflowId);
      await stage.record('resource-one-list-paused', `${run.workflowId}/notes`);
    },
  },
  {
    files: ['sync-one-list-long'],
    run: async (stage) => {
      pagesOf(stage, 30);
      const run = await stage.sluice.start(single, { account: 'long', input, maxHistoryEvents: 10 });
      await run.result();
      await stage.record('sync-one-list-long', run.workflowId);
    },
  },
  {
    files: ['sync-one-list-cancelled'],
    run: async (stage) => {
      pagesOf(stage, 200);
      const run = await stage.sluice.start(single, { account: 'cancelled', input });
      await isWalking(stage);
      await run.cancel();
      await run.result().catch(() => undefined);
      await stage.record('sync-one-list-cancelled', run.workflowId);
    },
  },
  {
    files: ['sync-one-list-failed'],
    run: async (stage) => {
      stage.api.list('/users/:id/notes', { count: () => undefined, itemAt: (_, i) => ({ id: `${i}` }) });
      const run = await stage.sluice.start(single, { account: 'failed', input });
      await run.result();
      await stage.record('sync-one-list-failed', run.workflowId);
    },
  },
  {
    // Long enough for calls to be asked for several at once; it ends among them.
    files: ['sync-one-list-ahead'],
    run: async (stage) => {
      pagesOf(stage, 48);
      const run = await stage.sluice.start(single, { account: 'ahead', input });
      await run.result();
      await stage.record('sync-one-list-ahead', run.workflowId);
    },
  },
  {
    files: ['sync-one-list-ahead-limited', 'resource-one-list-ahead-limited'],
    run: async (stage) => {
      pagesOf(stage, 60);
      stage.api.script('/users/:id/notes', [...Array<'ok'>(35).fill('ok'), limited(2)]);
      const run = await stage.sluice.start(single, { account: 'ahead-limited', input });
      await run.result();
      await stage.record('sync-one-list-ahead-limited', run.workflowId);
      await stage.record('resource-one-list-ahead-limited', `${run.workflowId}/notes`);
    },
  },
];
