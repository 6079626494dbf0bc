-- Phase: pre. Stays at hospitals that somebody is to be told of: what changed, and who was told what. New tables and functions only; older
-- code stores Encounters without noting them: the next change of such a stay is noted.
grant select on trust.relation, trust.system_client to helhed_exchange;
grant execute on function trust.keys_of(bigint[]) to helhed_exchange;
grant execute on function registries.units_above(bigint, date, timestamptz), registries.routes_of(bigint, text, timestamptz, timestamptz) to helhed_exchange;

-- One change of a stay, in the order of the changes; written in the transaction that stored it. Times and a phase, nothing of why.
create table exchange.stay_change (
  number bigint generated always as identity primary key,
  stay uuid not null,                -- id of the Encounter
  citizen bigint not null,
  origin bigint not null,            -- the organisation that stored it
  unit bigint not null,              -- Encounter.serviceProvider, or the origin
  said jsonb not null,
  at timestamptz not null,
  done_at timestamptz,
  not_before timestamptz not null,
  problem text                       -- why nobody was told
);
create index stay_change_due on exchange.stay_change (number) where done_at is null;
create index stay_change_stay on exchange.stay_change (stay, number desc);

-- Which notification a receiver was to be sent of which change. Whether it was taken stands with the message.
create table exchange.stay_told (
  change bigint not null,
  receiver bigint not null,
  place int not null,                -- of several about one change
  stay uuid not null,
  header text not null,              -- MessageHeader.id
  activity text not null,
  said jsonb not null,
  primary key (change, receiver, place)
);
create index stay_told_stay on exchange.stay_told (stay, change);

-- Changes of stays, as they are stored. Of a stay that nobody knows only a beginning is news; what says the same as before is none.
create function exchange.note_stays(stays uuid[], citizens bigint[], origins bigint[], units bigint[], saids jsonb[]) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  insert into exchange.stay_change (stay, citizen, origin, unit, said, at, not_before)
  select q.stay, q.citizen, q.origin, coalesce(q.unit, q.origin), q.said, clock_timestamp(), clock_timestamp()
  from unnest(stays, citizens, origins, units, saids) with ordinality q(stay, citizen, origin, unit, said, n)
  left join lateral (select c.said, c.unit, c.citizen from exchange.stay_change c where c.stay = q.stay order by c.number desc limit 1) before on true
  where case when before.said is null then q.said ->> 'phase' in ('in', 'on-leave')
             else (before.said, before.unit, before.citizen) is distinct from (q.said, coalesce(q.unit, q.origin), q.citizen) end
  order by q.n;
end $$;

-- Stays that were deleted: they never were.
create function exchange.note_no_stays(stays uuid[]) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  insert into exchange.stay_change (stay, citizen, origin, unit, said, at, not_before)
  select before.stay, before.citizen, before.origin, before.unit, before.said || '{"phase": "gone"}', clock_timestamp(), clock_timestamp()
  from unnest(stays) q(stay)
  cross join lateral (select c.* from exchange.stay_change c where c.stay = q.stay order by c.number desc limit 1) before
  where before.said ->> 'phase' <> 'gone';
end $$;

-- The location number (EAN) of a unit, or of the nearest unit above it that has one.
create function exchange.location_number(unit_key bigint, moment timestamptz) returns text language sql stable as $$
  select i ->> 'value' from registries.units_above(unit_key, (moment at time zone 'Europe/Copenhagen')::date, clock_timestamp()) a
    cross join lateral jsonb_array_elements(case when jsonb_typeof(a.said -> 'identifier') = 'array' then a.said -> 'identifier' else '[]' end) i
  where i ->> 'system' ~ '^https?://www\.gs1\.org/gln$' order by a.depth limit 1
$$;

