-- Phase: first. What the application may do with trust's facts: project them, and serve citizens their own log and blocks.

create function trust.put_roles(roles jsonb) returns void language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.role (role, read_types, write_types, may_declare)
  select r.role, r.read_types, r.write_types, r.may_declare
  from jsonb_to_recordset(roles) as r(role text, read_types smallint[], write_types smallint[], may_declare boolean)
  on conflict (role) do update set read_types = excluded.read_types, write_types = excluded.write_types,
    may_declare = excluded.may_declare
$$;

-- Whether an organisation is the writer's own, or stands beneath it.
create function trust.is_within(organisation_key bigint, writer bigint) returns boolean language sql stable
return organisation_key = writer or exists (
  select from registries.organisation o where o.key = organisation_key and writer = any(o.places));

-- Jobs, each registered by the custodian of its place or of one above it, or by a keeper of the directory; answers how many
-- were taken up.
create function trust.put_employments(sources uuid[], professionals bigint[], organisations bigint[], roles text[],
                                      starts timestamptz[], ends timestamptz[], writers bigint[])
returns bigint language sql security definer set search_path = trust, pg_temp as $$
  with taken as (
    insert into trust.employment
    select q.source, q.professional, q.organisation, q.role, q.valid_from, q.valid_to
    from unnest(sources, professionals, organisations, roles, starts, ends, writers)
      as q(source, professional, organisation, role, valid_from, valid_to, writer)
    where trust.is_within(q.organisation, q.writer) or exists (select from registries.keeper k where k.organisation = q.writer)
    on conflict (source) do update set professional = excluded.professional, organisation = excluded.organisation,
      role = excluded.role, valid_from = excluded.valid_from, valid_to = excluded.valid_to
    returning 1
  )
  select count(*) from taken
$$;

-- The relations that these sources register, and no others. A contact (class A) gives one only to the organisation that
-- wrote it or a unit beneath: nobody opens a record for somebody else, or through a place that a block does not reach.
create function trust.put_relations(sources uuid[], registered uuid[], citizens bigint[], organisations bigint[], classes smallint[],
                                    starts timestamptz[], ends timestamptz[], writers bigint[])
returns void language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.relation r where r.source = any(sources);
  insert into trust.relation (source, citizen, organisation, class, valid_from, valid_to)
  select q.source, q.citizen, q.organisation, q.class, q.valid_from, q.valid_to
  from unnest(registered, citizens, organisations, classes, starts, ends, writers)
    as q(source, citizen, organisation, class, valid_from, valid_to, writer)
  where q.class <> 2 or trust.is_within(q.organisation, q.writer)
  on conflict do nothing
$$;

create function trust.drop_sources(sources uuid[]) returns void language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.relation where source = any(sources);
  delete from trust.employment where source = any(sources)
$$;

create function trust.register_system(organisation_key bigint) returns void language sql as $$
  insert into trust.system_client (organisation, registered_at) values (organisation_key, '-infinity')
  on conflict (organisation) do update set ended_at = 'infinity'
$$;

-- A relation of class D: "in treatment with me now". True when the role may declare and the job is active. Logged.
create function trust.declare_relation(asker fhir.ask, declaration uuid, citizen_key bigint, why text, until timestamptz)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare allowed boolean;
begin
  select asker.kind = 2 and coalesce(s.active, false) and r.may_declare
         and exists (select from registries.citizen c where c.key = citizen_key) into allowed
    from fhir.stand(asker) s join trust.role r on r.role = asker.role;
  if coalesce(allowed, false) then
    insert into trust.relation (source, citizen, organisation, professional, class, reason, valid_from, valid_to)
    values (declaration, citizen_key, asker.organisation, asker.actor, 4, why, asker.at, until);
  end if;
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 10,
          coalesce(allowed, false), case when allowed then 4 end, citizen_key, null, array[declaration], '{}', asker.trace);
  return coalesce(allowed, false);
end $$;

