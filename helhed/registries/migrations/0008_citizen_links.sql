-- Phase: pre. Somebody who was registered twice is one citizen: who said so, when and why. A link moves no rows, so that it can
-- be taken back. New table and functions; those restated under their old signatures answer with the one by whom a citizen is known.

create table registries.citizen_link (
  id uuid primary key,
  replaced bigint not null,         -- is the same person as
  kept bigint not null,             -- this one, by whom the citizen is known from then on
  reason text not null,
  linked_by bigint not null,        -- the keeper of the directory
  linked_at timestamptz not null,
  unlinked_by bigint,
  unlinked_at timestamptz,
  unlinked_reason text,
  check (replaced <> kept)
);
create unique index citizen_link_standing on registries.citizen_link (replaced) where unlinked_at is null;
create index citizen_link_kept on registries.citizen_link (kept) where unlinked_at is null;
alter table registries.citizen_link owner to helhed_registries;

-- Whether a citizen who asks is this one, under whatever key.
create function registries.is_oneself(asker fhir.ask, citizen_key bigint) returns boolean language sql stable
return asker.kind = 1 and (asker.actor = citizen_key or exists (
  select from fhir.key_set s where s.key = citizen_key and asker.actor = any(s.keys)));

-- All keys that standing links join to one; itself when there are none.
create function registries.joined(citizen_key bigint) returns bigint[] language sql stable as $$
  with recursive reached as (
    select citizen_key as key
    union
    select case when l.kept = r.key then l.replaced else l.kept end
    from reached r join registries.citizen_link l on l.unlinked_at is null and r.key in (l.kept, l.replaced)
  )
  select array_agg(r.key order by r.key) from reached r
$$;

-- The key sets of these citizens, made anew from the links that stand.
create function registries.join_keys(citizens bigint[]) returns void language sql as $$
  delete from fhir.key_set s where s.key = any(citizens);
  insert into fhir.key_set (key, keys, head)
  select c, j.keys, (select k from unnest(j.keys) k where not exists (
           select from registries.citizen_link l where l.replaced = k and l.unlinked_at is null))
  from unnest(citizens) c cross join lateral (select registries.joined(c) as keys) j where cardinality(j.keys) > 1
$$;

-- Whether the asker keeps the directory, as a system client at work, with a token that writes Patients.
create function registries.keeps(asker fhir.ask, stand fhir.standing, patient_type smallint) returns boolean language sql stable
return asker.kind = 3 and coalesce(stand.active, false)
  and (asker.write_types is null or patient_type = any(asker.write_types))
  and exists (select from registries.keeper k where k.organisation = asker.organisation);

-- One log row for each citizen whom a link is about, whether it was made or refused.
create function registries.note_link(asker fhir.ask, action smallint, citizens bigint[], done boolean, link uuid) returns void
language sql as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action, done,
         case when done then 5 end, c, array[link], '{}', asker.trace
  from unnest(citizens) c
$$;

-- The Patients of these citizens as they stand, for the versions of them that say so.
create function registries.patients_of(citizens bigint[]) returns table (problem text, id uuid, version int, body bytea) language sql stable as $$
  select null::text, r.id, r.version, r.body
  from registries.citizen c join fhir.resource r on r.bucket = fhir.bucket(c.patient) and r.id = c.patient and not r.deleted
  where c.key = any(citizens) order by r.id
$$;

-- One citizen is another: what is wrong, or the Patients of both, which are to say so. Links form trees: each citizen is
-- replaced by one other at most, and the one whom nobody replaces is the one by whom all are known.
create function registries.link_citizens(asker fhir.ask, link uuid, replaced_key bigint, kept_key bigint, why text, patient_type smallint)
returns table (problem text, id uuid, version int, body bytea)
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  wrong text;
begin
  perform pg_advisory_xact_lock(7166748391);  -- one link at a time: two at once could close a circle
  wrong := case
    when not registries.keeps(asker, (select s from fhir.stand(asker) s), patient_type) then 'forbidden'
    when btrim(why) = '' then 'reason'
    when (select count(*) from registries.citizen c where c.key in (replaced_key, kept_key)) <> 2 or replaced_key = kept_key then 'citizens'
    when kept_key = any(registries.joined(replaced_key)) then 'joined'
    when exists (select from fhir.key_set s where s.key = replaced_key and s.head <> replaced_key) then 'replaced' end;
  perform registries.note_link(asker, 23::smallint, array[replaced_key, kept_key], wrong is null, link);
  if wrong is not null then
    return query select wrong, null::uuid, null::int, null::bytea;
    return;
  end if;
  insert into registries.citizen_link (id, replaced, kept, reason, linked_by, linked_at)
  values (link, replaced_key, kept_key, why, asker.organisation, asker.at);
  perform registries.join_keys(registries.joined(kept_key));
  return query select * from registries.patients_of(array[replaced_key, kept_key]);
