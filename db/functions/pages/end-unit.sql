-- Ends a unit without a page: skipped, failed, or a lane past the end. Fence and lock order are those of commit_page: a caller that
-- comes late changes nothing but the count of calls, and one that is repeated (`this_change`) not even that. The last lane of a list
-- goes on where the list is in doubt. Returns whether the unit has ended.
create or replace function sluice.end_unit(
  unit_id bigint, this_run uuid, this_node text, at_pages int, kind text, why text, extra_calls int, this_change bigint
) returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  u sluice.unit;
  ended text := kind;
  reason_given text := why;
  go_on jsonb;
  split jsonb;
begin
  select * into u from sluice.unit x where x.id = unit_id and x.run_id = this_run and x.node = this_node for no key update;
  if this_change = any (u.changes) then
    return u.end_kind is not null;
  end if;
  if u.id is null or u.pages <> at_pages or u.end_kind is not null then
    update sluice.unit x set changes = sluice.with_change(x.changes, this_change) where x.id = u.id;
    update sluice.node n set calls = n.calls + extra_calls where n.run_id = this_run and n.name = this_node and extra_calls > 0;
    return false;
  end if;
  perform 1 from sluice.lane_board b where b.run_id = u.run_id and b.node = u.node
    and b.parent_key = u.parent_key and b.part = u.part for no key update;
  if ended = 'complete' then
    select e.kind, e.why, e.go_on, e.split into ended, reason_given, go_on, split
      from sluice.end_of_part(u, '{"records": [], "mayHaveLanes": true}', 0, 0, why) e;
  end if;
  if go_on is not null then
    update sluice.unit x set position = go_on->'position', guard = go_on->'guard', again = greatest(x.again, x.items - x.rows),
      changes = sluice.with_change(x.changes, this_change)
      where x.id = u.id;
    delete from sluice.lane_board b
      where b.run_id = u.run_id and b.node = u.node and b.parent_key = u.parent_key and b.part = u.part;
    return false;
  end if;
  if split is not null then
    with parts as (
      insert into sluice.unit (run_id, node, parent_key, parent_record, part, range)
      select u.run_id, u.node, u.parent_key, u.parent_record, u.part || n, split->n from generate_series(0, 1) n
      on conflict (run_id, node, parent_key, part, lane) do nothing
      returning 1
    ) update sluice.node n set waiting = n.waiting + (select count(*) from parts) where n.run_id = u.run_id and n.name = u.node;
  end if;
  update sluice.unit set
    state = case when ended in ('skipped', 'failed') then ended else 'done' end,
    end_kind = ended, reason = reason_given, calls = u.calls + extra_calls, changes = sluice.with_change(u.changes, this_change)
    where id = u.id;
  update sluice.node set
    calls = calls + extra_calls,
    waiting = waiting - case when u.state = 'waiting' then 1 else 0 end,
    running = running - case when u.state = 'running' then 1 else 0 end,
    done = done + case when ended not in ('skipped', 'failed') then 1 else 0 end,
    skipped = skipped + case when ended = 'skipped' then 1 else 0 end,
    failed = failed + case when ended = 'failed' then 1 else 0 end,
    flawed = flawed + case when ended <> 'complete' then 1 else 0 end
    where run_id = u.run_id and name = u.node;
  return true;
end $$;
