/** Lists below others that are asked for something else than before, because the input of the run is another one. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, path } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();

describe('a list below another one', () => {
  let stage: ListStage;
  let asked: string[];
  const issues = [
    { id: 'i1', state: 'closed', updated: at(1) },
    { id: 'i2', state: 'open', updated: at(2) },
    { id: 'i3', state: 'closed', updated: at(3) },
    { id: 'i4', state: 'open', updated: at(4) },
  ];
  onListStage((set) => {
    stage = set;
    asked = [];
    stage.api.route('GET', '/repos/:id/issues', ({ query, headers }) => {
      const [state, since] = [query.get('state'), query.get('since')];
      asked.push(headers['if-none-match'] === '"v1"' ? '304' : `${state} ${since === null ? 'all' : 'since'}`);
      if (headers['if-none-match'] === '"v1"') return { status: 304 };
      const items = issues.filter(
        (issue) => (state === 'any' || issue.state === state) && (since === null || issue.updated >= since),
      );
      return { body: { items }, headers: { etag: '"v1"' } };
    });
  });

  const run = async (input: { state: string; today: string }, kind: 'since' | 'etag') => {
    asked = [];
    const provider = defineProvider({ id: 'code', baseUrl: stage.api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('issues', {
      input: z.object({ repo: z.string(), state: z.string(), since: z.string().optional() }),
      response: z.object({ items: z.array(z.object({ id: z.string(), state: z.string(), updated: z.string() })) }),
      request: ({ repo, state, since }) => get(path`/repos/${repo}/issues`, { state, since }),
      paginate: { kind: 'single', items: ({ items }) => items },
      ...(kind === 'etag' ? { conditional: 'whole' } : {}),
    });
    const schema = z.object({ state: z.string(), today: z.string() });
    const sync = defineSync('code', { provider, input: schema }, (s) => {
      const repos = s.values(() => ['r'], { key: (repo) => repo });
      const below = s.each(repos, list, {
        input: (repo, { watermark, runInput }) => ({ repo, state: runInput.state, since: watermark }),
        key: ({ id }) => id,
        ...(kind === 'since' ? { incremental: { field: ({ updated }) => updated, lookbackMs: 0 } } : {}),
      });
      return { repos, issues: below };
    });
    const result = await stage.drive.run(sync, { account: stage.account, input });
    const { rows } = await stage.db.pool.query<{ key: string }>(
      `select key from sluice.record where account = $1 and resource = 'code.issues' order by key`,
      [stage.account],
    );
    return { complete: result?.complete, stored: rows.map(({ key }) => key).join(' '), asked: asked.join(', ') };
  };

  it('is read from its beginning where the input of the run asks for something else than its last reading did', async () => {
    const [open, any] = [
      { state: 'open', today: '1' },
      { state: 'any', today: '1' },
    ];
    expect(await run(open, 'since')).toEqual({ complete: true, stored: 'i2 i4', asked: 'open all' });
    expect(await run(any, 'since')).toEqual({ complete: true, stored: 'i1 i2 i3 i4', asked: 'any all' });
    // What does not reach the list changes nothing.
    expect(await run({ ...any, today: '2' }, 'since')).toMatchObject({ complete: true, asked: 'any since' });
  });

  it('is not asked whether it has changed by what another one was told', async () => {
    await run({ state: 'open', today: '1' }, 'etag');
    expect(await run({ state: 'open', today: '2' }, 'etag')).toMatchObject({ asked: '304' });
    const other = await run({ state: 'any', today: '2' }, 'etag');
    expect(other).toEqual({ complete: true, stored: 'i1 i2 i3 i4', asked: 'any all' });
  });
});
