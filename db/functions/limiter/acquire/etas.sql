-- Microseconds until a bucket that advanced to its last_us can serve, one after the other, each amount of p_needs. They ascend:
-- each is everything to be admitted from now on, up to and including the one who asks.
create or replace function sluice.limit_etas(r sluice.limit_bucket, p_needs float8[]) returns bigint[] language plpgsql stable set search_path = pg_catalog as $$
declare
  v_etas bigint[] := '{}';
  v_ring float8[] := r.ring;
  v_need float8;
  v_cycles bigint;
  v_freed float8 := case when r.max is null then 0 else r.max - r.used end;
  v_offset int := -1;
  v_last_cycles bigint := 0;
  v_eta bigint;
  v_rest float8;
  v_rate float8 := r.rate;
  v_window record;
begin
  if r.override_rate is null and r.law ->> 'phase' in ('ease', 'recover') then
    -- Half the rate, but only for a moment: longer waits are at the rate that follows.
    v_rate := greatest(r.rate, (r.law ->> 'limit')::float8 * 0.98);
  end if;
  foreach v_need in array p_needs loop
    v_eta := 0;
    if r.max is not null and r.kind = 'inflight' and r.max > 0 then
      if v_need > r.max - r.used then
        v_eta := greatest(20000, (r.hold_us * (v_need - (r.max - r.used)) / r.max)::bigint);
      end if;
    elsif r.align is not null and r.max > 0 then
      -- All of it is freed when an edge is over.
      if v_need > r.max - r.used then
        v_window := sluice.limit_window(r, r.last_us - r.guard_us);
        v_cycles := ceil((v_need - (r.max - r.used)) / r.max)::bigint - 1;
        v_eta := v_window.end_us + r.guard_us - r.last_us + v_cycles * r.win_us;
      end if;
    elsif r.max is not null and r.max > 0 then
      -- What is admitted when a slot is freed is freed again one period later: whole windows first, then the ring.
      v_cycles := ceil(v_need / r.max)::bigint - 1;
      v_rest := v_need - v_cycles * r.max;
      if v_cycles <> v_last_cycles then
        v_freed := r.max - r.used;
        v_offset := -1;
        v_last_cycles := v_cycles;
      end if;
      while v_freed < v_rest and v_offset < r.slots - 1 loop
        v_offset := v_offset + 1;
        v_freed := v_freed + v_ring[((r.tail + v_offset) % r.slots)::int + 1];
      end loop;
      v_eta := v_cycles * r.slot_us * (r.slots - 1 - r.slots_ahead);
      if v_offset >= 0 then
        v_eta := v_eta + greatest(0, (r.tail + v_offset + 1) * r.slot_us + r.win_us + r.guard_us - r.last_us);
      end if;
    elsif r.max is not null then
      v_eta := greatest(r.win_us, 1000000);
    end if;
    if r.rate is not null then
      if r.hold then
        -- While a probe is on its way, look again when its answer should be known.
        v_eta := greatest(v_eta, greatest(r.probe_us - r.last_us, least(r.probe_lease_us - r.last_us, 1000000)) + ((v_need - 1) * 1000000 / greatest(r.rate, 0.0001))::bigint);
      elsif v_need > r.tokens then
        v_rest := (v_need - r.tokens) * 1000000 / greatest(v_rate, 0.000001);
        -- A rate that is still being searched doubles every second: who slept as long as today's rate says would miss it.
        -- In that time the n-th call comes after log2(1 + ln 2 * n / rate) seconds.
        if r.kind = 'learned' and coalesce(r.law ->> 'phase', 'start') = 'start' and r.override_rate is null then
          v_rest := 1000000 * least(v_rest / 1000000, ln(1 + 0.69 * v_rest / 1000000) / 0.69);
        end if;
        v_eta := greatest(v_eta, v_rest::bigint);
      end if;
    end if;
    v_etas := v_etas || v_eta;
  end loop;
  return v_etas;
end $$;