end $$;

-- They are two after all: what is wrong, or the Patients of both.
create function registries.unlink_citizens(asker fhir.ask, link uuid, replaced_key bigint, kept_key bigint, why text, patient_type smallint)
returns table (problem text, id uuid, version int, body bytea)
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  old uuid;
  joined bigint[] := registries.joined(kept_key);
  wrong text;
begin
  perform pg_advisory_xact_lock(7166748391);
  old := (select l.id from registries.citizen_link l where l.replaced = replaced_key and l.kept = kept_key and l.unlinked_at is null);
  wrong := case when not registries.keeps(asker, (select s from fhir.stand(asker) s), patient_type) then 'forbidden' when btrim(why) = '' then 'reason' when old is null then 'apart' end;
  perform registries.note_link(asker, 24::smallint, array[replaced_key, kept_key], wrong is null, coalesce(old, link));
  if wrong is not null then
    return query select wrong, null::uuid, null::int, null::bytea;
    return;
  end if;
  update registries.citizen_link l set unlinked_by = asker.organisation, unlinked_at = asker.at, unlinked_reason = why where l.id = old;
  perform registries.join_keys(joined);
  return query select * from registries.patients_of(array[replaced_key, kept_key]);
end $$;

-- Whom standing links say a citizen replaces, or is replaced by: what Patient.link shows, to those who may see or keep the
-- Patient.
create function registries.links_of(asker fhir.ask, patient_type smallint, citizen_key bigint) returns table (patient uuid, replaces boolean)
language sql stable security definer set search_path = registries, pg_temp as $$
  select c.patient, l.kept = citizen_key
  from registries.citizen_link l
  join registries.citizen c on c.key = case when l.kept = citizen_key then l.replaced else l.kept end
  where l.unlinked_at is null and citizen_key in (l.kept, l.replaced)
    and exists (select from fhir.footing_of(asker) s where s.active and (
      asker.kind = 3 or exists (select from fhir.whole_basis(asker, s, citizen_key, patient_type))))
  order by l.linked_at, l.id
$$;

-- --- finding people: each is found once, as the one by whom the citizen is known, by the names and numbers of all ---------------

-- Who looks people up by the directory basis: a professional at work whose role, and whose token, reads patients (type 103).
-- Running the network is no such role.
create function registries.may_look_up(asker fhir.ask) returns boolean language sql stable as $$
  select asker.kind = 2 and (asker.read_types is null or 103 = any(asker.read_types)) and coalesce((
    select s.active and (s.read_types is null or 103 = any(s.read_types)) from fhir.footing_of(asker) s), false)
$$;
alter function registries.may_look_up(fhir.ask) owner to helhed_registries;

create or replace function registries.find_citizen(asker fhir.ask, wanted_system text, wanted_value text)
returns table (key bigint, patient uuid, name text, birth_date date, sex text, deceased boolean, cpr text, replacement boolean)
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  return query
  with stood as materialized (
    select registries.may_look_up(asker) as allowed
  ), found as materialized (
    select distinct c.* from registries.citizen_identifier i
    left join fhir.key_set s on s.key = i.citizen
    join registries.citizen c on c.key = coalesce(s.head, i.citizen)
    where i.system = wanted_system and i.value = wanted_value
  ), seen as materialized (
    select f.*, s.allowed or (asker.kind = 1 and registries.is_oneself(asker, f.key)) as permitted
    from found f cross join stood s
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           coalesce(s.permitted, false), case when s.permitted then 8 end, s.key, null,
           case when s.key is null then '{}' else array[s.patient] end, '{}', asker.trace
    from stood left join seen s on true  -- a number that nobody has is an attempt too
  )
  select s.key, s.patient, s.name, s.birth_date, s.sex, s.deceased, s.cpr, s.replacement from seen s where s.permitted;
