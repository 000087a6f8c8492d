-- The window of an aligned row in which a moment lies: its number, and where it begins and ends. Calendar windows follow their zone's
-- summer time, so they are not all of one length.
create or replace function sluice.limit_window(r sluice.limit_bucket, p_at_us bigint, out number bigint, out start_us bigint, out end_us bigint)
language plpgsql stable set search_path = pg_catalog as $$
declare
  v_local timestamp;
  v_step interval;
begin
  if r.align = 'clock' then
    number := floor((p_at_us - r.align_us)::numeric / r.win_us);
    start_us := number * r.win_us + r.align_us;
    end_us := start_us + r.win_us;
    return;
  end if;
  v_local := date_trunc(r.align, to_timestamp(p_at_us / 1000000.0) at time zone r.align_zone);
  v_step := case r.align when 'day' then interval '1 day' when 'week' then interval '7 days' else interval '1 month' end;
  -- Consecutive: days and weeks since the first Monday of 1970, months since the year 0.
  number := case r.align when 'month' then extract(year from v_local) * 12 + extract(month from v_local)
                         when 'week' then (v_local::date - date '1970-01-05') / 7 else v_local::date - date '1970-01-05' end;
  start_us := extract(epoch from v_local at time zone r.align_zone) * 1000000;
  end_us := extract(epoch from (v_local + v_step) at time zone r.align_zone) * 1000000;
end $$;
