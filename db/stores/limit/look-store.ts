/**
 * Limits as they stand now, read without changing them. Next: `contracts/limits/limit-words.ts` puts them into words.
 */
import type { LimitSpec } from '../../../contracts/limits/limit.ts';
import type { LimitStanding } from '../../../contracts/limits/limit-words.ts';
import type { Queryable } from '../../pool.ts';

/** A row of `sluice.limit_look`. */
export interface LookRow {
  readonly id: number;
  readonly key: string;
  readonly kind: LimitStanding['kind'];
  readonly spec: LimitSpec | Record<string, never>;
  readonly used: number;
  readonly max: number | null;
  readonly declared_max: number | null;
  readonly win_us: number;
  readonly rate: number | null;
  readonly hold: boolean;
  readonly probe_in_us: number;
  readonly override_max: number | null;
  readonly override_rate: number | null;
  readonly override_until: Date | null;
  readonly foreign_used: number;
  readonly blocked_in_us: number;
  readonly blocked_at: Date | null;
  readonly blocked_until: Date;
  readonly blocked_reason: string | null;
  readonly paused_at: Date | null;
  readonly paused_reason: string | null;
  readonly waiting: number;
  readonly accounts_waiting: number;
  readonly first_free_us: number;
  readonly failing_phase: 'open' | 'recovering' | null;
  readonly failing_since: Date | null;
  readonly failing_reason: string | null;
  readonly back_in_us: number;
}

/** Rows by primary key, and their tickets by index (bucket_id, class, tag). */
const LOOK = 'select * from sluice.limit_look($1::bigint[])';

/** By key; ids without a row are left out. */
export async function readLooks(db: Queryable, ids: readonly number[]): Promise<LookRow[]> {
  return (await db.query<LookRow>({ name: 'limit_look', text: LOOK, values: [ids] })).rows;
}

/** By key, of those that were ever used. Index: limit_bucket by key. */
export async function readLimitStandings(db: Queryable, keys: readonly string[]): Promise<LimitStanding[]> {
  const { rows } = await db.query<{ id: number }>('select id from sluice.limit_bucket where key = any ($1)', [keys]);
  return (
    await readLooks(
      db,
      rows.map(({ id }) => id),
    )
  ).map(standingOf);
}

export function standingOf(row: LookRow): LimitStanding {
  return {
    key: row.key,
    kind: row.kind,
    used: row.max === null ? null : row.used,
    max: row.max,
    declaredMax: row.max === null || row.max === row.declared_max ? null : row.declared_max,
    perMs: row.win_us === 0 || row.kind === 'inflight' ? null : row.win_us / 1_000,
    clock: clockOf(row.spec),
    usedByOthers: row.foreign_used,
    ratePerSecond: row.rate,
    isOverridden: row.override_max !== null || row.override_rate !== null,
    pausedAt: row.paused_at?.toISOString() ?? null,
    pausedReason: row.paused_reason,
    blockedForMs: row.blocked_in_us / 1_000,
    blockedReason: row.blocked_reason,
    isHeld: row.hold,
    probeInMs: row.probe_in_us / 1_000,
    failingPhase: row.failing_phase,
    failingSince: row.failing_since?.toISOString() ?? null,
    failingReason: row.failing_reason,
    backInMs: row.back_in_us / 1_000,
  };
}

/** By which clock it begins, where it does not slide. */
function clockOf(spec: LookRow['spec']): string | null {
  if (spec.kind === 'calendar') return `${spec.per}, ${spec.zone}`;
  return spec.kind === 'window' && spec.aligned === true ? 'clock' : null;
}