-- Who may be told of a stay: of each place of these kinds (municipalities) one unit that has the citizen now, by a relation of these classes
-- that is no one person's, the one that was told before others; and whoever was told before, who has it no longer (`holds` is false: of
-- what was wrong it is told still). Nobody whom the citizen blocks from the stay, wholly or in part.
create function exchange.receivers_of_stay(of_stay uuid, citizen_key bigint, from_origin bigint, told_before bigint[], moment timestamptz, words text[],
                                           classes smallint[])
returns table (key bigint, holds boolean) language sql stable as $$
  with held as materialized (
    select distinct on (town.unit) t.organisation as key
    from trust.relation t join registries.organisation o on o.key = t.organisation and o.sor is not null
    cross join lateral (
      select a.unit from registries.units_above(o.key, (moment at time zone 'Europe/Copenhagen')::date, clock_timestamp()) a
      where exists (select from jsonb_array_elements(case when jsonb_typeof(a.said -> 'type') = 'array' then a.said -> 'type' else '[]' end) k
                    where lower(k ->> 'text') = any(words))
      order by a.depth limit 1) town
    where t.citizen = any(trust.keys_of(array[citizen_key])) and t.professional is null and t.class = any(classes) and t.source <> of_stay
      and t.valid_from <= moment and moment < t.valid_to
      and not exists (select from registries.organisation x where x.key = from_origin and town.unit = any(x.places))
    order by town.unit, (t.organisation = any(told_before)) desc, t.class, t.valid_from desc, t.organisation
  )
  select q.key, q.key in (select h.key from held h)
  from (select h.key from held h union select unnest(told_before)) q
  where not exchange.blocked(citizen_key, q.key, from_origin, moment) and not fhir.blocks_any(array[of_stay], q.key, moment)
$$;

-- The first change whose turn it is, with all that is needed to tell of it; none while an earlier one of the same stay waits. One
-- statement, and so one moment: whoever does the same beside says the same. `sends_itself`: the hospital's own system tells, by messages.
create function exchange.next_stay(moment timestamptz, family text, words text[], classes smallint[])
returns table (number bigint, stay uuid, citizen bigint, origin bigint, said jsonb, at timestamptz, sends_itself boolean, dead boolean,
               person text, replacement boolean, name text, custodian text, sender jsonb, told jsonb, receivers jsonb)
language plpgsql stable security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  return query
  with due as materialized (
    select c.* from exchange.stay_change c
    where c.done_at is null and c.not_before <= greatest(moment, clock_timestamp())
      and not exists (select from exchange.stay_change e where e.stay = c.stay and e.number < c.number and e.done_at is null)
    order by c.number limit 1
  ), before as materialized (
    select t.receiver, t.header, t.activity, t.said, c.at, t.change, t.place
    from due d join exchange.stay_told t on t.stay = d.stay and t.change < d.number join exchange.stay_change c on c.number = t.change
    join exchange.message m on m.header = t.header and m.receiver = t.receiver and m.code = 'ok'
  ), parties as (
    select r.key, r.holds from due d
    cross join lateral exchange.receivers_of_stay(d.stay, d.citizen, d.origin, array(select distinct b.receiver from before b), moment, words, classes) r
  )
  select d.number, d.stay, d.citizen, d.origin, d.said, d.at,
    coalesce((exchange.mode_of(from_unit.key, family)).mode, 'shared') = 'message'
      or exists (select from exchange.message_row w join exchange.message m on m.id = w.message
                 where w.id = d.stay and m.type = family and not exists (select from exchange.stay_told t where t.header = m.header)),
    p.deceased, p.cpr, p.replacement, p.name, (select o.sor from registries.organisation o where o.key = d.origin),
    jsonb_build_object('key', from_unit.key, 'id', from_unit.id, 'name', from_unit.name, 'sor', from_unit.sor,
                       'gln', exchange.location_number(from_unit.key, moment)),
    (select jsonb_agg(jsonb_build_object('receiver', b.receiver, 'header', b.header, 'activity', b.activity, 'said', b.said, 'at', b.at)
            order by b.change, b.place) from before b),
    (select jsonb_agg(jsonb_build_object('key', o.key, 'id', o.id, 'name', o.name, 'sor', o.sor, 'holds', r.holds,
              'gln', coalesce((select w.gln from registries.routes_of(o.key, family, moment, clock_timestamp()) w order by w.depth limit 1),
                              exchange.location_number(o.key, moment))) order by o.key)
     from parties r join registries.organisation o on o.key = r.key)
  from due d
  left join registries.citizen p on p.key = coalesce((select k.head from fhir.key_set k where k.key = d.citizen), d.citizen)
  left join lateral (
    select o.* from registries.organisation u cross join lateral unnest(u.places) with ordinality l(key, n)
    join registries.organisation o on o.key = l.key and o.sor is not null and d.origin = any(o.places)
    where u.key = case when exists (select from registries.organisation x where x.key = d.unit and d.origin = any(x.places)) then d.unit else d.origin end
    order by l.n limit 1) from_unit on true;
