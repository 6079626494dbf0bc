-- Phase: pre. What citizens read and set of their own, under all of their keys: one citizen, one log, one list of blocks. Functions
-- restated under their old signatures: older code gets the widened answers.

-- The keys of the citizen who asks; nothing for anybody else.
create function trust.own_keys(asker fhir.ask) returns bigint[] language sql stable
return case when asker.kind = 1 then trust.keys_of(array[asker.actor]) else '{}' end;
alter function trust.own_keys(fhir.ask) owner to helhed_trust;

create or replace function trust.blocks_of(asker fhir.ask) returns setof trust.block
language sql security definer set search_path = trust, pg_temp as $$
  select b.* from trust.block b where asker.kind = 1 and b.citizen = any(trust.own_keys(asker)) and b.valid_to > asker.at order by b.set_at, b.id
$$;

create or replace function trust.end_block(asker fhir.ask, block uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.block b set valid_to = asker.at, ended_by = asker.actor, ended_at = asker.at
    where asker.kind = 1 and not trust.is_app(asker) and b.id = block and b.citizen = any(trust.own_keys(asker)) and b.valid_to > asker.at;
  if not found then
    return false;
  end if;
  insert into foundation.access_log
    (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, 12, true, 1, asker.actor, array[block], '{}', asker.trace);
  return true;
end $$;

create or replace function trust.set_block(asker fhir.ask, block uuid, shape jsonb) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  new trust.block := jsonb_populate_record(null::trust.block, shape || jsonb_build_object(
    'id', block, 'citizen', asker.actor, 'valid_from', '-infinity', 'valid_to', 'infinity', 'set_by', asker.actor, 'set_at', asker.at));
begin
  if asker.kind <> 1
     or exists (select from unnest(array[new.who_organisation, new.what_organisation]) k
                where k is not null and not exists (select from registries.organisation o where o.key = k))
     or exists (select from unnest(array[new.who_professional, new.what_author]) k
                where k is not null and not exists (select from registries.professional p where p.key = k))
     or (new.what_document is not null and not exists (
           select from fhir.resource r where r.bucket = fhir.bucket(new.what_document) and r.id = new.what_document and r.citizen = any(trust.own_keys(asker))))
     or new.what_from >= new.what_to then
    return false;
  end if;
  insert into trust.block (id, citizen, who_organisation, who_professional, who_alone, what_organisation, what_alone, what_author, what_from,
                           what_to, what_document, shown, valid_from, set_by, set_at)
  values (block, asker.actor, new.who_organisation, new.who_professional, coalesce(new.who_alone, false), new.what_organisation,
          coalesce(new.what_alone, false), new.what_author, new.what_from, new.what_to, new.what_document, coalesce(new.shown, false),
          '-infinity', asker.actor, asker.at);
  perform trust.note(asker, 11::smallint, asker.actor, 1::smallint, block);
  return true;
end $$;

create or replace function trust.blocks_are_shown(asker fhir.ask, citizen_key bigint) returns boolean
language sql stable security definer set search_path = trust, pg_temp as $$
  select exists (select from fhir.footing_of(asker) s cross join lateral trust.blocks_against(asker, s, trust.keys_of(array[citizen_key])) b
                 where asker.kind = 2 and s.active and b.shown)
$$;

create or replace function trust.give_consent(asker fhir.ask, consent uuid, to_professional bigint, to_organisation bigint, for_block uuid, until timestamptz)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 1 or until <= asker.at or (to_professional is null and to_organisation is null)
     or (to_professional is not null and not exists (select from registries.professional p where p.key = to_professional))
     or (to_organisation is not null and not exists (select from registries.organisation o where o.key = to_organisation))
     or (for_block is not null and not exists (select from trust.block b where b.id = for_block and b.citizen = any(trust.own_keys(asker)))) then
    return false;
  end if;
  insert into trust.opening (id, citizen, basis, professional, organisation, block, valid_from, valid_to)
  values (consent, asker.actor, 13, to_professional, to_organisation, for_block, asker.at, until);
  perform trust.note(asker, 15::smallint, asker.actor, 1::smallint, consent);
  return true;
end $$;

create or replace function trust.end_consent(asker fhir.ask, consent uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.opening o set valid_to = asker.at
    where asker.kind = 1 and o.id = consent and o.citizen = any(trust.own_keys(asker)) and o.basis = 13 and o.valid_to > asker.at;
  if not found then
    return false;
  end if;
  perform trust.note(asker, 16::smallint, asker.actor, 1::smallint, consent);
  return true;
end $$;

create or replace function trust.let_act(asker fhir.ask, acting uuid, for_citizen bigint, by_actor bigint, given smallint, of_types smallint[],
                              heeds_blocks boolean, since timestamptz, until timestamptz, patient_type smallint)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed smallint := case
    when given = 10 and for_citizen = any(trust.own_keys(asker)) then 1
    when given in (9, 11, 12) and asker.kind = 3 and coalesce((select s.active from fhir.footing_of(asker) s), false)
      and exists (select from registries.keeper k where k.organisation = asker.organisation) then 5
    when given = 14 then trust.clinician_basis(asker, for_citizen, patient_type) end;
begin
  if allowed is null or by_actor = any(trust.keys_of(array[for_citizen])) or since >= until
     or not exists (select from registries.citizen c where c.key = by_actor)
     or not exists (select from registries.citizen c where c.key = for_citizen) then
    return false;
  end if;
  insert into trust.acting (id, actor, citizen, basis, types, obeys_blocks, valid_from, valid_to)
  values (acting, by_actor, for_citizen, given, of_types, heeds_blocks, since, until);
  perform trust.note(asker, 17::smallint, for_citizen, allowed, acting);
  return true;
end $$;

create or replace function trust.end_acting(asker fhir.ask, acting uuid, patient_type smallint) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.acting;
  allowed smallint;
begin
  select * into old from trust.acting a where a.id = acting and a.valid_to > asker.at for update;
  allowed := case
    when old.actor = any(trust.own_keys(asker)) or (old.citizen = any(trust.own_keys(asker)) and old.basis = 10) then 1
    when asker.kind = 3 and old.basis in (9, 11, 12) and coalesce((select s.active from fhir.footing_of(asker) s), false)
      and exists (select from registries.keeper k where k.organisation = asker.organisation) then 5
    when old.basis = 14 then trust.clinician_basis(asker, old.citizen, patient_type) end;
  if old.id is null or allowed is null then
    return false;
  end if;
  update trust.acting a set valid_to = asker.at where a.id = acting;
  perform trust.note(asker, 18::smallint, old.citizen, allowed, acting);
  return true;
end $$;

create or replace function trust.held_relation(asker fhir.ask, citizen_key bigint) returns table (class smallint, valid_to timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select held.class, held.valid_to from (
  select t.class, t.valid_to from fhir.stand(asker) s join trust.relation t on t.organisation = any(s.places)
  where asker.kind = 2 and s.active and t.citizen = any(trust.keys_of(array[citizen_key])) and (t.professional is null or t.professional = asker.actor)
    and t.valid_from <= asker.at and asker.at < t.valid_to
  union all
  select d.basis, trust.ends_after(p.ended_at, d.days, d.months)
  from fhir.footing_of(asker) s join trust.past_contact p on p.organisation = any(s.places) join trust.deadline d on d.basis = 15
  where asker.kind = 2 and s.active and p.citizen = any(trust.keys_of(array[citizen_key]))
    and p.ended_at <= asker.at and asker.at < trust.ends_after(p.ended_at, d.days, d.months)
  ) held order by held.class, held.valid_to desc limit 1
$$;

create or replace function trust.own_log(asker fhir.ask, since timestamptz, until timestamptz, before_id bigint, row_limit int)
returns table (id bigint, at timestamptz, kind smallint, actor bigint, actor_name text, principal_name text, organisation bigint,
               organisation_name text, role text, purpose smallint, action smallint, permitted boolean, basis smallint, type smallint,
               resources uuid[], types smallint[], as_other boolean)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  own bigint[] := trust.own_keys(asker);
begin
  if asker.kind <> 1 then
    return;
  end if;
  return query
  with mine as (
    (select l.* from unnest(own) one(key) cross join lateral (
       select x.* from foundation.access_log x
       where x.citizen = one.key and x.at >= since and x.at < until and x.id < before_id order by x.id desc limit row_limit) l)
    union all
    (select l.* from foundation.access_log l
     where l.concerned && own and (l.citizen is null or not l.citizen = any(own)) and l.at >= since and l.at < until
       and l.id < before_id order by l.id desc limit row_limit)
  ), seen as materialized (
    select m.* from mine m order by m.id desc limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, 13, true, 1, asker.actor, '{}', '{}', asker.trace)
  )
  select s.id, s.at, s.kind, s.actor,
         case s.kind when 1 then (select c.name from registries.citizen c where c.key = s.actor)
                     when 2 then (select p.name from registries.professional p where p.key = s.actor) end,
         (select p.name from registries.professional p where p.key = s.principal),
         s.organisation, o.name, s.role, s.purpose, s.action, s.permitted, s.basis,
         case when s.citizen = any(own) then s.type end,
         case when s.citizen = any(own) then s.resources else array(
           select u from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u where r.concerns && own) end,
         array(select r.type from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u and r.type <> 0
               where s.citizen = any(own) or r.concerns && own
               union
               select g.type from unnest(s.resources) u join fhir.purged_row g on g.id = u
               join fhir.purge p on p.id = g.purge and p.done_at is not null and p.citizen = any(own)
               where s.citizen = any(own)
               union
               select g.type from unnest(s.resources) u join fhir.purged_row g on g.purge = u
               join fhir.purge p on p.id = g.purge and own && array[p.citizen, p.rightful]
               where s.citizen = any(own)),
         s.citizen is null or not s.citizen = any(own)
  from seen s left join registries.organisation o on o.key = s.organisation
  order by s.id desc;
end $$;

-- The proposals and tombstones that concern the asking citizen, for the rows of the own log that name them.
create function trust.own_purges(asker fhir.ask, ids uuid[])
returns table (id uuid, wrongly boolean, ground text, case_number text, owner_name text, proposer text, approver text, done_at timestamptz,
               row_count bigint, versions bigint, seal bytea)
language sql stable security definer set search_path = trust, pg_temp as $$
  select p.id, p.citizen = any(trust.own_keys(asker)), p.ground, p.case_number,
         (select o.name from registries.organisation o where o.key = p.owner),
         (select x.name from registries.professional x where x.key = p.proposed_by),
         (select x.name from registries.professional x where x.key = p.approved_by), p.done_at,
         (select count(*) from fhir.purged_row r where r.purge = p.id), (select sum(r.versions) from fhir.purged_row r where r.purge = p.id), p.seal
  from fhir.purge p
  where asker.kind = 1 and p.id = any(ids) and (p.citizen = any(trust.own_keys(asker)) or (p.rightful = any(trust.own_keys(asker)) and p.done_at is not null))
$$;
alter function trust.own_purges(fhir.ask, uuid[]) owner to helhed_trust;
grant execute on function trust.own_purges(fhir.ask, uuid[]) to helhed_app;

create or replace function trust.log_of(asker fhir.ask, since timestamptz, until timestamptz, before_id bigint, row_limit int)
returns table (id bigint, at timestamptz, kind smallint, actor bigint, actor_name text, organisation bigint, organisation_name text,
               role text, purpose smallint, action smallint, permitted boolean, basis smallint, type smallint, resources uuid[], types smallint[])
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 1 then
    return;
  end if;
  return query
  with seen as materialized (
    select l.* from unnest(trust.own_keys(asker)) one(key) cross join lateral (
      select x.* from foundation.access_log x
      where x.citizen = one.key and x.at >= since and x.at < until and x.id < before_id order by x.id desc limit row_limit) l
    order by l.id desc limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, 13, true, 1, asker.actor, '{}', '{}', asker.trace)
  )
  select s.id, s.at, s.kind, s.actor,
         case s.kind when 1 then (select c.name from registries.citizen c where c.key = s.actor)
                     when 2 then (select p.name from registries.professional p where p.key = s.actor) end,
         s.organisation, o.name, s.role, s.purpose, s.action, s.permitted, s.basis, s.type, s.resources,
         array(select distinct r.type from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u and r.type <> 0)
  from seen s left join registries.organisation o on o.key = s.organisation
  order by s.id desc;
end $$;
