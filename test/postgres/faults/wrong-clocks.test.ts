/**
 * Workers on machines whose clocks are wrong by hours, or step in the middle; the third party tells no time. What is read, and what is
 * asked for from then on, is as with right ones: the only clock is the database's.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { built } from '../../setup/programs/programs.ts';
import type { ReadChanges, ReadResult } from '../../setup/programs/read-changes.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const HOUR_MS = 3_600_000;
const PAGE = 30;
/** A clock steps so long after its program has begun. */
const STEPS_AFTER_MS = 700;

interface Row {
  readonly id: string;
  readonly updated: string;
}

/** How a machine's clock goes: so far ahead, and so much more while its program runs. */
interface Clock {
  readonly aheadMs: number;
  readonly stepsMs?: number;
}
const RIGHT: Clock = { aheadMs: 0 };

describe('a worker whose clock is wrong', () => {
  let db: TestDatabase;
  let server: Server;
  let list: Row[];
  let asked: (string | null)[];
  let refuse: number;
  let holdMs: number;
  let tooEarly: number;
  let closedUntil: number;
  let onPage: (() => void) | undefined;
  let account: string;
  let counter = 0;

  beforeAll(async () => {
    db = await createTestDatabase();
    server = createServer((request, response) => {
      response.sendDate = false;
      const { searchParams: query } = new URL(request.url ?? '/', 'http://x');
      if (performance.now() < closedUntil) tooEarly++;
      if (refuse > 0) {
        refuse--;
        closedUntil = performance.now() + 1_000;
        response.writeHead(429, { 'retry-after': '1' }).end();
        return;
      }
      const since = query.get('since');
      const from = Number(query.get('cursor') ?? 0);
      if (from === 0) asked.push(since);
      const found = list.filter(({ updated }) => since === null || updated >= since);
      const next = from + PAGE < found.length ? String(from + PAGE) : null;
      // However fast the program starts, its clock steps before the second page has come.
      setTimeout(
        () => {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ items: found.slice(from, from + PAGE), next }));
          onPage?.();
        },
        from > 0 ? holdMs : 0,
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await db?.drop();
  });
  beforeEach(() => {
    account = `clock-${counter++}`;
    asked = [];
    refuse = 0;
    tooEarly = 0;
    closedUntil = 0;
    onPage = undefined;
  });

  const read = async ({ aheadMs, stepsMs = 0 }: Clock, isNewestFirst = false): Promise<ReadResult> => {
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    holdMs = stepsMs === 0 ? 0 : STEPS_AFTER_MS;
    const options: ReadChanges = { databaseUrl: db.url, apiUrl, account, isNewestFirst };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--import',
        built('test/setup/programs/wrong-clock.ts'),
        built('test/setup/programs/read-changes.ts'),
        JSON.stringify(options),
      ],
      {
        env: {
          ...process.env,
          WRONG_CLOCK_MS: String(aheadMs),
          CLOCK_STEPS_MS: String(stepsMs),
          CLOCK_STEPS_AFTER_MS: String(STEPS_AFTER_MS),
        },
      },
    );
    return JSON.parse(stdout) as ReadResult;
  };
  const keys = async (): Promise<string[]> => {
    const { rows } = await db.pool.query<{ key: string }>(
      `select key from sluice.record where account = $1 and deleted_at is null order by key`,
      [account],
    );
    return rows.map(({ key }) => key);
  };
  const rowsAt = (ms: number, count: number, name: string): Row[] =>
    Array.from({ length: count }, (_, n) => ({
      id: `${name}${String(n).padStart(2, '0')}`,
      updated: new Date(ms - n).toISOString(),
    }));

  const clocks: [string, Clock][] = [
    ['right', RIGHT],
    ['two hours ahead', { aheadMs: 2 * HOUR_MS }],
    ['two hours behind', { aheadMs: -2 * HOUR_MS }],
    ['set ahead by an hour in the middle', { aheadMs: 0, stepsMs: HOUR_MS }],
    ['set back by an hour in the middle', { aheadMs: 0, stepsMs: -HOUR_MS }],
  ];

  it.each(clocks)('%s, brings what was changed while it read, and asks for no more than that', async (_, clock) => {
    const beganMs = Date.now();
    // The first row changes when its page has been read, and the last one later still.
    list = rowsAt(beganMs - HOUR_MS, 2 * PAGE, 'r');
    onPage = () => {
      onPage = undefined;
      list[0] = { id: 'r00', updated: new Date(Date.now() + 5 * 60_000).toISOString() };
      list[2 * PAGE - 1] = { id: 'r59', updated: new Date(Date.now() + 10 * 60_000).toISOString() };
    };
    const first = await read(clock);
    expect(first).toMatchObject({ state: 'done', complete: true, rows: 2 * PAGE });
    expect(Math.abs(Date.parse(first.now) - Date.now() - clock.aheadMs - (clock.stepsMs ?? 0))).toBeLessThan(60_000);
    await read(clock);
    const since = Date.parse(asked[1] ?? '');
    expect(since).toBeLessThanOrEqual(Date.now());
    // The look-back, and what it took to start.
    expect(since).toBeGreaterThan(beganMs - 60_000);
    const { rows } = await db.pool.query<{ updated: string }>(
      `select data ->> 'updated' as updated from sluice.record where account = $1 and key = 'r00'`,
      [account],
    );
    expect(rows[0]?.updated).toBe(list[0]!.updated);
  });

  it.each(clocks.slice(1, 3))('%s, reads all that is new of a list that comes newest first', async (_, clock) => {
    list = rowsAt(Date.now() - HOUR_MS, 3 * PAGE, 'old');
    await read(RIGHT, true);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    list = [...rowsAt(Date.now(), 3 * PAGE, 'new'), ...list];
    expect(await read(clock, true)).toMatchObject({ state: 'done', complete: true });
    expect((await keys()).filter((key) => key.startsWith('new'))).toHaveLength(3 * PAGE);
  });

  it.each(clocks.slice(1))('%s, comes back when it was told to', async (_, clock) => {
    list = rowsAt(Date.now() - HOUR_MS, 2 * PAGE, 'r');
    refuse = 2;
    const beganAt = performance.now();
    expect(await read(clock)).toMatchObject({ state: 'done', complete: true, rows: 2 * PAGE });
    expect(tooEarly).toBe(0);
    expect(performance.now() - beganAt).toBeLessThan(30_000);
  });
});
