-- Gives an advanced row a ring of another geometry, or none (p_slots = 0). What was granted stays counted. Each old slot goes to
-- the new slot in which it ends; where one of the two is aligned, to the present one.
create or replace function sluice.limit_reslot(
  r sluice.limit_bucket, p_win_us bigint, p_guard_us bigint, p_slot_us bigint, p_slots int, p_slots_ahead int,
  p_align text, p_align_zone text, p_align_us bigint
) returns sluice.limit_bucket language plpgsql stable set search_path = pg_catalog as $$
declare
  v_ring float8[];
  v_used float8 := 0;
  v_slot bigint;
  v_tail bigint := 0;
  v_amount float8;
begin
  if p_slots > 0 and (p_align is not null or r.align is not null) then
    v_used := r.used;
  elsif p_slots > 0 then
    v_ring := array_fill(0::float8, array[p_slots]);
    v_tail := (r.last_us - p_win_us - p_guard_us) / p_slot_us;
    for k in 0 .. r.slots - 1 loop
      v_slot := least(r.last_us / p_slot_us + p_slots_ahead, ((r.tail + k + 1) * r.slot_us - 1) / p_slot_us);
      v_amount := r.ring[((r.tail + k) % r.slots)::int + 1];
      if v_slot >= v_tail and v_amount > 0 then
        v_ring[(v_slot % p_slots)::int + 1] := v_ring[(v_slot % p_slots)::int + 1] + v_amount;
        v_used := v_used + v_amount;
      end if;
    end loop;
  end if;
  r.ring := v_ring;
  r.used := v_used;
  r.tail := v_tail;
  r.win_us := p_win_us;
  r.guard_us := p_guard_us;
  r.slot_us := p_slot_us;
  r.slots := p_slots;
  r.slots_ahead := p_slots_ahead;
  r.align := p_align;
  r.align_zone := p_align_zone;
  r.align_us := p_align_us;
  r.foreign_used := 0;
  if p_slots > 0 and v_ring is null then
    r.tail := sluice.limit_tail(r, r.last_us);
    r.ring := array_fill(0::float8, array[p_slots]);
    r.ring[(sluice.limit_slot(r, r.last_us) % p_slots)::int + 1] := v_used;
  end if;
  return r;
end $$;
