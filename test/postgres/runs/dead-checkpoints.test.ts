import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  bodyField,
  deadCursor,
  defineProvider,
  defineSync,
  get,
  noAuth,
  rules,
  when,
} from '../../../providers/index.ts';
import { onListStage, openProvider, type ListStage } from '../../setup/list-stage.ts';

const xml = { 'content-type': 'application/xml; charset=utf-8' };

interface Changes {
  readonly items: readonly { readonly id: string }[];
  readonly since?: string | undefined;
}

/** How third parties say that a sync token is known no more, besides 410. */
const refusals = [
  [403, '<?xml version="1.0"?><error xmlns="DAV:"><valid-sync-token /></error>', xml],
  [409, '<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>', xml],
  [400, '{"error":"invalid_sync_token"}', {}],
  [400, '{"error":{"code":"resyncRequired"}}', {}],
  [200, '{"ok":false,"error":"The delta cursor has expired"}', {}],
] as const;

describe('a checkpoint', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** `since` comes with the first answer, and is refused in the second run. */
  const listRefusedBy = (
    status: number,
    body: string,
    headers: Readonly<Record<string, string>>,
    checkpoint = ({ since }: Changes): string | undefined => since,
  ) => {
    const { api, db, drive, account } = stage;
    const path = '/changes';
    const seen: (string | null)[] = [];
    let ids = ['a', 'b'];
    api.route('GET', path, ({ query }) => {
      seen.push(query.get('since'));
      if (query.has('since')) return { status, body, headers: { 'content-type': 'application/json', ...headers } };
      return { body: { items: ids.map((id) => ({ id })), since: String(seen.length) } };
    });
    const provider = openProvider(api, 'dav', 2);
    const changes = provider.endpoint('changes', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({ items: z.array(z.object({ id: z.string() })), since: z.string().optional() }),
      request: ({ since }) => get(path, { since }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: () => null, checkpoint },
    });
    const sync = defineSync('dav', { provider, input: z.object({}) }, (s) => ({
      changes: s.one(changes, {
        input: (_, { checkpoint }) => ({ since: checkpoint }),
        key: ({ id }) => id,
        incremental: 'checkpoint',
        deletions: 'full-pass',
      }),
    }));
    const stored = async () => {
      const { rows } = await db.pool.query<{ key: string }>(
        'select key from sluice.record where account = $1 and deleted_at is null order by key',
        [account],
      );
      return rows.map(({ key }) => key);
    };
    return { run: () => drive.run(sync, { account }), stored, seen, becomes: (now: string[]) => (ids = now) };
  };

  it.each(refusals)(
    'that is refused by %i %s is over: all is read again by the same run',
    async (status, body, headers) => {
      const { run, stored, seen, becomes } = listRefusedBy(status, body, headers);
      expect(await run()).toMatchObject({ complete: true });
      becomes(['b', 'c']);
      expect(await run()).toMatchObject({ complete: true, flaws: [] });
      expect(seen).toEqual([null, '1', null]);
      expect(await stored()).toEqual(['b', 'c']);
    },
  );

  it('that is answered without a row and without another one is over: all is read again by the same run', async () => {
    const { run, stored, seen, becomes } = listRefusedBy(200, '{"items":[]}', {});
    await run();
    becomes(['b', 'c']);
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(seen).toEqual([null, '1', null]);
    expect(await stored()).toEqual(['b', 'c']);
  });

  it.each(['{"items":[],"since":"1"}', '{"items":[],"since":"2"}'])(
    'is good where nothing has changed: %s',
    async (body) => {
      const { run, seen } = listRefusedBy(200, body, {});
      await run();
      expect(await run()).toMatchObject({ complete: true });
      expect(seen).toEqual([null, '1']);
    },
  );

  it('that is answered with rows and without another one has not been answered to the end', async () => {
    const { run, stored, seen } = listRefusedBy(200, '{"items":[{"id":"c"}]}', {});
    await run();
    const result = await run();
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
    expect(result?.flaws[0]?.reason).toContain('its last page has not come');
    expect(await stored()).toEqual(['a', 'b', 'c']);
    // It is asked from the same one again.
    await run();
    expect(seen).toEqual([null, '1', '1']);
  });

  it('is good where nothing has changed, and it is taken from the last row', async () => {
    const { run, seen } = listRefusedBy(200, '{"items":[]}', {}, ({ items }) => items.at(-1)?.id);
    await run();
    expect(await run()).toMatchObject({ complete: true });
    expect(seen).toEqual([null, 'b']);
  });

  it.each([
    [403, '<error xmlns="DAV:"><need-privileges/></error>', xml],
    [400, '{"error":"invalid_scope"}', {}],
  ] as const)('is kept where something else is refused by %i %s', async (status, body, headers) => {
    const { run, stored, seen } = listRefusedBy(status, body, headers);
    await run();
    const result = await run();
    expect(result).toMatchObject({ complete: false });
    expect(result?.flaws[0]?.reason).toMatch(/need-privileges|invalid_scope/);
    expect(seen).toEqual([null, '1']);
    expect(await stored()).toEqual(['a', 'b']);
  });

  /** A log whose cursors name its pages and go on from run to run. Those that stand in mid-list die with each change of a row, as Plaid has it. */
  const logOf = () => {
    const { api, drive, account } = stage;
    let rows = Array.from({ length: 35 }, (_, n) => ({ id: `r${n}`, at: n }));
    let changes = 0;
    const asked: (string | null)[] = [];
    let beforeCall: (nth: number) => void = () => {};
    api.route('GET', '/log', ({ query }) => {
      beforeCall(asked.push(query.get('cursor')));
      const [at = '-1', stamp] = (query.get('cursor') ?? '-1').split('~');
      if (stamp !== undefined && stamp !== String(changes)) return { status: 400, body: { code: 'CHANGED' } };
      const behind = rows.filter((row) => row.at > Number(at));
      const items = behind.slice(0, 10);
      const more = behind.length > 10;
      return { body: { items, next: `${items.at(-1)?.at ?? at}${more ? `~${changes}` : ''}`, more } };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const log = provider.endpoint('log', {
      input: z.object({ cursor: z.string().optional() }),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string(), more: z.boolean() }),
      request: ({ cursor }, page) => get('/log', { cursor: page.cursor ?? cursor }),
      classify: rules([when(bodyField('code', 'CHANGED'), deadCursor())]),
      paginate: {
        kind: 'cursor',
        items: ({ items }) => items,
        next: ({ next }) => next,
        hasMore: ({ more }) => more,
        checkpoint: ({ next }) => next,
      },
    });
    const sync = defineSync('log', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(log, {
        input: (_, { checkpoint }) => ({ cursor: checkpoint }),
        key: ({ id }) => id,
        incremental: 'checkpoint',
      }),
    }));
    const change = (id: string): void => {
      changes += 1;
      rows = [...rows.filter((row) => row.id !== id), { id, at: 100 + changes }];
    };
    return {
      run: () => drive.run(sync, { account }),
      asked,
      change,
      onCall: (hook: typeof beforeCall) => (beforeCall = hook),
    };
  };

  it('is the one of the reading that came to its end, where the list was begun again before', async () => {
    const { run, asked, change, onCall } = logOf();
    onCall((nth) => {
      if (nth === 2) change('r3');
    });
    expect(await run()).toMatchObject({ complete: true, rows: 35, flaws: [] });
    change('r4');
    const before = asked.length;
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(asked.slice(before)).toEqual(['101']);
  });

  it('that a rule calls a dead cursor is over: all is read again by the same run', async () => {
    const { run, asked, change } = logOf();
    await run();
    const before = asked.length;
    change('r3');
    stage.api.script('/log', [{ status: 400, body: '{"code":"CHANGED"}' }]);
    expect(await run()).toMatchObject({ complete: true, rows: 35, flaws: [] });
    expect(asked.slice(before)[0]).toBe(null);
  });

  it('that names the next page makes no page without rows believed at once', async () => {
    const { run, asked } = logOf();
    stage.api.script('/log', ['ok', { status: 200, body: '{"items":[],"next":"19~0","more":true}' }]);
    expect(await run()).toMatchObject({ complete: true, rows: 35, flaws: [] });
    expect(asked).toEqual([null, '9~0', '19~0', '29~0']);
  });
});
