-- The slot in which a grant at this time is counted. Aligned rows: the inner part of a window, or the edge around its end, in which
-- the clocks of database and third party may disagree.
create or replace function sluice.limit_slot(r sluice.limit_bucket, p_at_us bigint) returns bigint
language plpgsql stable set search_path = pg_catalog as $$
declare
  w record;
begin
  if r.align is null then
    return p_at_us / r.slot_us;
  end if;
  w := sluice.limit_window(r, p_at_us - r.guard_us);
  return 2 * w.number + case when p_at_us >= w.end_us - r.guard_us then 1 else 0 end;
end $$;
