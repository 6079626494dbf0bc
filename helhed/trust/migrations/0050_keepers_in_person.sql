-- Phase: pre. Whoever is employed at a keeper of the directory to register links citizens in person, sees which links there are, and tells the
-- units that acted while a wrong one stood. Restated functions let more keepers in and change nothing for systems; new ones older code does not ask.

create or replace function registries.keeps(asker fhir.ask, stand fhir.standing, patient_type smallint) returns boolean language sql stable
return coalesce(stand.active, false)
  and exists (select from registries.keeper k where k.organisation = asker.organisation)
  and (asker.write_types is null or patient_type = any(asker.write_types) or (asker.kind = 2 and asker.client = 'helhed-portal'))
  and (asker.kind = 3 or (asker.kind = 2 and exists (select from trust.duty d where d.role = asker.role and d.duty = 'register')));
grant select on trust.duty to helhed_registries;

create or replace function registries.links_of(asker fhir.ask, patient_type smallint, citizen_key bigint) returns table (patient uuid, replaces boolean)
language sql stable security definer set search_path = registries, pg_temp as $$
  select c.patient, l.kept = citizen_key
  from registries.citizen_link l
  join registries.citizen c on c.key = case when l.kept = citizen_key then l.replaced else l.kept end
  where l.unlinked_at is null and citizen_key in (l.kept, l.replaced)
    and exists (select from fhir.footing_of(asker) s where s.active and (
      asker.kind = 3 or exists (select from fhir.whole_basis(asker, s, citizen_key, patient_type))
      or registries.keeps(asker, (select t from fhir.stand(asker) t), patient_type)))
  order by l.linked_at, l.id
$$;

-- The identity minimum by number, for a keeper of the directory: in the log, whether permitted or not. Whoever has it, also when replaced.
create function registries.keeper_finds(asker fhir.ask, systems text[], wanted text, patient_type smallint) returns setof registries.citizen
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  return query
  with stood as materialized (
    select registries.keeps(asker, (select s from fhir.stand(asker) s), patient_type) as allowed
  ), found as materialized (
    select distinct c.* from registries.citizen_identifier i join registries.citizen c on c.key = i.citizen
    where i.system = any(systems) and i.value = wanted
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           s.allowed, case when s.allowed and f.key is not null then 5 end, f.key, null,
           case when f.key is null then '{}' else array[f.patient] end, '{}', asker.trace
    from stood s left join found f on true
  )
  select f.* from found f cross join stood s where s.allowed order by f.key;
end $$;

-- Units that were told what they did while a wrong link stood: once for each unit and citizen.
create table registries.link_notice (
  link uuid not null references registries.citizen_link (id),
  organisation bigint not null,
  citizen bigint not null,
  task uuid not null,
  told_at timestamptz not null,
  told_by bigint not null,
  primary key (link, organisation, citizen)
);
alter table registries.link_notice owner to helhed_registries;

-- The newest links, standing and undone, with both citizens by their identity minimum; each citizen named has it in the log. Nothing for who is
-- no keeper.
create function registries.links_seen(asker fhir.ask, only_link uuid, patient_type smallint, row_limit int)
returns table (id uuid, replaced uuid, replaced_name text, replaced_number text, kept uuid, kept_name text, kept_number text, reason text, linked_at timestamptz,
               unlinked_at timestamptz, unlinked_reason text, told int)
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  return query
  with allowed as materialized (
    select registries.keeps(asker, (select s from fhir.stand(asker) s), patient_type) as yes
  ), shown as materialized (
    select l.* from registries.citizen_link l cross join allowed a
    where a.yes and (only_link is null or l.id = only_link)
    order by greatest(l.linked_at, l.unlinked_at) desc, l.id limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select distinct on (w.citizen) asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 171, true, 5::smallint, w.citizen,
           array[s.id], '{}'::int[], asker.trace
    from shown s cross join lateral (values (s.replaced), (s.kept)) w(citizen)
  )
  select s.id, r.patient, r.name, r.cpr, k.patient, k.name, k.cpr, s.reason, s.linked_at, s.unlinked_at, s.unlinked_reason,
         (select count(*)::int from registries.link_notice n where n.link = s.id)
  from shown s join registries.citizen r on r.key = s.replaced join registries.citizen k on k.key = s.kept
  order by greatest(s.linked_at, s.unlinked_at) desc, s.id;
end $$;

-- A unit is about to be told: true once for each link, unit and citizen. In the citizen's log.
create function registries.note_link_notice(asker fhir.ask, link_id uuid, unit bigint, citizen_key bigint, task_id uuid, patient_type smallint) returns boolean
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  if not registries.keeps(asker, (select s from fhir.stand(asker) s), patient_type)
     or not exists (select from registries.citizen_link l where l.id = link_id and citizen_key in (l.replaced, l.kept)) then
    return false;
  end if;
  insert into registries.link_notice values (link_id, unit, citizen_key, task_id, asker.at, asker.actor) on conflict do nothing;
  if not found then
    return false;
  end if;
  perform registries.note_link(asker, 172::smallint, array[citizen_key], true, task_id);
  return true;
end $$;

-- Whose system writes what belongs to the national registers: a keeper of the directory. Null when there is none.
create function registries.national_keeper(moment timestamptz) returns bigint
language sql stable security definer set search_path = registries, pg_temp as $$
  select o.key from registries.keeper k join registries.organisation o on o.key = k.organisation
  join trust.system_client c on c.organisation = o.key and c.registered_at <= moment and moment < c.ended_at
  order by o.name, o.key limit 1
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('keeper_finds', 'links_seen', 'note_link_notice', 'national_keeper') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
