-- The columns of a bucket that change with every permit come to the end of the row, in the order of how often they change.
-- Postgres logs of an update that stays on its page only what lies between the first and the last byte that differ; with the
-- ring and the law between them that was nearly the whole row, 1.5 kB for each row of each batch.
-- For the same reason what the newest slot was granted is kept in a column of its own and comes to the ring only when that
-- slot is over (0075).
-- A table's columns keep the order in which they were made, so each is made again. The table is small: a row for each key.
do $$
declare
  c record;
begin
  for c in
    select * from (values
      ('vtime', 'float8[]', '''{1,1,1}'''), ('queue_until_us', 'bigint', '0'), ('queue_cost', 'float8', '0'),
      ('queue_len', 'int', '0'), ('reserved', 'float8', '0'), ('freed_us', 'bigint', '0'), ('freed', 'float8', '0'),
      ('tail', 'bigint', '0'), ('ev_waited_us', 'bigint', '0'), ('ev_ok', 'int', '0'), ('ev_fresh', 'int', '0'),
      ('filling_slot', 'bigint', '0'), ('tokens', 'float8', '0'), ('paced_us', 'bigint', '0'), ('ev_granted', 'float8', '0'), ('granted', 'float8', '0'),
      ('filling', 'float8', '0'), ('used', 'float8', '0'), ('last_us', 'bigint', '0')) hot (name, type, initial_value)
  loop
    if c.name not in ('filling', 'filling_slot') then
      execute format('alter table sluice.limit_bucket rename column %1$I to old_%1$s', c.name);
    end if;
    execute format('alter table sluice.limit_bucket add column %I %s not null default %s', c.name, c.type, c.initial_value);
  end loop;
end $$;
update sluice.limit_bucket set
  vtime = old_vtime, queue_until_us = old_queue_until_us, queue_cost = old_queue_cost, queue_len = old_queue_len,
  reserved = old_reserved, freed_us = old_freed_us, freed = old_freed, tail = old_tail, ev_waited_us = old_ev_waited_us,
  ev_ok = old_ev_ok, ev_fresh = old_ev_fresh, tokens = old_tokens, paced_us = old_paced_us, ev_granted = old_ev_granted,
  granted = old_granted, used = old_used, last_us = old_last_us;
alter table sluice.limit_bucket
  drop column old_vtime, drop column old_queue_until_us, drop column old_queue_cost, drop column old_queue_len,
  drop column old_reserved, drop column old_freed_us, drop column old_freed, drop column old_tail, drop column old_ev_waited_us,
  drop column old_ev_ok, drop column old_ev_fresh, drop column old_tokens, drop column old_paced_us, drop column old_ev_granted,
  drop column old_granted, drop column old_used, drop column old_last_us;
