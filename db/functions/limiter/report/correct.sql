-- Corrects a ring, or a bucket, by what the third party's own count says. Pure arithmetic on an advanced row.
--   p_remaining units left by its count (null = not said), p_reset_us until its quota is whole again (null = not said),
--   p_max its limit (null = not said, or not surely this limit's), p_age_us since the call was granted
create or replace function sluice.limit_correct(r sluice.limit_bucket, p_remaining float8, p_reset_us bigint, p_max float8, p_age_us bigint)
returns sluice.limit_bucket language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_slot bigint;
  v_index int;
  v_amount float8;
  v_reserved float8;
  v_known float8;
begin
  if r.kind = 'bucket' then
    -- There is at most what it said and what has flowed in since; that others took the rest can only be seen here.
    if p_remaining + r.rate * p_age_us / 1000000.0 < r.tokens then
      r.foreign_used := r.tokens - p_remaining;
      r.tokens := p_remaining + r.rate * p_age_us / 1000000.0;
    end if;
    return r;
  end if;
  if r.max is null or r.kind not in ('window', 'calendar') then
    return r;
  end if;
  if p_max is not null and r.override_max is null then
    -- The share left to others stays the same share of whatever the limit is.
    v_reserved := floor(p_max * coalesce(r.declared_max / nullif((r.spec ->> 'max')::float8, 0), 1));
    v_known := coalesce(r.seen_max, r.declared_max);
    if v_reserved >= 1 and v_reserved < v_known then
      insert into sluice.limit_event (bucket_id, type, detail)
        values (r.id, 'drift', jsonb_build_object('max', p_max, 'declared', (r.spec ->> 'max')::float8, 'adopted', true));
      r.seen_max := v_reserved;
      r := sluice.limit_in_force(r);
      r.higher_seen := 0;
    elsif v_reserved > v_known then
      -- Lower is believed at once, higher after ten answers in a row.
      r.higher_seen := r.higher_seen + 1;
      if r.higher_seen >= 10 then
        insert into sluice.limit_event (bucket_id, type, detail)
          values (r.id, 'drift', jsonb_build_object('max', p_max, 'declared', (r.spec ->> 'max')::float8, 'adopted', true));
        r.seen_max := v_reserved;
        r := sluice.limit_in_force(r);
        r.higher_seen := 0;
      end if;
    else
      r.higher_seen := 0;
    end if;
  end if;
  -- An answer that was so long on its way that a new window may have begun says nothing.
  if p_remaining is null or p_reset_us <= 0 or (p_reset_us is null and p_age_us > 4000000) then
    return r;
  end if;
  -- Only what is surely used by others: what we granted since the answer, or freed while it was on its way, is not.
  v_amount := (r.max - r.used) - p_remaining - case when r.freed_us >= r.last_us - 4000000 - p_age_us then r.freed else 0 end;
  if v_amount > 0 then
    -- Others used it. It is counted in the slot that is freed when the third party's quota is whole again.
    v_slot := sluice.limit_slot(r, r.last_us);
    if p_reset_us is not null and r.align is null then
      v_slot := greatest(r.tail, least(v_slot, (r.last_us + p_reset_us - r.win_us - r.guard_us) / r.slot_us));
    end if;
    v_index := (v_slot % r.slots)::int + 1;
    r.ring[v_index] := r.ring[v_index] + v_amount;
    r.used := r.used + v_amount;
    r.foreign_used := case when r.foreign_slot = v_slot then r.foreign_used else 0 end + v_amount;
    r.foreign_slot := v_slot;
  end if;
  return r;
end $$;
