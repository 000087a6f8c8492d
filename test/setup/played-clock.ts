/**
 * The limiter's clock, played by a table: hours pass in milliseconds, and steps can be made. For one test database.
 */
import type { Pool } from '../../db/pool.ts';

export interface PlayedClock {
  /** Milliseconds since 1970, as the limiter has them. */
  readonly nowMs: () => number;
  readonly set: (ms: number) => Promise<void>;
  /** Forwards, or backwards when negative. */
  readonly pass: (ms: number) => Promise<void>;
}

/** From now on it stands still where it is put; first at the beginning of March 2026. */
export async function playClock(pool: Pool): Promise<PlayedClock> {
  let nowMs = Date.parse('2026-03-01T00:00:00Z');
  const set = async (ms: number): Promise<void> => {
    nowMs = ms;
    await pool.query('update sluice.played_clock set us = $1', [Math.round(ms * 1_000)]);
  };
  await pool.query(`
    create table sluice.played_clock (us bigint not null);
    insert into sluice.played_clock values (0);
    create or replace function sluice.limit_clock_us() returns bigint language sql volatile as
      'select us from sluice.played_clock'`);
  await set(nowMs);
  return { nowMs: () => nowMs, set, pass: (ms) => set(nowMs + ms) };
}
