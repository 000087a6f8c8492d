/** Nodes that are told to look for deletions when earlier runs have stored rows already. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, path } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

describe('a node that looks for deletions from some run on', () => {
  let stage: ListStage;
  let teams: Record<string, string[]>;
  onListStage((set) => {
    stage = set;
    teams = { a: ['a1', 'a2', 'both'], b: ['b1', 'b2', 'both'] };
    stage.api.route('GET', '/teams', () => ({ body: { items: Object.keys(teams).map((id) => ({ id })) } }));
    stage.api.route('GET', '/teams/:id/members', (_, { id }) => ({
      body: { items: (teams[id] ?? []).map((member) => ({ id: member })) },
    }));
  });

  const run = async (deletions: 'full-pass' | 'told') => {
    const provider = defineProvider({ id: 'club', baseUrl: stage.api.url, auth: noAuth(), limits: [] });
    const list = <Input extends z.ZodType>(name: string, input: Input, at: (input: z.output<Input>) => string) =>
      provider.endpoint(name, {
        input,
        response: z.object({ items: z.array(z.object({ id: z.string() })) }),
        request: (given) => get(at(given)),
        paginate: { kind: 'single', items: ({ items }) => items },
      });
    const teamList = list('teams', z.object({}), () => '/teams');
    const memberList = list('members', z.object({ id: z.string() }), ({ id }) => path`/teams/${id}/members`);
    const sync = defineSync('club', { provider, input: z.object({}) }, (s) => {
      const all = s.one(teamList, { input: () => ({}), key: ({ id }) => id, deletions });
      const members = s.each(all, memberList, { input: ({ id }) => ({ id }), key: ({ id }) => id, deletions });
      return { teams: all, members };
    });
    const result = await stage.drive.run(sync, { account: stage.account });
    const { rows } = await stage.db.pool.query<{ key: string }>(
      `select key from sluice.record where account = $1 and resource = 'club.members' and deleted_at is null order by key`,
      [stage.account],
    );
    return { complete: result?.complete, stored: rows.map(({ key }) => key).join(' ') };
  };

  it('finds rows of earlier runs that its lists do not have any more, and keeps those that another list has', async () => {
    await run('told');
    teams = { a: ['a1'], b: ['b1', 'b2', 'both'] };
    expect(await run('told')).toEqual({ complete: true, stored: 'a1 a2 b1 b2 both' });
    expect(await run('full-pass')).toEqual({ complete: true, stored: 'a1 b1 b2 both' });
    teams = { a: ['a1', 'a3'], b: ['b1'] };
    expect(await run('full-pass')).toEqual({ complete: true, stored: 'a1 a3 b1' });
  });

  it('finds those that came while it did not look for them', async () => {
    await run('full-pass');
    teams = { a: ['a1', 'a2', 'a3'], b: ['b1', 'b2', 'both'] };
    expect(await run('told')).toMatchObject({ stored: 'a1 a2 a3 b1 b2 both' });
    teams = { a: ['a1'], b: ['b1', 'b2', 'both'] };
    expect(await run('full-pass')).toEqual({ complete: true, stored: 'a1 b1 b2 both' });
  });
});
