import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { built } from '../../setup/programs/programs.ts';
import type { CallerOptions } from './caller.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

interface Caller {
  readonly process: ChildProcess;
  /** Milliseconds on the machine's monotonic clock. */
  readonly sentAt: number[];
  readonly ended: Promise<string>;
}

function startCaller(options: CallerOptions): Caller {
  const child = spawn(process.execPath, [built('test/postgres/limiter/caller.ts'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const sentAt: number[] = [];
  let rest = '';
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('sent ')) sentAt.push(Number(BigInt(line.slice(5)) / 1_000n) / 1_000);
  });
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(errors)));
  return { process: child, sentAt, ended };
}

/** The most sends in any interval that is shorter than the window. */
function mostInAnyWindow(sentAt: readonly number[], perMs: number): number {
  const sorted = sentAt.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (let last = 0; last < sorted.length; last++) {
    while (sorted[last]! - sorted[first]! >= perMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

describe('several processes on the same buckets', () => {
  it('never send more than any window holds, though one is killed in the middle and each locks in its own order', async () => {
    const second: WindowLimit = { kind: 'window', name: 'second', max: 60, perMs: 1_000 };
    const fifth: WindowLimit = { kind: 'window', name: 'fifth', max: 25, perMs: 200 };
    const inflightLike: WindowLimit = { kind: 'window', name: 'long', max: 200, perMs: 4_000 };
    const charges: Charge[] = [second, fifth, inflightLike].map((limit) => ({
      limit,
      key: `race/${limit.name}/all`,
      cost: 1,
    }));
    const callers = Array.from({ length: 4 }, (_, index) =>
      startCaller({ url: database.url, name: `race-${index}`, charges, callers: 32, runMs: 9_000 }),
    );
    const victim = callers[0]!;
    // Killed in the middle of its work, not before it began.
    while (callers.reduce((sum, caller) => sum + caller.sentAt.length, 0) < 120)
      await new Promise((resolve) => setTimeout(resolve, 20));
    victim.process.kill('SIGKILL');
    const errors = await Promise.all(callers.map((caller) => caller.ended));
    expect(errors.join('')).toBe('');

    const sentAt = callers.flatMap((caller) => caller.sentAt);
    expect(mostInAnyWindow(sentAt, 1_000)).toBeLessThanOrEqual(60);
    expect(mostInAnyWindow(sentAt, 200)).toBeLessThanOrEqual(25);
    expect(mostInAnyWindow(sentAt, 4_000)).toBeLessThanOrEqual(200);
    // It really ran, and not far below what is allowed.
    expect(mostInAnyWindow(sentAt, 4_000)).toBeGreaterThanOrEqual(150);
    expect(callers.slice(1).every((caller) => caller.sentAt.length > 20)).toBe(true);
    const { rows } = await database.pool.query(
      'select deadlocks::int from pg_stat_database where datname = current_database()',
    );
    expect(rows[0]).toEqual({ deadlocks: 0 });
  });
});