end $$;

create or replace function registries.find_by_name(asker fhir.ask, words text[], row_limit int)
returns setof registries.citizen language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  if not registries.may_look_up(asker) or cardinality(words) = 0 then
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, resources, versions, trace)
    values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8, false,
            '{}', '{}', asker.trace);
    return;
  end if;
  return query
  with seen as materialized (
    select c.* from registries.citizen c
    where not exists (select from unnest(words) w where position(' ' || w in ' ' || c.sort_name) = 0)
      and not exists (select from fhir.key_set s where s.key = c.key and s.head <> c.key)
    order by (select count(*) from unnest(words) w where position(' ' || w || ' ' in ' ' || c.sort_name || ' ') > 0) desc,
             c.sort_name, c.key
    limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           true, 8, s.key, null, array[s.patient], '{}', asker.trace
    from seen s
  )
  select s.* from seen s;
end $$;

create or replace function registries.match_citizens(asker fhir.ask, systems text[], numbers text[], words text[], born date, row_limit int)
returns setof registries.citizen language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  return query
  with stood as materialized (
    select registries.may_look_up(asker) as allowed
  ), named as (
    select c.key, 0 as place from unnest(systems, numbers) as q(system, value)
    join registries.citizen_identifier i on i.system = q.system and i.value = q.value join registries.citizen c on c.key = i.citizen
    union all
    select c.key, 1 from registries.citizen c
    where c.birth_date = born and exists (
      select from unnest(words) w where position(' ' || w in ' ' || registries.plain_name(c.sort_name)) > 0)
    union all
    select c.key, 2 from registries.citizen c
    where cardinality(words) >= 2 and not exists (
      select from unnest(words) w where position(' ' || w || ' ' in ' ' || registries.plain_name(c.sort_name) || ' ') = 0)
  ), best as (
    select coalesce(s.head, n.key) as key, min(n.place) as place
    from named n left join fhir.key_set s on s.key = n.key group by coalesce(s.head, n.key)
  ), seen as materialized (
    select c.*, b.place from best b join registries.citizen c on c.key = b.key cross join stood
    where stood.allowed or (asker.kind = 1 and registries.is_oneself(asker, c.key))
    order by b.place, c.birth_date is distinct from born, c.sort_name, c.key limit row_limit
  ), refused as (
    select c.key, c.patient from best b join registries.citizen c on c.key = b.key cross join stood
    where b.place = 0 and not stood.allowed and not exists (select from seen s where s.key = c.key)
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           true, 8::smallint, s.key, null::smallint, array[s.patient], '{}'::int[], asker.trace
    from seen s
    union all
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           stood.allowed or asker.kind = 1, null, null, null, '{}', '{}', asker.trace
    from stood where not exists (select from seen) and not exists (select from refused)  -- finding nobody is an attempt too
    union all
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           false, null, c.key, null, array[c.patient], '{}', asker.trace
    from refused c
  )
  select s.key, s.patient, s.name, s.sort_name, s.birth_date, s.sex, s.deceased, s.cpr, s.replacement from seen s order by s.place, s.key;
end $$;

-- A citizen's own identity minimum. Not a look by somebody else: not logged.
create or replace function registries.own_identity(asker fhir.ask) returns setof registries.citizen
language sql stable security definer set search_path = registries, pg_temp as $$
  select c.* from registries.citizen c
  where asker.kind = 1 and c.key = coalesce((select s.head from fhir.key_set s where s.key = asker.actor), asker.actor)
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('is_oneself', 'joined', 'join_keys', 'keeps', 'note_link', 'patients_of', 'link_citizens', 'unlink_citizens', 'links_of')
  loop
    execute format('alter function %s owner to helhed_registries', signature);
    if signature::text ~ '(link_citizens|links_of)\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
grant select on fhir.resource to helhed_registries;