end $$;

-- What a receiver is about to be sent of a change: noted before it is sent, so that whoever goes on after a fall knows it for the network's own.
create function exchange.stay_planned(of_change bigint, to_receiver bigint, headers text[], activities text[], saids jsonb[]) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  insert into exchange.stay_told (change, receiver, place, stay, header, activity, said)
  select of_change, to_receiver, q.n, c.stay, q.header, q.activity, q.said
  from unnest(headers, activities, saids) with ordinality q(header, activity, said, n)
  join exchange.stay_change c on c.number = of_change
  on conflict do nothing;
end $$;

-- A change was told to everybody who is told, or to nobody, and why. Said twice, it is said once.
create function exchange.stay_done(of_change bigint, moment timestamptz, why text) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  update exchange.stay_change c set done_at = moment, problem = left(why, 500) where c.number = of_change and c.done_at is null;
end $$;

-- It is tried another time.
create function exchange.stay_later(of_change bigint, again_at timestamptz, why text) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  update exchange.stay_change c set not_before = again_at, problem = left(why, 500) where c.number = of_change and c.done_at is null;
end $$;

-- Whether a row is the asker's organisation's own, and stands: what it is told of in a message is not stored a second time.
create function fhir.is_own_row(asker fhir.ask, wanted uuid, type_number smallint) returns boolean
language sql stable security definer set search_path = fhir, pg_temp as $$
  select exists (select from fhir.resource r where r.bucket = fhir.bucket(wanted) and r.id = wanted and r.type = type_number
                   and r.origin = asker.organisation and not r.deleted)
    and exists (select from fhir.footing_of(asker) s where s.active)
$$;
alter function fhir.is_own_row(fhir.ask, uuid, smallint) owner to helhed_fhir;
revoke execute on function fhir.is_own_row(fhir.ask, uuid, smallint) from public;
grant execute on function fhir.is_own_row(fhir.ask, uuid, smallint) to helhed_app;

create function exchange.forget_purged_stays() returns trigger language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  if new.done_at is not null then
    delete from exchange.stay_told t using fhir.purged_row p where p.purge = new.id and t.stay = p.id;
    delete from exchange.stay_change c using fhir.purged_row p where p.purge = new.id and c.stay = p.id;
  end if;
  return null;
end $$;

do $$
declare name text;
begin
  foreach name in array array['stay_change', 'stay_told'] loop
    execute format('alter table exchange.%I owner to helhed_exchange', name);
  end loop;
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace
    and p.proname in ('note_stays', 'note_no_stays', 'location_number', 'receivers_of_stay', 'next_stay', 'stay_planned', 'stay_done', 'stay_later', 'forget_purged_stays') loop
    execute format('alter function %s owner to helhed_exchange', name);
  end loop;
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace
    and p.proname in ('note_stays', 'note_no_stays', 'next_stay', 'stay_planned', 'stay_done', 'stay_later') loop
    execute format('grant execute on function %s to helhed_app', name);
  end loop;
end $$;
create trigger forget_purged_stays after insert or update of done_at on fhir.purge for each row execute function exchange.forget_purged_stays();
