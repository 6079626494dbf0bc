-- Phase: pre. Replacement CPR numbers that staff give in person: searched for before, and why. New tables and functions; older code asks none.
-- Old regional replacement numbers are no identity: nobody is known by one at a log-in.

-- A search that staff made before they may give a number: what was asked, as a digest, and whom it showed.
create table registries.issue_search (
  id uuid primary key,
  professional bigint not null,
  organisation bigint not null,
  at timestamptz not null,
  asked bytea not null,
  shown uuid[] not null,            -- Patients, likeliest first
  used_at timestamptz
);
alter table registries.issue_search owner to helhed_registries;

-- A number that was given in person: by whom, where, after which search, and why.
create table registries.issued_number (
  citizen bigint primary key,
  professional bigint not null,
  organisation bigint not null,
  at timestamptz not null,
  search uuid not null references registries.issue_search (id),
  reason text not null,
  unlike text not null,             -- why it is none of those who were shown; '' when nobody was
  unknown boolean not null          -- nobody knows who it is
);
create index issued_number_unknown on registries.issued_number (at) where unknown;
alter table registries.issued_number owner to helhed_registries;

-- Searched. False for those who may not look people up.
create function registries.note_issue_search(asker fhir.ask, search uuid, asked bytea, shown uuid[]) returns boolean
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  if not registries.may_look_up(asker) then
    return false;
  end if;
  insert into registries.issue_search values (search, asker.actor, asker.organisation, asker.at, asked, shown, null);
  return true;
end $$;

-- The number that was just given to this citizen, in this transaction, follows from that search. Answers what is wrong: 'forbidden', 'search'
-- (not theirs, not of this, too old or used), 'unlike' (somebody was shown, and nothing is said of why it is not them).
create function registries.note_issued(asker fhir.ask, search_id uuid, asked_now bytea, since timestamptz, citizen_key bigint, why text, why_unlike text, nobody_knows boolean)
returns text language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  made registries.issue_search;
  wrong text;
begin
  select s.* into made from registries.issue_search s where s.id = search_id and s.professional = asker.actor and s.organisation = asker.organisation for update;
  wrong := case
    when not registries.may_look_up(asker) then 'forbidden'
    when made.id is null or made.used_at is not null or made.at < since or made.asked <> asked_now then 'search'
    when cardinality(made.shown) > 0 and btrim(why_unlike) = '' then 'unlike' end;
  if wrong is not null then
    return wrong;
  end if;
  update registries.issue_search s set used_at = asker.at where s.id = search_id;
  insert into registries.issued_number values (citizen_key, asker.actor, asker.organisation, asker.at, search_id, why, why_unlike, nobody_knows);
  perform registries.note_link(asker, 170::smallint, array[citizen_key], true, search_id);
  return null;
end $$;

-- Those of whom nobody knew who they were, registered lately and not linked to anybody yet: so that one person brought to two hospitals is found.
create function registries.unknown_lately(asker fhir.ask, since timestamptz, wanted_sex text, row_limit int) returns setof registries.citizen
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  return query
  with seen as materialized (
    select c.* from registries.issued_number i join registries.citizen c on c.key = i.citizen
    where registries.may_look_up(asker) and i.unknown and i.at >= since
      and (wanted_sex = 'unknown' or c.sex in (wanted_sex, 'unknown'))
      and not exists (select from registries.citizen_link l where l.unlinked_at is null and c.key in (l.replaced, l.kept))
    order by i.at desc, c.key limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           true, 8, s.key, null, array[s.patient], '{}', asker.trace
    from seen s
  )
  select s.* from seen s;
end $$;

-- Everybody who has this old regional number: it was given by regions each for itself, so it names nobody. Each is logged.
create function registries.find_by_regional_number(asker fhir.ask, systems text[], wanted text, row_limit int) returns setof registries.citizen
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  return query
  with stood as materialized (
    select registries.may_look_up(asker) as allowed
  ), found as materialized (
    select distinct c.* from registries.citizen_identifier i
    left join fhir.key_set s on s.key = i.citizen
    join registries.citizen c on c.key = coalesce(s.head, i.citizen)
    where i.system = any(systems) and i.value = wanted
    limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           s.allowed, case when s.allowed and f.key is not null then 8 end, f.key, null,
           case when f.key is null then '{}' else array[f.patient] end, '{}', asker.trace
    from stood s left join found f on true  -- a number that nobody has is an attempt too
  )
  select f.* from found f cross join stood s where s.allowed order by f.sort_name, f.key;
end $$;

-- As match_citizens, logged by it, with whether each was found by a number that is one person's (old ones too), or by an alias of several.
create function registries.match_people(asker fhir.ask, systems text[], numbers text[], words text[], born date, row_limit int, aliases text[])
returns table (key bigint, patient uuid, name text, birth_date date, sex text, deceased boolean, cpr text, replacement boolean, numbered boolean, aliased boolean)
language sql security definer set search_path = registries, pg_temp as $$
  select m.key, m.patient, m.name, m.birth_date, m.sex, m.deceased, m.cpr, m.replacement, coalesce(h.numbered, false), coalesce(h.aliased, false)
  from registries.match_citizens(asker, systems, numbers, words, born, row_limit) with ordinality m
  left join lateral (
    select bool_or(i.system in ('urn:oid:1.2.208.176.1.2', 'urn:oid:1.2.208.176.1.6.1.1')) as numbered, bool_or(i.system = any(aliases)) as aliased
    from unnest(systems, numbers) q(system, value) join registries.citizen_identifier i on i.system = q.system and i.value = q.value
    where i.citizen = m.key or i.citizen = any((select k.keys from fhir.key_set k where k.key = m.key)::bigint[])) h on true
  order by m.ordinality
$$;

-- As before; nobody is known by an old regional number, however few have it.
create or replace function registries.citizen_known_as(wanted_system text, wanted_value text) returns bigint
language sql stable security definer set search_path = registries, pg_temp as $$
  select min(found.key) from (
    select distinct coalesce(l.kept, i.citizen) as key
    from registries.citizen_identifier i
    left join registries.citizen_link l on l.replaced = i.citizen and l.unlinked_at is null
    where i.system = wanted_system and i.value = wanted_value
      and not wanted_system like 'urn:oid:1.2.208.176.1.6.1.3%') found
  join registries.citizen c on c.key = found.key and not c.deceased
  having count(*) = 1
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('note_issue_search', 'note_issued', 'unknown_lately', 'find_by_regional_number', 'match_people') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
