-- The row as it stands at the clock's time: old slots freed, tokens flowed in. Pure arithmetic on a locked row.
create or replace function sluice.limit_advance(r sluice.limit_bucket, p_clock_us bigint, p_generation bigint)
returns sluice.limit_bucket language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_now bigint := greatest(p_clock_us, r.last_us);
  v_tail bigint;
  v_gap bigint;
  v_index int;
  v_ring float8[];
  v_used float8 := r.used;
begin
  if r.filling <> 0 then
    v_index := (r.filling_slot % r.slots)::int + 1;
    r.ring[v_index] := r.ring[v_index] + r.filling;
    r.filling := 0;
  end if;
  -- The clock was set back by more than the window: waiting for it would stand still for too long. Everything that was
  -- granted counts as granted now, which is never too little.
  if r.last_us - p_clock_us > greatest(r.win_us + r.guard_us, 1000000) then
    v_now := p_clock_us;
    r.blocked_us := case when r.blocked_us > r.last_us then v_now + r.blocked_us - r.last_us else 0 end;
    r.probe_us := case when r.probe_us > r.last_us then v_now + r.probe_us - r.last_us else 0 end;
    r.paced_us := v_now;
    r.tokens := least(r.tokens, 0);
    if r.max is not null then
      r.tail := sluice.limit_tail(r, v_now);
      r.ring := array_fill(0::float8, array[r.slots]);
      r.ring[(sluice.limit_slot(r, v_now) % r.slots)::int + 1] := r.used;
    end if;
  end if;
  if r.max is not null then
    v_tail := case when r.align is null then (v_now - r.win_us - r.guard_us) / r.slot_us else sluice.limit_tail(r, v_now) end;
    v_gap := v_tail - r.tail;
    if r.used = 0 then
      r.tail := greatest(v_tail, r.tail);
    elsif v_gap >= r.slots then
      r.used := 0;
      r.foreign_used := 0;
      r.ring := array_fill(0::float8, array[r.slots]);
      r.tail := v_tail;
    elsif v_gap > 0 then
      v_ring := r.ring;
      -- Offsets, not slot numbers: a loop variable is an int4 and slot numbers are not.
      for k in 0 .. v_gap::int - 1 loop
        v_index := ((r.tail + k) % r.slots)::int + 1;
        r.used := r.used - v_ring[v_index];
        v_ring[v_index] := 0;
      end loop;
      r.ring := v_ring;
      r.tail := v_tail;
      if r.foreign_slot < v_tail then
        r.foreign_used := 0;
      end if;
    end if;
    if r.used < v_used then
      r.freed := case when r.freed_us < v_now - 4000000 then 0 else r.freed end + v_used - r.used;
      r.freed_us := case when r.freed_us < v_now - 4000000 then v_now else r.freed_us end;
    end if;
    if r.generation <> p_generation and r.generation <> 0 and r.reserved > r.granted then
      v_index := (sluice.limit_slot(r, v_now) % r.slots)::int + 1;
      v_used := greatest(0, least(r.reserved - r.granted, r.max - r.used));
      r.ring[v_index] := r.ring[v_index] + v_used;
      r.used := r.used + v_used;
      r.granted := r.reserved;
      insert into sluice.limit_event (bucket_id, type, detail) values (r.id, 'restarted', jsonb_build_object('charged', v_used));
    end if;
  end if;
  if r.rate is not null then
    r.tokens := least(r.burst, r.tokens + r.rate * greatest(v_now - r.paced_us, 0) / 1000000.0);
    r.paced_us := v_now;
    if r.generation <> p_generation and r.generation <> 0 then
      r.tokens := least(r.tokens, 0);
    end if;
  end if;
  if r.queue_len > 0 then
    r.ev_waited_us := r.ev_waited_us + greatest(0, least(v_now, r.queue_until_us) - r.last_us);
  end if;
  r.generation := p_generation;
  r.last_us := v_now;
  return r;
end $$;
