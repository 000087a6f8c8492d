/** What a run says of its lists while they are read once more. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toWait } from '../../../client/waits/run-waits.ts';
import { readWaits } from '../../../db/stores/run/wait-store.ts';
import { defineProvider, defineSync, get, noAuth, type Paginate } from '../../../providers/index.ts';
import { onListStage, rowsFrom, type ListStage } from '../../setup/list-stage.ts';

interface Body {
  readonly rows: { readonly id: number }[];
  readonly next?: string | undefined;
}

/** Nothing in them counts. */
const NAMES = ['first', 'kx', 'qa', 'bw', 'zt', 'mo', 'ur'];

describe('a list that is read again', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it.each<[what: string, kind: 'cursor' | 'page']>([
    ['its cursor has died', 'cursor'],
    ['rows have moved', 'page'],
  ])('is told while it is, with its reading, and neither before nor behind it: %s', async (_, kind) => {
    const { api, db, drive, account } = stage;
    let calls = 0;
    api.route('GET', '/rows', ({ query }) => {
      calls += 1;
      if (kind === 'cursor' && calls === 3) return { status: 410, body: {} };
      const from = kind === 'page' ? Number(query.get('from')) : 10 * NAMES.indexOf(query.get('from') ?? NAMES[0]!);
      // Ten rows come to the front before the third page.
      const moved = kind === 'page' && calls > 2 ? 10 : 0;
      const rows = rowsFrom(from - moved, Math.min(10, 45 + moved - from));
      return { body: { rows, ...(from + 10 < 45 + moved ? { next: NAMES[from / 10 + 1] } : {}) } };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const paginate: Paginate<Body, { readonly id: number }> =
      kind === 'cursor'
        ? { kind, items: ({ rows }) => rows, next: ({ next }) => next }
        : { kind, items: ({ rows }) => rows, hasMore: ({ next }) => next !== undefined };
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ rows: z.array(z.object({ id: z.number() })), next: z.string().optional() }),
      request: (_input, page) => get('/rows', { from: kind === 'page' ? (page.number - 1) * 10 : page.cursor }),
      paginate,
    });
    const sync = defineSync('rows', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const told = async () => (await readWaits(db.pool, drive.lastRunId())).map(toWait);
    expect(await drive.run(sync, { account, dieAfterCalls: 2 })).toBeUndefined();
    expect(await told()).toEqual([]);
    let seen: Awaited<ReturnType<typeof told>> = [];
    for (let steps = 0; steps < 12 && seen.length === 0; steps++) {
      if (await drive.goOn(sync, drive.lastRunId(), { account, dieAfterCalls: 1 })) break;
      seen = await told();
    }
    expect(seen).toEqual([
      {
        kind: 'again',
        node: 'rows',
        calls: 1,
        text: 'rows: 1 list is read again (reading 2): its rows moved while it was read, some were left out, or its cursor died',
      },
    ]);
    expect(await drive.goOn(sync, drive.lastRunId(), { account })).toMatchObject({ complete: true });
    expect(await told()).toEqual([]);
  });
});
