-- The oldest slot that counts at this time. Aligned rows: the edge before the window in which it surely is; until an edge is over, the
-- window before it counts.
create or replace function sluice.limit_tail(r sluice.limit_bucket, p_at_us bigint) returns bigint
language plpgsql stable set search_path = pg_catalog as $$
begin
  if r.align is null then
    return (p_at_us - r.win_us - r.guard_us) / r.slot_us;
  end if;
  return 2 * (sluice.limit_window(r, p_at_us - r.guard_us)).number - 1;
end $$;
