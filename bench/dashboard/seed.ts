/**
 * What a large installation has in its database: 10,000 runs, 50,000 keys, 20,000 reports, 30,000 accounts, 100,000 acts, and as many
 * units as asked for in its newest run. Used by: `bench/dashboard.ts`, test/postgres/dashboard/plans.test.ts,
 * test/temporal/dashboard/scale.test.ts.
 */
import type { Pool } from '../../db/index.ts';
import { bucketId } from '../../limiter/buckets/bucket-row.ts';

const SEED = `
  insert into sluice.account (provider, account, tenant, status, since)
    select 'p' || i % 3, 'acct_' || i, 't' || i % 50, case when i % 20 = 0 then 'needs_reconnect' else 'connected' end, now() - i * interval '1 minute'
    from generate_series(1, 30000) i;
  insert into sluice.credential (provider, account, secret, key_id, generation)
    select provider, account, '', 'k', 1 from sluice.account;
  insert into sluice.quarantine (sync, node, account, resource, parent_key, name, path, reason, run_id, unit_id, first_seen_at, last_seen_at)
    select 's1', 'n', 'acct_' || i % 2000, 's1.n', '', '#' || i, '', 'x', gen_random_uuid(), 1, now(), now() from generate_series(1, 10000) i;
  insert into sluice.action_step (workflow_id, root_workflow_id, provider, action, account, tenant, idempotency_key, input)
    select 'w' || i, 'w' || i, 'p0', 'a', 'acct_' || i % 2000, 't', gen_random_uuid(), '{}' from generate_series(1, 10000) i;
  insert into sluice.run (id, workflow_id, provider, sync, account, input, plan, state, started_at, ended_at)
    select gen_random_uuid(), 'sync/s' || i % 12 || '/acct_' || i % 2000, 'p' || i % 3, 's' || i % 12, 'acct_' || i % 2000, '{}', '{"nodes":[]}',
      (array['done','done','done','done','failed','incomplete','cancelled','running','done','paused'])[i % 10 + 1],
      now() - i * interval '1 minute', case when i % 10 in (7, 9) then null else now() - i * interval '1 minute' + interval '30 seconds' end
    from generate_series(1, 10000) i;
  insert into sluice.node (run_id, name, ordinal, parent, resource, calls, rows)
    select r.id, 'n' || n, n, case when n > 0 then 'n' || n - 1 end, 'x', 10, 100 from sluice.run r, generate_series(0, 2) n;
  insert into sluice.report (id, kind, name, account, tenant, started_by, workflow_id, root_workflow_id, what, status, started_at)
    select gen_random_uuid(), (array['sync','sync','sync','action','saga'])[i % 5 + 1], 'n', 'acct_' || i % 2000, 't', 'system', 'w' || i, 'w' || i, 'x',
      case when i % 400 = 0 then 'failed' when i % 50 = 0 then 'pending' else 'ok' end, now() - i * interval '1 minute'
    from generate_series(1, 20000) i;
  insert into sluice.limit_bucket (id, key, kind, spec, rate, blocked_us, paused_at)
    select i, 'p' || i % 3 || '/token/' || i, 'learned', '{}', 5,
      case when i % 250 = 0 then sluice.limit_clock_us() + 3600000000 when i % 99 = 0 then 1 else 0 end, case when i % 500 = 0 then now() end
    from generate_series(1, 50000) i;
  update sluice.limit_bucket set queue_len = 2 where id <= 3000;
  insert into sluice.limit_ticket (bucket_id, call_key, account, class, tag, cost, created_us, eta_us, lapse_us)
    select b, case c when 1 then 'unit/' || b else 'action/w' || b end, 'acct_' || c, 1, c, 1, 0, 0, sluice.limit_clock_us() + 600000000 from generate_series(1, 3000) b, generate_series(1, 2) c;
  insert into sluice.limit_event (bucket_id, type) select i % 1000, 'paused' from generate_series(1, 20000) i;
  insert into sluice.alert (kind, subject, text, fired_at, cleared_at)
    select 'stale', 's1/acct_' || i, 'x', now() - i * interval '1 minute', case when i > 20 then now() end from generate_series(1, 20000) i;
  insert into sluice.audit (by, via, act, subject_kind, subject, at)
    select 'user:' || i % 50, 'page', case when i % 2 = 0 then 'limits.pause' else 'run.cancel' end, 'limit', 'p1/token/' || i % 3000, now() - i * interval '1 minute'
    from generate_series(1, 100000) i;
  insert into sluice.declaration (kind, id, sync, provider, task_queue, spec)
    select 'schedule', 's' || i, 's' || i, 'p' || i % 3, 'q', '{"times":{"kind":"every","everyMs":3600000}}' from generate_series(0, 11) i;
  insert into sluice.due (schedule, account, place, due_at, version, last_outcome)
    select 's' || i % 3, 'acct_' || i, i, now() + i * interval '1 minute', 1, case when i % 100 = 0 then 'failed' else 'started' end from generate_series(1, 30000) i;
  insert into sluice.canary (task_queue) values ('q');
  insert into sluice.freshness_seen (at, syncs) values (now(), '[{"sync":"s1","provider":"p1","freshForMs":60000,"accounts":10000,"stale":2,"oldestMs":70000}]');
  insert into sluice.pace (grain_s, at, calls, refused, rows)
    select 60, date_trunc('minute', now()) - i * interval '1 minute', 1, 0, 1 from generate_series(0, 1439) i;
  insert into sluice.pace (grain_s, at, calls, refused, rows)
    select 900, date_bin('15 minutes', now(), timestamptz 'epoch') - i * interval '15 minutes', 1, 0, 1 from generate_series(0, 8639) i;
  insert into sluice.unit (run_id, node, parent_key, state, end_kind, reason)
    select (select id from sluice.run order by started_at desc limit 1), 'n1', 'k' || i, 'failed', case when i % 3 = 0 then 'failed' else 'complete' end, 'x'
    from generate_series($FROM, $TO) i;
  update sluice.node set flawed = $UNITS / 3 where name = 'n1' and run_id = (select id from sluice.run order by started_at desc limit 1)`;

