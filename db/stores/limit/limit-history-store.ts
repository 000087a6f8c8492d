/**
 * How one limit was used over time, in slots, with what happened to it. Written by `sluice.limit_note_use`; shown by
 * `dashboard/views/details/limit.ts`.
 */
import type {
  HistorySpan,
  LimitHistory,
  LimitMark,
  LimitSlot,
  MarkKind,
} from '../../../contracts/limits/limit-history.ts';
import { limitEventText } from '../../../contracts/limits/limit-words.ts';
import { named } from '../../../contracts/values/option-mistakes.ts';
import type { Queryable } from '../../pool.ts';

const SPANS = {
  hour: { grain: 60, step: 60, slots: 60 },
  day: { grain: 60, step: 900, slots: 96 },
  quarter: { grain: 10_800, step: 21_600, slots: 360 },
} as const satisfies Record<HistorySpan, object>;

/** One range of the primary key. A call that was not sent is taken off again, maybe in a later slot: none has fewer than 0. */
const SLOTS = `
  with slot as (
    select to_timestamp((floor(extract(epoch from clock_timestamp()) / $3::int) - back) * $3::int) as at from generate_series(0, $4::int - 1) back
  ), noted as (
    select to_timestamp(floor(extract(epoch from p.at) / $3::int) * $3::int) as at, sum(p.calls) as calls, sum(p.refused) as refused,
      max(p.waiting) as waiting, max(p.used) as used, (array_agg(p.max order by p.at desc) filter (where p.max is not null))[1] as max,
      (array_agg(p.rate order by p.at desc) filter (where p.rate is not null))[1] as rate
      from sluice.limit_pace p
     where p.bucket_id = $1 and p.grain_s = $2::int and p.at >= (select min(at) from slot)
     group by 1
  )
  select slot.at, greatest(0, coalesce(calls, 0))::float8 as calls, coalesce(refused, 0)::float8 as refused, coalesce(waiting, 0) as waiting,
    used::float8, max::float8, rate::float8 as "ratePerSecond"
    from slot left join noted using (at) order by slot.at`;

const MOST_MARKS = 200;
/** Indexes: limit_event_bucket; the primary key of deploy; audit_by_subject. Acts that events still tell of are left out. */
const MARKS = `
  select at, type, detail from (
    (select e.at, e.type, e.detail from sluice.limit_event e where e.bucket_id = $1 order by e.id desc limit ${MOST_MARKS})
    union all
    (select d.at, 'deploy', jsonb_build_object('build', d.build) from sluice.deploy d order by d.at desc limit ${MOST_MARKS})
    union all
    (select a.at, a.act, jsonb_build_object('by', a.by, 'why', a.why) from sluice.audit a
      where a.subject = $2 and a.at < clock_timestamp() - interval '7 days' order by a.id desc limit ${MOST_MARKS})
  ) mark where at >= clock_timestamp() - $3::int * interval '1 second' order by at desc limit ${MOST_MARKS}`;

const KINDS: Readonly<Record<string, MarkKind>> = {
  overridden: 'override',
  'limits.override': 'override',
  paused: 'held',
  'limits.pause': 'held',
  resumed: 'held',
  'limits.resume': 'held',
  blocked: 'held',
  refused: 'learned',
  relaxed: 'learned',
  learned: 'learned',
  deploy: 'deploy',
};

interface MarkRow {
  readonly at: Date;
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** @param id of the bucket. */
export async function readLimitHistory(
  db: Queryable,
  { id, key }: { readonly id: number; readonly key: string },
  span: HistorySpan,
): Promise<LimitHistory> {
  const { grain, step, slots } = named('The span of limits.history()', span, SPANS);
  const [over, marks] = await Promise.all([
    db.query<Omit<LimitSlot, 'at'> & { readonly at: Date }>(SLOTS, [id, grain, step, slots]),
    db.query<MarkRow>(MARKS, [id, key, step * slots]),
  ]);
  return {
    stepMs: step * 1_000,
    slots: over.rows.map(({ at, ...slot }) => ({ at: at.toISOString(), ...slot })),
    marks: marks.rows.flatMap(markOf).toReversed(),
  };
}

function markOf({ at, type, detail }: MarkRow): LimitMark[] {
  const kind = KINDS[type];
  return kind === undefined ? [] : [{ at: at.toISOString(), kind, text: limitEventText(type, detail) }];
}

/** Where the newest row is of another build. */
const NOTE = `
  insert into sluice.deploy (build) select $1::text
   where (select build from sluice.deploy order by at desc limit 1) is distinct from $1::text
  on conflict do nothing`;

/** A worker of this build begins to serve. */
export async function noteDeploy(db: Queryable, build: string): Promise<void> {
  await db.query(NOTE, [build]);
}
