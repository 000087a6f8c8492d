-- By which numbers a limit is given out: what an operator has put in force, else what the third party or the declaration says.
-- Of the latter two the law of refusals takes off what it leaves out, and they are given out evenly where it says so: over their length,
-- or at the pace that it has found. Pure arithmetic on an advanced row.
create or replace function sluice.limit_in_force(r sluice.limit_bucket) returns sluice.limit_bucket language plpgsql stable set search_path = pg_catalog as $$
declare
  v_share float8 := case when r.kind = 'learned' then 1 else coalesce((r.law ->> 'share')::float8, 1) end;
  v_paced boolean := r.kind in ('window', 'calendar') and coalesce((r.law ->> 'isPaced')::boolean, false);
  v_before float8 := r.rate;
begin
  if r.slots > 0 then
    -- Of a learned window nothing is declared: the law has said what it holds.
    r.max := coalesce(r.override_max, case when r.declared_max is null then r.max
      else greatest(1, floor(coalesce(r.seen_max, r.declared_max) * v_share + 0.000000001)) end);
  else
    r.max := null;
  end if;
  -- What is given out evenly goes at the rate of its own number, whoever has said that.
  r.rate := coalesce(r.override_rate, case
    when r.kind = 'bucket' then r.declared_rate * v_share
    when r.kind = 'learned' then coalesce(case when r.slots > 0 then r.override_max * 1000000 / r.win_us end, r.rate)
    when v_paced then coalesce((r.law -> 'pace' ->> 'perSecond')::float8, r.max * 1000000 / r.win_us) end);
  if r.kind <> 'bucket' and r.rate is distinct from v_before then
    r.burst := greatest(1, 0.05 * r.rate);
    r.tokens := case when v_before is null then 0 else least(r.tokens, r.burst) end;
  end if;
  return r;
end $$;