/** One key as the limiter has them, with all that a key may have. */
export const KEY = 'p1/token/seen';
const SEED_KEY = `
  insert into sluice.limit_bucket (id, key, kind, spec, rate) values ($1, $2, 'learned', '{}', 5);
  insert into sluice.limit_ticket (bucket_id, call_key, account, class, tag, cost, created_us, eta_us, lapse_us)
    select $1, 'unit/x' || c, 'acct_' || c, 1, c, 1, 0, 0, sluice.limit_clock_us() + 600000000 from generate_series(1, 2000) c;
  insert into sluice.limit_event (bucket_id, type, detail) select $1, 'learned', '{"from":4,"to":5}' from generate_series(1, 5000) i;
  insert into sluice.limit_pace (bucket_id, grain_s, at, calls, refused, used, waiting, max, rate)
    select b, 60, date_trunc('minute', now()) - i * interval '1 minute', 5, 1, 3, 2, 10, 5 from generate_series(0, 1439) i, unnest(array[$1::bigint] || array(select generate_series(1, 50)::bigint)) b;
  insert into sluice.limit_pace (bucket_id, grain_s, at, calls, refused, used, waiting, max, rate)
    select b, 10800, date_bin('3 hours', now(), timestamptz 'epoch') - i * interval '3 hours', 5, 1, 3, 2, 10, 5 from generate_series(0, 719) i, unnest(array[$1::bigint] || array(select generate_series(1, 50)::bigint)) b;
  insert into sluice.deploy (at, build) select now() - i * interval '1 hour', 'b' || i from generate_series(1, 500) i`;

/** Units of one statement. */
const STEP = 50_000;

/** @param units of the newest run. @returns its id. */
export async function seedLarge(pool: Pool, units: number): Promise<string> {
  for (const each of SEED.replaceAll('$UNITS', String(units)).split(/;\n/)) {
    if (!each.includes('$FROM')) await pool.query(each);
    else
      for (let from = 1; from <= units; from += STEP)
        await pool.query(each.replace('$FROM', String(from)).replace('$TO', String(Math.min(units, from + STEP - 1))));
  }
  const ofKey = SEED_KEY.replaceAll('$1', String(bucketId(KEY))).replaceAll('$2', `'${KEY}'`);
  for (const each of ofKey.split(/;\n/)) await pool.query(each);
  // A statement of its own for each table: one for all of them takes longer than any may.
  const { rows: tables } = await pool.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'sluice'::regnamespace and relkind = 'r'`,
  );
  for (const { name } of tables) await pool.query(`vacuum analyze sluice.${name}`);
  const { rows } = await pool.query<{ id: string }>('select id from sluice.run order by started_at desc limit 1');
  return rows[0]!.id;
}
