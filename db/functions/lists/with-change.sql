-- The changes that a unit knows, with one more: the latest first. Each process has its latest one there, whatever others have done since,
-- and the last four are there whosesoever they are. A number has its process above 24 bits. Its body is bound when it is made, so no
-- search path matters, and statements take it in.
create or replace function sluice.with_change(changes bigint[], change bigint) returns bigint[] language sql immutable
  return change || array(
    select known.change from pg_catalog.unnest(changes) with ordinality known (change, at)
     where known.at < 4 or known.change >> 24 <> with_change.change >> 24 order by known.at limit 15);
