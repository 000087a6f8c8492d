-- What a list has lost by being split. Parts that are all read must have brought what the whole has shown, by its count or its
-- rows, before they took its place. One row in a hundred may be gone meanwhile. Called by end_of_part.
--   u, came   the last unit of its part, which ends as complete, and the different rows that the part has brought
-- Returns why rows are missing; null where none are, or where other parts are still read.
-- Locks: the sum of each whole, by name, until the transaction ends: of two parts that end at once the later one sees the other.
-- Index: unit's key (run_id, node, parent_key, part, lane); the parts of `0` lie between `00` and `02`.
create or replace function sluice.lost_by_split(u sluice.unit, came bigint)
returns text language plpgsql set search_path = pg_catalog as $$
declare
  whole text := u.part;
  shown bigint;
  brought bigint;
begin
  while whole <> '' loop
    whole := left(whole, -1);
    perform pg_advisory_xact_lock(hashtextextended(format('sluice.parts %s %s %s %s', u.run_id, u.node, u.parent_key, whole), 0));
    if exists (select 1 from sluice.unit x where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key
               and x.part >= whole || '0' and x.part < whole || '2' and x.id <> u.id and x.end_kind is null) then
      return null;
    end if;
    select greatest(max(x.total), sum(x.rows + x.aside)) into shown from sluice.unit x
      where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key and x.part = whole;
    select came + coalesce(sum(x.rows + x.aside), 0) into brought from sluice.unit x
      where x.run_id = u.run_id and x.node = u.node and x.parent_key = u.parent_key
        and x.part >= whole || '0' and x.part < whole || '2' and x.part <> u.part
        and not exists (select 1 from sluice.unit y where y.run_id = x.run_id and y.node = x.node and y.parent_key = x.parent_key
                        and y.part = x.part || '0' and y.lane = 0);
    if brought * 100 < shown * 99 then
      return format('its parts have brought %s rows together, but the whole has %s: those between two parts are lost, where the third party takes '
        'an end of a range for another one than `range` does', brought, shown);
    end if;
  end loop;
  return null;
end $$;
