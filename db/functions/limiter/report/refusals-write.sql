-- Writes what the law of refusals says of a known limit, unless another worker stepped it first (then false, and nothing is changed).
-- What was reported since the law read stays for its next step.
--   p_block_ms nothing at all is given out for so long (null = no block)
create or replace function sluice.limit_refusals_write(
  p_id bigint, p_version int, p_law jsonb, p_block_ms float8, p_due_ms float8, p_fresh int, p_refused int,
  p_stale int, p_sent float8, p_event text
) returns boolean language plpgsql volatile set search_path = pg_catalog as $$
declare
  r sluice.limit_bucket;
  v_refused_since boolean;
  w record;
begin
  select * into r from sluice.limit_bucket b where b.id = p_id for no key update;
  if not found or r.law_version <> p_version or r.kind in ('learned', 'gate') then
    return false;
  end if;
  r := sluice.limit_advance(r, sluice.limit_clock_us(), sluice.limit_generation());
  v_refused_since := (r.ev_refused, r.ev_stale) is distinct from (p_refused, p_stale);
  if p_block_ms is not null and r.ev_retry_ms is null and r.align is not null then
    -- Nobody told how long. At the latest it is open again when all of it is back.
    w := sluice.limit_window(r, r.last_us - r.guard_us);
    p_block_ms := least(p_block_ms, (w.end_us + r.guard_us - r.last_us) / 1000.0);
  end if;
  r.law := p_law;
  r := sluice.limit_in_force(r);
  if r.kind = 'bucket' and p_block_ms is not null then
    -- Whatever it believed to have, there is nothing in it; and what flows in until it opens again would come in one crowd then.
    r.tokens := least(r.tokens, 0) - r.rate * p_block_ms / 1000;
  end if;
  update sluice.limit_bucket b set
    law = p_law, law_version = p_version + 1, law_stepped_us = r.last_us, law_due_us = (p_due_ms * 1000)::bigint,
    max = r.max, rate = r.rate, burst = r.burst, tokens = r.tokens, paced_us = r.last_us,
    blocked_us = case when p_block_ms is null then r.blocked_us else greatest(r.blocked_us, r.last_us + (p_block_ms * 1000)::bigint) end,
    ring = r.ring, filling = r.filling, used = r.used, tail = r.tail, foreign_used = r.foreign_used, freed = r.freed, freed_us = r.freed_us,
    ev_ok = 0, ev_failed = 0, ev_fresh = greatest(0, r.ev_fresh - p_fresh), ev_refused = greatest(0, r.ev_refused - p_refused),
    ev_stale = greatest(0, r.ev_stale - p_stale), ev_granted = greatest(0, r.ev_granted - p_sent),
    ev_retry_ms = case when v_refused_since then r.ev_retry_ms end, ev_counted = r.ev_counted and v_refused_since,
    ev_waited_us = r.ev_waited_us, last_us = r.last_us, generation = r.generation, granted = r.granted
    where b.id = p_id;
  if p_event is not null then
    insert into sluice.limit_event (bucket_id, type, detail) values (p_id, case when p_block_ms is null then 'relaxed' else 'refused' end,
      jsonb_strip_nulls(jsonb_build_object('what', p_event, 'used', r.used, 'max', r.max, 'blockedMs', p_block_ms,
        'reason', case when p_block_ms is not null then r.blocked_reason end)));
  end if;
  return true;
end $$;
