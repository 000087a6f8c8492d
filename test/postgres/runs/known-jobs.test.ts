/** Jobs that are there already: exports that somebody else orders, and files whose address is told by a call of its own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, path, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

describe('a job that is there already', () => {
  let stage: ListStage;
  /** Where files are kept. */
  let files: FakeApi;
  let asked: string[];
  let told: Record<string, unknown>[];
  let expired: number;
  onListStage((set) => {
    stage = set;
    [asked, told, expired] = [[], [], 0];
    const { api } = stage;
    api.route('GET', '/reports', () => ({ body: [{ document: 'd1' }, { document: 'd2' }] }));
    api.route('GET', '/documents/:id', (_, { id }) => {
      asked.push(`where is ${id}`);
      const state = (id === 'd1' && told.shift()) || {
        status: 'there',
        url: `${files.url}/files/${id}?signature=${asked.length}`,
      };
      return state['status'] === 404 ? { status: 404, body: {} } : { body: state };
    });
  });
  beforeEach(async () => {
    files = await startFakeApi();
    files.route('GET', '/files/:id', (_, { id }) => {
      asked.push(`file ${id}`);
      if (id === 'd1' && expired-- > 0) return { status: 403, body: '<Error>Request has expired</Error>' };
      return { body: `{"id":"${id}-1"}\n{"id":"${id}-2"}\n`, headers: { 'content-type': 'application/x-ndjson' } };
    });
  });
  afterEach(() => files.stop());

  const sync = (longestMs = 60_000) => {
    const provider = defineProvider({
      id: 'seller',
      baseUrl: () => stage.api.url,
      auth: noAuth(),
      limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000, endpoints: ['rows', 'rows.poll'] })],
      maxAttempts: 2,
    });
    const reports = provider.endpoint('reports', {
      input: z.object({}),
      response: z.array(z.object({ document: z.string() })),
      request: () => get('/reports'),
      paginate: { kind: 'single', items: (all) => all },
    });
    const rows = provider.endpoint('rows', {
      input: z.object({ document: z.string() }),
      response: z.array(z.object({ id: z.string() })),
      job: {
        known: ({ document }) => document,
        polled: z.object({ status: z.string(), url: z.string().optional() }),
        poll: (id) => get(path`/documents/${id}`),
        state: ({ status, url }) =>
          status === 'failed' ? { state: 'failed' } : url ? { state: 'done', results: [url] } : { state: 'running' },
        pollMs: { first: 20, most: 50 },
        longestMs,
      },
      request: (_, page) => get(page.job.result),
      openHosts: [new URL(files.url).host],
      format: 'ndjson',
      paginate: { kind: 'single', items: (all) => all },
    });
    return defineSync('seller', { provider, input: z.object({}) }, (s) => {
      const all = s.one(reports, { input: () => ({}), key: ({ document }) => document });
      const input = ({ document }: { document: string }) => ({ document });
      return { reports: all, rows: s.each(all, rows, { input, key: ({ id }) => id }) };
    });
  };
  const run = (longestMs?: number) => stage.drive.run(sync(longestMs), { account: stage.account, input: {} });

  it('is asked where its rows are, and nothing is made', async () => {
    expect(await run()).toMatchObject({ complete: true, rows: 2 + 4, calls: 1 + 4 });
    expect(asked.toSorted()).toEqual(['file d1', 'file d2', 'where is d1', 'where is d2']);
    const { rows } = await stage.db.pool.query<{ text: string }>('select u::text as text from sluice.unit u');
    expect(rows.filter(({ text }) => text.includes('signature'))).toEqual([]);
  });

  it('is waited for while somebody else makes it, and its address is asked for anew when it has ended', async () => {
    told = [{ status: 'running' }, { status: 'running' }];
    expired = 1;
    expect(await run()).toMatchObject({ complete: true, rows: 2 + 4 });
    const of = (id: string) => asked.filter((what) => what.endsWith(id));
    expect(of('d1')).toEqual(['where is d1', 'where is d1', 'where is d1', 'file d1', 'where is d1', 'file d1']);
    expect(of('d2')).toEqual(['where is d2', 'file d2']);
  });

  it('is skipped where it is not there, as any list is', async () => {
    told = [{ status: 404 }];
    const flaw = { kind: 'skipped', node: 'rows', example: 'd1' };
    expect(await run()).toMatchObject({ complete: false, rows: 2 + 2, flaws: [flaw] });
    expect(asked.toSorted()).toEqual(['file d2', 'where is d1', 'where is d2']);
  });

  it('fails its list at once where it has failed, or takes too long: another one can’t be made', async () => {
    told = [{ status: 'failed' }];
    expect((await run())?.flaws?.[0]).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/its job has failed/),
    });
    expect(asked.filter((what) => what === 'where is d1')).toHaveLength(1);
    told = Array.from({ length: 100 }, () => ({ status: 'running' }));
    expect((await run(100))?.flaws?.[0]).toMatchObject({
      reason: expect.stringMatching(/was not done after 0.1 s/),
    });
  });

  it('has nothing that one has which is made', () => {
    const provider = defineProvider({ id: 'x', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
    const of = (job: object) => {
      const options = { input: z.object({}), response: z.array(z.unknown()), request: () => get('/'), job };
      provider.endpoint('rows', { ...options, paginate: { kind: 'single', items: (all: unknown[]) => all } } as never);
      return provider.mistakes();
    };
    const known = { known: () => 'a', polled: z.object({}), poll: () => get('/'), state: () => ({ state: 'running' }) };
    expect(of(known)).toEqual([]);
    expect(of({ ...known, submit: () => get('/'), known: 'a' }).join('\n')).toMatch(
      /`submit` is of a job that is made/,
    );
    expect(of({ ...known, known: undefined, polled: undefined }).join('\n')).toMatch(/submit[\s\S]*submitted/);
  });
});
