/**
 * Which of several limits is nearest to full: the one that most likely refused, where the answer does not say which. Refusals of one
 * moment ask the store once. Used by: `limiter/report/report.ts`.
 */
import type { Pool } from '../../db/pool.ts';
import { FULLNESS } from '../statements.ts';

/** Shares of a limit that differ by less than that say nothing. */
const SAME_SHARE = 0.1;

/** @returns a place in the list: of the fullest, the last of those that are about as full, and of all where the store can't be asked. */
export function fullestOf(pool: Pool): (ids: readonly number[]) => Promise<number> {
  const asked = new Map<string, Promise<number>>();

  return (ids) => {
    if (ids.length === 1) return Promise.resolve(0);
    const key = ids.join();
    const asking = asked.get(key) ?? look(ids).finally(() => asked.delete(key));
    asked.set(key, asking);
    return asking;
  };

  async function look(ids: readonly number[]): Promise<number> {
    const last = ids.length - 1;
    const found = await pool
      .query<{ id: string; share: number }>({ name: 'sluice-limit-fullness', text: FULLNESS, values: [ids] })
      .catch(() => undefined); // the refusal is told all the same, and as late as the store is back
    if (!found) return last;
    const shares = new Map(found.rows.map(({ id, share }) => [Number(id), share]));
    const shareOf = (place: number): number => shares.get(ids[place]!) ?? 0;
    const fullest = ids.reduce((best, _, place) => (shareOf(place) > shareOf(best) ? place : best), last);
    return shareOf(fullest) > shareOf(last) + SAME_SHARE ? fullest : last;
  }
}