-- The strongest relation the asking professional holds now, whether or not a block stands in its way.
create function trust.held_relation(asker fhir.ask, citizen_key bigint) returns table (class smallint, valid_to timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select t.class, t.valid_to from fhir.stand(asker) s join trust.relation t on t.organisation = any(s.places)
  where asker.kind = 2 and s.active and t.citizen = citizen_key and (t.professional is null or t.professional = asker.actor)
    and t.valid_from <= asker.at and asker.at < t.valid_to
  order by t.class, t.valid_to desc limit 1
$$;

create function trust.may_declare(asker fhir.ask) returns boolean
language sql stable security definer set search_path = trust, pg_temp as $$
  select asker.kind = 2 and coalesce(s.active, false) and r.may_declare
  from fhir.stand(asker) s join trust.role r on r.role = asker.role
$$;

create function trust.may_see(asker fhir.ask, citizen_key bigint, type_number smallint) returns smallint
language sql stable security definer set search_path = trust, pg_temp as $$
  select b.basis from fhir.stand(asker) s cross join lateral fhir.basis(asker, s, citizen_key, null, type_number, 1::smallint) b
$$;

-- A citizen's own blocks. Nobody else can read, set or end them.
create function trust.blocks_of(asker fhir.ask) returns setof trust.block
language sql security definer set search_path = trust, pg_temp as $$
  select b.* from trust.block b where asker.kind = 1 and b.citizen = asker.actor and b.valid_to > asker.at order by b.set_at, b.id
$$;

create function trust.set_block(asker fhir.ask, block uuid, who bigint, what bigint) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 1
     or (who is not null and not exists (select from registries.organisation o where o.key = who))
     or (what is not null and not exists (select from registries.organisation o where o.key = what)) then
    return false;
  end if;
  insert into trust.block (id, citizen, who_organisation, what_organisation, valid_from, set_by, set_at)
  values (block, asker.actor, who, what, '-infinity', asker.actor, asker.at);
  insert into foundation.access_log
    (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, 11, true, 1, asker.actor, array[block], '{}', asker.trace);
  return true;
end $$;

create function trust.end_block(asker fhir.ask, block uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.block b set valid_to = asker.at, ended_by = asker.actor, ended_at = asker.at
    where asker.kind = 1 and b.id = block and b.citizen = asker.actor and b.valid_to > asker.at;
  if not found then
    return false;
  end if;
  insert into foundation.access_log
    (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, 12, true, 1, asker.actor, array[block], '{}', asker.trace);
  return true;
end $$;

-- A citizen's own log, newest first, before a row. Reading it adds one row.
create function trust.log_of(asker fhir.ask, since timestamptz, until timestamptz, before_id bigint, row_limit int)
returns table (id bigint, at timestamptz, kind smallint, actor bigint, actor_name text, organisation bigint, organisation_name text,
               role text, purpose smallint, action smallint, permitted boolean, basis smallint, type smallint, resources uuid[], types smallint[])
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 1 then
    return;
  end if;
  return query
  with seen as materialized (
    select l.* from foundation.access_log l
    where l.citizen = asker.actor and l.at >= since and l.at < until and l.id < before_id order by l.id desc limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, 13, true, 1, asker.actor, '{}', '{}', asker.trace)
  )
  select s.id, s.at, s.kind, s.actor,
         case s.kind when 1 then (select c.name from registries.citizen c where c.key = s.actor)
                     when 2 then (select p.name from registries.professional p where p.key = s.actor) end,
         s.organisation, o.name, s.role, s.purpose, s.action, s.permitted, s.basis, s.type, s.resources,
         array(select distinct r.type from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u)
  from seen s left join registries.organisation o on o.key = s.organisation
  order by s.id desc;
end $$;
grant select on fhir.resource to helhed_trust;

-- Demo mode only: the people its built-in identity provider shows.
create table trust.persona (
  handle text primary key,
  rank int not null,
  kind smallint not null,
  actor bigint not null,
  resource text not null,           -- Patient/id, Practitioner/id, Organization/id
  name text not null,
  organisation bigint,
  organisation_id uuid,
  role text not null,
  door text not null,
  about_da text not null,
  about_en text not null
);
alter table trust.persona owner to helhed_trust;
grant select on trust.persona to helhed_app;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'trust'::regnamespace loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature <> 'trust.register_system(bigint)'::regprocedure then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
