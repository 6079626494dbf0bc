-- Phase: first. Who exists: citizens by their identity minimum, organisations in their hierarchy, professionals by name.
-- All of it is projected from resources inside the transaction that writes them.
create table registries.citizen (
  key bigint primary key,
  patient uuid not null,
  name text not null,
  sort_name text not null,
  birth_date date,
  sex text not null default 'unknown',
  deceased boolean not null default false,
  cpr text,                         -- CPR number or replacement CPR number, as digits and letters without hyphen
  replacement boolean not null default false
);
create index citizen_name on registries.citizen (sort_name text_pattern_ops);

create table registries.citizen_identifier (
  system text not null,
  value text not null,
  citizen bigint not null,
  primary key (system, value, citizen)
);
create index citizen_identifier_citizen on registries.citizen_identifier (citizen);

-- Replacement CPR numbers come from one pool and are never handed out twice.
create table registries.replacement_cpr (
  number text primary key,
  issued_at timestamptz not null default clock_timestamp()
);

create table registries.organisation (
  key bigint primary key,
  id uuid not null,
  name text not null,
  sor text,
  kind text not null default '',    -- code of Organization.type
  parent bigint,
  places bigint[] not null,         -- itself, then everything above it
  registered_by bigint not null,    -- the organisation whose custodian entered it
  last_received timestamptz         -- when this source last stored something here
);
create index organisation_parent on registries.organisation (parent);

-- System clients that keep the national directory: they alone place organisations, and register jobs, outside their own
-- part of the hierarchy. Only the operator names them: the application cannot write here.
create table registries.keeper (organisation bigint primary key);

create table registries.professional (
  key bigint primary key,
  id uuid not null,
  name text not null
);

alter table registries.citizen owner to helhed_registries;
alter table registries.citizen_identifier owner to helhed_registries;
alter table registries.replacement_cpr owner to helhed_registries;
alter table registries.organisation owner to helhed_registries;
alter table registries.professional owner to helhed_registries;
alter table registries.keeper owner to helhed_registries;
grant select on registries.citizen to helhed_fhir, helhed_trust;
grant select on registries.citizen_identifier to helhed_trust;
grant select on registries.organisation, registries.professional to helhed_fhir, helhed_trust, helhed_app;
grant select on registries.keeper to helhed_trust;

create function registries.put_citizens(keys bigint[], patients uuid[], names text[], sort_names text[], births date[], sexes text[],
                                        dead boolean[], numbers text[], replacements boolean[])
returns void language sql security definer set search_path = registries, pg_temp as $$
  insert into registries.citizen (key, patient, name, sort_name, birth_date, sex, deceased, cpr, replacement)
  select * from unnest(keys, patients, names, sort_names, births, sexes, dead, numbers, replacements)
  on conflict (key) do update set name = excluded.name, sort_name = excluded.sort_name, birth_date = excluded.birth_date,
    sex = excluded.sex, deceased = excluded.deceased, cpr = excluded.cpr, replacement = excluded.replacement
$$;

create function registries.put_citizen_identifiers(systems text[], numbers text[], citizens bigint[])
returns void language sql security definer set search_path = registries, pg_temp as $$
  delete from registries.citizen_identifier i where i.citizen = any(citizens);
  insert into registries.citizen_identifier select * from unnest(systems, numbers, citizens)
  on conflict (system, value, citizen) do nothing
$$;

-- Organisations, parents before children; a changed parent moves everything beneath. Answers what is wrong: 'circle', or
-- 'elsewhere' when the writer may not place it there. Standing beneath somebody gives their treatment relations and is
-- what a block "with sub-units" reaches, so a writer places organisations beneath itself only, and lets none of its own
-- leave; what it entered of foreign hierarchies it may arrange, for nobody acts from there.
create function registries.put_organisation(new_key bigint, new_id uuid, new_name text, new_sor text, new_kind text, new_parent bigint,
                                            writer bigint)
returns text language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  before registries.organisation;
  parent registries.organisation;
  above bigint[];
begin
  select * into before from registries.organisation o where o.key = new_key;
  select * into parent from registries.organisation o where o.key = new_parent;
  above := coalesce(parent.places, '{}');
  if new_key = any(above) then
    return 'circle';
  end if;
  if new_parent is distinct from before.parent and not writer = any(above)
     and (coalesce(writer = any(before.places), false) or (parent.key is not null and parent.registered_by <> writer))
     and not exists (select from registries.keeper k where k.organisation = writer) then
    return 'elsewhere';
  end if;
  insert into registries.organisation (key, id, name, sor, kind, parent, places, registered_by)
  values (new_key, new_id, new_name, new_sor, new_kind, new_parent, array[new_key] || above, writer)
  on conflict (key) do update set name = excluded.name, sor = excluded.sor, kind = excluded.kind, parent = excluded.parent,
    places = excluded.places;
  with recursive beneath as (
    select o.key, array[o.key] || array[new_key] || above as places from registries.organisation o
    where o.parent = new_key and (before.key is not null or o.registered_by = writer)
    union all
    select o.key, array[o.key] || b.places from registries.organisation o join beneath b on o.parent = b.key
    where cardinality(b.places) < 32
  )
  update registries.organisation o set places = b.places from beneath b where b.key = o.key;
  return null;
end $$;

create function registries.put_professionals(keys bigint[], ids uuid[], names text[])
returns void language sql security definer set search_path = registries, pg_temp as $$
  insert into registries.professional select * from unnest(keys, ids, names)
  on conflict (key) do update set name = excluded.name
$$;

create function registries.take_replacement_cpr(wanted text) returns boolean
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  insert into registries.replacement_cpr (number) values (wanted);
  return true;
exception when unique_violation then
  return false;
end $$;

create function registries.note_received(organisation_key bigint, at timestamptz) returns void
language sql security definer set search_path = registries, pg_temp as $$
  update registries.organisation set last_received = greatest(last_received, at) where key = organisation_key
$$;

-- The identity minimum by identifier, under the directory basis: always logged, never blocked (nobody could break the
-- glass for somebody who cannot be found). Only professionals in an active job may look; citizens find themselves.
create function registries.find_citizen(asker fhir.ask, wanted_system text, wanted_value text)
returns table (key bigint, patient uuid, name text, birth_date date, sex text, deceased boolean, cpr text, replacement boolean)
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  return query
  with stood as materialized (
    select s.active from fhir.stand(asker) s
  ), found as materialized (
    select c.* from registries.citizen_identifier i join registries.citizen c on c.key = i.citizen
    where i.system = wanted_system and i.value = wanted_value
  ), seen as materialized (
    select f.*, (asker.kind = 2 and s.active) or (asker.kind = 1 and asker.actor = f.key) as permitted
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

-- The same by name: every part of the name starts like a wanted word. Each citizen returned is logged.
create function registries.find_by_name(asker fhir.ask, words text[], row_limit int)
returns setof registries.citizen language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  if asker.kind <> 2 or not coalesce((select s.active from fhir.stand(asker) s), false) or cardinality(words) = 0 then
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
    order by c.sort_name, c.key limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           true, 8, s.key, null, array[s.patient], '{}', asker.trace
    from seen s
  )
  select s.* from seen s;
end $$;

-- A citizen's own identity minimum. Not a look by somebody else: not logged.
create function registries.own_identity(asker fhir.ask) returns setof registries.citizen
language sql stable security definer set search_path = registries, pg_temp as $$
  select c.* from registries.citizen c where asker.kind = 1 and c.key = asker.actor
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
grant usage on type fhir.ask to helhed_registries, helhed_trust, helhed_app;
