/**
 * Every SQL statement of the limiter, one constant each. The logic that runs under row locks is in
 * `db/functions/limiter`.
 */

/** Locks the rows $1 in id order; one transaction. Rows of $3 are only read. */
export const ACQUIRE = `
  select missing, lock_wait_us, slots, epochs, denied, law_due
    from sluice.limit_acquire($1::bigint[], $2::float8[], $3::bigint[], $4::json, $5::json, $6)`;

/** Inserts or updates rows by primary key, in id order. */
export const CONFIGURE = `
  select sluice.limit_configure(row.id, row.key, row.kind, row.spec, row.max, row."winUs", row."guardUs", row."slotUs",
           row.slots, row."slotsAhead", row.align, row.zone, row."alignUs", row."reserveStep", row.rate, row.burst)
    from (select * from json_to_recordset($1::json) as row (id bigint, key text, kind text, spec jsonb, max float8,
            "winUs" bigint, "guardUs" bigint, "slotUs" bigint, slots int, "slotsAhead" int, align text, zone text, "alignUs" bigint, "reserveStep" float8, rate float8, burst float8)
           order by id) row`;

/** Locks the worker's row, then the reported ones in id order; one transaction. $2 and $3 name it: told again, it counts once. */
export const REPORT = 'select sluice.limit_report($1::json, $2, $3) as law_due';

/** Reads rows by primary key: the share of each limit that is in use. */
export const FULLNESS = `
  select b.id, coalesce(case when b.kind = 'bucket' then 1 - b.tokens / nullif(b.burst, 0) else b.used / nullif(b.max, 0) end, 0)::float8 as share
    from sluice.limit_bucket b where b.id = any ($1::bigint[])`;

/** Locks the rows that the calls wait for, in id order; tickets by index (call_key). */
export const ABANDON = 'select sluice.limit_abandon($1::text[])';

/** Reads rows by primary key, and up to 50 siblings by key prefix when the law is new. */
export const LAW_READ = 'select * from sluice.limit_law_read($1::bigint[])';

/** Locks the stepped rows in id order; returns those whose version had changed. */
export const LAW_WRITE = 'select sluice.limit_law_write_all($1::json) as lost';

/** Locks the stepped rows in id order; returns those whose version had changed. */
export const REFUSALS_WRITE = 'select sluice.limit_refusals_write_all($1::json) as lost';

/** Reads one row by primary key. */
export const BREAKER_READ = `
  select b.law as state, b.law_version as version, b.paused_at is not null as is_paused,
         (sluice.limit_clock_us() / 1000.0)::float8 as at_ms
    from sluice.limit_bucket b where b.id = $1`;

/** Locks one row by primary key; false when the version is not $2 any more. $6 is for the gate's events, or null. */
export const BREAKER_WRITE = `
  with written as (
    update sluice.limit_bucket b set law = $3::jsonb, law_version = b.law_version + 1, hold = $4, probe_us = $5::bigint
     where b.id = $1 and b.law_version = $2 returning b.id
  ), noted as (
    insert into sluice.limit_event (bucket_id, type, detail) select id, 'outage', $6::jsonb from written where $6::jsonb is not null
  )
  select exists (select from written) as written`;

/** Reads rows by primary key, their tickets by index (bucket_id, class, tag), and the account by primary key. */
export const EXPLAIN = 'select * from sluice.limit_explain($1::bigint[], $2::float8[], $3)';

/**
 * Buckets as they come to mind: all by key, or those that hold calls back. Of those at most so many are looked at. A
 * key that is paused or blocked is found by its own index, one that is waited for in steps through the tickets.
 */
const MOST_PAUSED = 5_000;
const MOST_WAITING = 1_000;
const CANDIDATES = {
  all: 'select b.id from sluice.limit_bucket b where true',
  paused: `select b.id from (select id, key, kind, hold, paused_at from sluice.limit_bucket where paused_at is not null limit ${MOST_PAUSED}) b where true`,
  blocked: `select b.id from (select id, key, kind, hold, paused_at from sluice.limit_bucket
    where blocked_us > 0 and blocked_us > (select sluice.limit_clock_us()) order by blocked_us desc limit ${MOST_PAUSED}) b where true`,
  waiting: `with recursive waited (bucket_id) as (
      (select t.bucket_id from sluice.limit_ticket t order by t.bucket_id limit 1)
      union all
      select (select t.bucket_id from sluice.limit_ticket t where t.bucket_id > waited.bucket_id order by t.bucket_id limit 1)
        from waited where waited.bucket_id is not null
    ), few as materialized (select bucket_id from waited where bucket_id is not null limit ${MOST_WAITING})
    select b.id from few join sluice.limit_bucket b on b.id = few.bucket_id where b.queue_len > 0`,
} as const;

/**
 * Keys by their bytes; a prefix is a range of the index. The gate of an endpoint is shown only while it says something.
 * $1 prefix, $2 kind, $3 the key before, $4 how many.
 */
export const FIND = (state: keyof typeof CANDIDATES): string => `${CANDIDATES[state]}
  and ($1::text is null or b.key >= $1 and b.key < $1 || chr(1114111)) and ($3::text is null or b.key > $3)
  and (b.kind <> 'gate' or right(b.key, 2) = '/*' or b.hold or b.paused_at is not null)
  and ($2::text is null or b.kind = $2)
  order by b.key limit $4`;

/** As FIND; its rows are counted. */
export const COUNT = (state: keyof typeof CANDIDATES): string =>
  `select count(*)::int as keys from (${FIND(state)}) found`;

/** Index (bucket_id, id desc). */
export const EVENTS = `
  select at, type, detail from sluice.limit_event
   where bucket_id = (select id from sluice.limit_bucket where key = $1) order by id desc limit $2`;

/** Calls that wait; those that have stopped asking are left out, as wherever they are counted. Index (bucket_id, class, tag). */
export const TICKETS = `
  select t.call_key, t.account, t.class, t.cost, (t.eta_us - sluice.limit_clock_us()) / 1000 as eta_ms, t.bounces
    from sluice.limit_ticket t where t.bucket_id = (select id from sluice.limit_bucket where key = $1)
     and t.lapse_us > sluice.limit_clock_us()
   order by t.class, t.tag limit $2`;

export const PAUSE = 'select sluice.limit_pause($1, $2, $3) as keys';
export const RESUME = 'select sluice.limit_resume($1) as keys';
export const OVERRIDE = 'select sluice.limit_override($1, $2, $3, $4) as found';
export const FORGET = 'select sluice.limit_forget($1) as found';

/** Locks two rows of each key, in the order of keys. */
export const NOTE_USE = 'select sluice.limit_note_use($1::json, $2)';

/** One worker at a time; skips locked rows. */
export const SWEEP = 'select * from sluice.limit_sweep($1, $2, $3::interval)';
