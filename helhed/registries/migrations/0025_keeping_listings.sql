-- Phase: pre. Whoever arranges a unit says on its page where its messages go and what it offers. Older code asks neither; it lists as before.

-- What is listed for a unit itself and is not over yet at a moment, whether it has begun or not; it counts as listings_of has it.
create function registries.listings_to_come(unit_key bigint, moment timestamptz)
returns table (source uuid, type text, said jsonb, origin bigint, valid_from timestamptz, valid_to timestamptz)
language sql stable security definer set search_path = registries, pg_temp as $$
  select l.source, l.type, l.said, l.origin, l.valid_from, l.valid_to from registries.unit_listing l
  where l.unit = unit_key and l.known_to = 'infinity' and l.valid_to > moment
    and (exists (select from registries.organisation o where o.key = l.unit and l.origin = any(o.places))
         or exists (select from registries.keeper k where k.organisation = l.origin))
  order by l.type, l.valid_from, l.source
$$;

-- Whether somebody may list something for a unit from a day on, or (`listed`) change what is listed; by whose system it is stored, and from
-- and to when it is so now. What stands in the way: 'unknown', 'forbidden', 'past', 'closed' (the unit, on the day), 'stranger' (who would
-- store it has no system here); null when nothing does. An act, and logged as one.
create function registries.admit_listing(asker fhir.ask, act smallint, unit_key bigint, listed uuid, on_day date, today date)
returns table (problem text, storer bigint, valid_from timestamptz, valid_to timestamptz)
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  found registries.unit_listing;
begin
  storer := asker.organisation;
  if listed is not null then
    select l.* into found from registries.unit_listing l
    where l.source = listed and l.unit = unit_key and l.known_to = 'infinity'
      and l.source in (select t.source from registries.listings_to_come(unit_key, asker.at) t);
    storer := found.origin;
  end if;
  problem := case
    when not exists (select from registries.organisation o where o.key = unit_key) or (listed is not null and found.source is null) then 'unknown'
    when not registries.may_arrange(asker, unit_key) then 'forbidden'
    when on_day < today then 'past'
    when listed is null and not exists (
      select from registries.unit_fact f where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to
        and f.said is not null and f.said -> 'active' is distinct from 'false') then 'closed'
    when not coalesce((select s.active from fhir.stand(
           row(3, storer, storer, 'system', 3, 'helhed', null, null, asker.at, asker.trace)::fhir.ask) s), false) then 'stranger' end;
  perform registries.note_arranged(asker, act, problem is null, unit_key);
  valid_from := found.valid_from;
  valid_to := found.valid_to;
  return next;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('listings_to_come', 'admit_listing') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
