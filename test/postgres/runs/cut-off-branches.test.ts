/** Trees of three levels whose rows in the middle are known from earlier runs, when a row above them is gone. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();
const rows = (...ids: string[]) => ids.map((id, n) => ({ id, updated: at(n) }));

describe('what is below a row that is gone', () => {
  let stage: ListStage;
  /** What there is: keys by the path of their list. */
  let lists: Record<string, { id: string; updated: string }[]>;
  let asked: string[];
  onListStage((set) => {
    stage = set;
    asked = [];
    lists = {
      orgs: rows('o1', 'o2'),
      o1: rows('p1', 'p2'),
      o2: rows('p3', 'p4'),
      ...Object.fromEntries(['p1', 'p2', 'p3', 'p4'].map((id) => [id, rows(`${id}-t`)])),
    };
    stage.api.route('GET', '/:list', ({ query }, { list }) => {
      asked.push(list);
      const since = query.get('since');
      const found = lists[list];
      if (!found) return { status: 404, body: { error: 'gone' } };
      return { body: { items: found.filter(({ updated }) => since === null || updated >= since) } };
    });
  });

  const run = async (mode: 'incremental' | 'full' = 'incremental') => {
    asked = [];
    const provider = defineProvider({ id: 'work', baseUrl: stage.api.url, auth: noAuth(), limits: [] });
    const list = (name: string) =>
      provider.endpoint(name, {
        input: z.object({ list: z.string(), since: z.string().optional() }),
        response: z.object({ items: z.array(z.object({ id: z.string(), updated: z.string() })) }),
        request: (of) => get(`/${of.list}`, { since: of.since }),
        paginate: { kind: 'single', items: ({ items }) => items },
      });
    const key = ({ id }: { id: string }) => id;
    const sync = defineSync('work', { provider, input: z.object({}) }, (s) => {
      const orgs = s.one(list('orgs'), { input: () => ({ list: 'orgs' }), key, deletions: 'full-pass' });
      const projects = s.each(orgs, list('projects'), {
        input: ({ id }, { watermark }) => ({ list: id, since: watermark }),
        key,
        incremental: { field: ({ updated }) => updated, lookbackMs: 0 },
        deletions: 'full-pass',
      });
      const tasks = s.each(projects, list('tasks'), {
        input: ({ id }) => ({ list: id }),
        key,
        deletions: 'full-pass',
      });
      return { orgs, projects, tasks };
    });
    const result = await stage.drive.run(sync, { account: stage.account, mode });
    return { complete: result?.complete, asked: asked.toSorted().join(' ') };
  };

  const stored = async (node = 'projects') => {
    const { rows: found } = await stage.db.pool.query<{ key: string }>(
      `select key from sluice.record where account = $1 and resource = $2 and deleted_at is null order by key`,
      [stage.account, `work.${node}`],
    );
    return found.map(({ key }) => key);
  };

  it('is not asked for, and is again when the row is back', async () => {
    await run();
    expect(await run()).toEqual({ complete: true, asked: 'o1 o2 orgs p1 p2 p3 p4' });
    const { orgs = [], o1 = [], p1 = [], p2 = [], ...rest } = lists;
    lists = { ...rest, orgs: orgs.slice(1) };
    expect(await run()).toEqual({ complete: true, asked: 'o2 orgs p3 p4' });
    expect(await run()).toEqual({ complete: true, asked: 'o2 orgs p3 p4' });
    lists = { ...rest, orgs, o1, p1, p2 };
    expect(await run()).toEqual({ complete: true, asked: 'o1 o2 orgs p1 p2 p3 p4' });
  });

  it('keeps no row that has moved away before and is gone from where it went', async () => {
    await run('full');
    // A project moves, and the team that it was in is dissolved before anybody looks.
    const { o1: _, p1 = [], o2 = [], ...rest } = lists;
    const [moving] = rows('p1');
    lists = { ...rest, p1, orgs: rows('o2'), o2: [...o2, moving!] };
    expect(await run('full')).toMatchObject({ complete: true });
    expect(await stored()).toEqual(['p1', 'p2', 'p3', 'p4']);
    lists = { ...rest, orgs: rows('o2'), o2 };
    expect(await run('full')).toMatchObject({ complete: true });
    expect(await stored()).toEqual(['p2', 'p3', 'p4']);
    expect(await run()).toEqual({ complete: true, asked: 'o2 orgs p3 p4' });
  });

  it('keeps no row two levels below that has moved away before and is gone from where it went', async () => {
    await run('full');
    const { o1: _, p1: moving = [], p3 = [], ...rest } = lists;
    lists = { ...rest, orgs: rows('o2'), p3: [...p3, ...moving] };
    expect(await run('full')).toMatchObject({ complete: true });
    expect(await stored('tasks')).toContain('p1-t');
    lists = { ...rest, orgs: rows('o2'), p3 };
    expect(await run('full')).toMatchObject({ complete: true });
    expect(await stored('tasks')).not.toContain('p1-t');
  });

  it('is not asked for where all lists that have it are below rows that are gone', async () => {
    const { o1 = [], o2 = [], ...rest } = lists;
    lists = { ...rest, o1, o2: [...o2, ...o1], o3: rows('p5'), p5: rows('p5-t'), orgs: rows('o1', 'o2', 'o3') };
    await run();
    lists = { orgs: rows('o3'), o3: rows('p5'), p5: rows('p5-t') };
    expect(await run()).toEqual({ complete: true, asked: 'o3 orgs p5' });
  });

  it('is asked for where another list has it as well', async () => {
    lists = { ...lists, o2: [...(lists['o2'] ?? []), ...(lists['o1'] ?? [])] };
    await run();
    const { orgs = [], o1: _, ...rest } = lists;
    lists = { ...rest, orgs: orgs.slice(1) };
    expect(await run()).toEqual({ complete: true, asked: 'o2 orgs p1 p2 p3 p4' });
  });

  it('keeps a row of a list that several rows share, one of which is gone', async () => {
    const order = (id: string, team: string, version = 1) => ({ id, team, version });
    const of = { orders: [order('o1', 'a'), order('o2', 'a'), order('o3', 'b')], a: ['x', 'y'], b: ['x', 'z'] };
    stage.api.route('GET', '/orders', () => ({ body: { items: of.orders } }));
    stage.api.route('GET', '/teams/:team', (_, { team }) => {
      asked.push(team);
      return { body: { items: of[team as 'a' | 'b'].map((id) => ({ id })) } };
    });
    const provider = defineProvider({ id: 'work', baseUrl: stage.api.url, auth: noAuth(), limits: [] });
    const Order = z.object({ id: z.string(), team: z.string(), version: z.number() });
    const sync = defineSync('work', { provider, input: z.object({}) }, (s) => {
      const key = ({ id }: { id: string }) => id;
      const orders = provider.endpoint('orders', {
        input: z.object({}),
        response: z.object({ items: z.array(Order) }),
        request: () => get('/orders'),
        paginate: { kind: 'single', items: ({ items }) => items },
      });
      const members = provider.endpoint('projects', {
        input: z.object({ team: z.string() }),
        response: z.object({ items: z.array(z.object({ id: z.string() })) }),
        request: ({ team }) => get(`/teams/${team}`),
        paginate: { kind: 'single', items: ({ items }) => items },
      });
      const all = s.one(orders, { input: () => ({}), key, deletions: 'full-pass' });
      const uniqueBy = ({ team }: { team: string }) => team;
      const input = ({ team }: { team: string }) => ({ team });
      return {
        all,
        projects: s.each(all, members, { input, key, uniqueBy, parents: 'changed', deletions: 'full-pass' }),
      };
    });
    const again = () => stage.drive.run(sync, { account: stage.account, mode: 'incremental' });
    await again();
    of.orders = [order('o2', 'a'), order('o3', 'b')];
    await again();
    asked = [];
    of.orders = [order('o2', 'a'), order('o3', 'b', 2)];
    of.b = ['z'];
    expect(await again()).toMatchObject({ complete: true });
    expect(asked).toEqual(['b']);
    expect(await stored()).toEqual(['x', 'y', 'z']);
  });
});
