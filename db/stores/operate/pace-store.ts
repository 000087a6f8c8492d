/**
 * What all workers did, in slots of time. Next: `workers/loops/count-pace.ts` writes it, `client/connect.ts` reads it.
 */
import type { Done, Pace, PaceSpan } from '../../../contracts/operate/pace.ts';
import { named } from '../../../contracts/values/option-mistakes.ts';
import type { Queryable } from '../../pool.ts';
import type { Telling } from '../../told-once.ts';

/** Two rows by primary key, the shorter slot first. */
const ADD = `
  with once as materialized (select where sluice.is_told_first($4, $5))
  insert into sluice.pace as p (grain_s, at, calls, refused, rows)
  select grain, to_timestamp(floor(extract(epoch from clock_timestamp()) / grain) * grain), $1::bigint, $2::bigint, $3::bigint
    from once, unnest(array[60, 900]) grain
  on conflict (grain_s, at) do update
    set calls = p.calls + excluded.calls, refused = p.refused + excluded.refused, rows = p.rows + excluded.rows`;
/** Two ranges of the primary key, empty most of the time. */
const FORGET = `
  delete from sluice.pace where grain_s = 60 and at < clock_timestamp() - interval '24 hours'
     or grain_s = 900 and at < clock_timestamp() - interval '90 days'`;

export async function addPace(
  db: Queryable,
  { calls, refused, rows }: Done,
  { teller, serial }: Telling,
): Promise<void> {
  await db.query(ADD, [calls, refused, rows, teller, serial]);
  await db.query(FORGET);
}

/** Two slots of a minute by primary key. */
const NOW = `
  select coalesce(sum(p.calls), 0) / max(since.seconds) as "callsPerSecond",
    coalesce(sum(p.refused), 0) / max(since.seconds) as "refusalsPerSecond", coalesce(sum(p.rows), 0) / max(since.seconds) as "rowsPerSecond"
  from (select date_trunc('minute', now) - interval '1 minute' as at,
          extract(epoch from now - date_trunc('minute', now) + interval '1 minute')::float8 as seconds from clock_timestamp() now) since
  left join sluice.pace p on p.grain_s = 60 and p.at >= since.at`;
/** A range of the primary key for each slot. */
const SLOTS = `
  select slot.at, coalesce(sum(p.calls), 0)::float8 as calls, coalesce(sum(p.refused), 0)::float8 as refused,
    coalesce(sum(p.rows), 0)::float8 as rows
  from (select to_timestamp((floor(extract(epoch from clock_timestamp()) / $2::int) - back) * $2::int) as at
          from generate_series(0, $3::int - 1) back) slot
  left join sluice.pace p on p.grain_s = $1::int and p.at >= slot.at and p.at < slot.at + $2::int * interval '1 second'
  group by slot.at order by slot.at`;

const SPANS = {
  hour: { grain: 60, step: 60, slots: 60 },
  day: { grain: 900, step: 900, slots: 96 },
  quarter: { grain: 900, step: 86_400, slots: 90 },
} as const satisfies Record<PaceSpan, object>;

export async function readPace(db: Queryable, span: PaceSpan = 'hour'): Promise<Pace> {
  const { grain, step, slots } = named('The span of pace()', span, SPANS);
  const [now, over] = await Promise.all([
    db.query<Record<'callsPerSecond' | 'refusalsPerSecond' | 'rowsPerSecond', number | string>>(NOW),
    db.query<Done & { readonly at: Date }>(SLOTS, [grain, step, slots]),
  ]);
  const perSecond = now.rows[0];
  return {
    callsPerSecond: Number(perSecond?.callsPerSecond ?? 0),
    refusalsPerSecond: Number(perSecond?.refusalsPerSecond ?? 0),
    rowsPerSecond: Number(perSecond?.rowsPerSecond ?? 0),
    slots: over.rows.map(({ at, ...done }) => ({ at: at.toISOString(), ...done })),
  };
}
