-- Phase: pre. A declared relation (class D) is confirmed by a registration within its deadline, or followed up: the professional explains,
-- the citizen is told, and who watches over looks reads what was escalated in trust.relation_review. Older code goes on declaring through the same
-- function, whose declarations are followed up as well.

create table trust.relation_review (
  declaration uuid primary key,
  citizen bigint not null,
  professional bigint not null,
  organisation bigint not null,
  role text not null,
  reason text not null,
  declared_at timestamptz not null,
  due_at timestamptz not null,          -- until then a registration confirms it
  confirmed_at timestamptz,
  confirmed_by uuid,                    -- the registration
  escalated_at timestamptz,             -- nothing confirmed it
  explain_by timestamptz,
  explained_at timestamptz,
  explanation text,
  admitted boolean,                     -- it was a mistake, or should not have been
  check (confirmed_at is null or escalated_at is null)
);
create index relation_review_waiting on trust.relation_review (due_at) where confirmed_at is null and escalated_at is null;
create index relation_review_open on trust.relation_review (organisation) where confirmed_at is null;
create index relation_review_professional on trust.relation_review (professional);
alter table trust.relation_review owner to helhed_trust;

-- A registration that confirms a declaration: a contact or a referral at the place declared from, at one above it or beneath it, which
-- held at some moment between the declaration and its deadline; or a contact that ended in between.
create function trust.confirmation_of(d trust.relation_review) returns uuid language sql stable as $$
  select found.source from (
    select t.source, t.organisation from trust.relation t
    where t.citizen = any(trust.keys_of(array[d.citizen])) and t.class in (2, 3) and t.valid_from < d.due_at and t.valid_to > d.declared_at
    union all
    select p.source, p.organisation from trust.past_contact p
    where p.citizen = any(trust.keys_of(array[d.citizen])) and p.ended_at >= d.declared_at and p.ended_at < d.due_at
  ) found
  where trust.is_within(d.organisation, found.organisation) or trust.is_within(found.organisation, d.organisation)
  order by found.source limit 1
$$;
alter function trust.confirmation_of(trust.relation_review) owner to helhed_trust;

create or replace function trust.declare_relation(asker fhir.ask, declaration uuid, citizen_key bigint, why text, until timestamptz)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare allowed boolean;
begin
  select asker.kind = 2 and coalesce(s.active, false) and r.may_declare
         and exists (select from registries.citizen c where c.key = citizen_key) into allowed
    from fhir.stand(asker) s join trust.role r on r.role = asker.role;
  if coalesce(allowed, false) then
    insert into trust.relation (source, citizen, organisation, professional, class, reason, valid_from, valid_to)
    values (declaration, citizen_key, asker.organisation, asker.actor, 4, why, asker.at, until);
    insert into trust.relation_review (declaration, citizen, professional, organisation, role, reason, declared_at, due_at)
    values (declaration, citizen_key, asker.actor, asker.organisation, asker.role, why, asker.at, until);
    perform trust.tell(citizen_key, asker.at, 'relation-declared', declaration, asker.actor, asker.organisation);
  end if;
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 10,
          coalesce(allowed, false), case when allowed then 4 end, citizen_key, null, array[declaration], '{}', asker.trace);
  return coalesce(allowed, false);
end $$;

-- What is past its deadline is confirmed or escalated, once, whoever calls it how often: rows that another worker has in hand are left.
create function trust.follow_up_declarations(moment timestamptz, explain_within interval, most int) returns table (confirmed bigint, escalated bigint)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  one trust.relation_review;
  source uuid;
begin
  confirmed := 0;
  escalated := 0;
  for one in select * from trust.relation_review r
    where r.due_at <= moment and r.confirmed_at is null and r.escalated_at is null order by r.due_at limit most for update skip locked
  loop
    source := trust.confirmation_of(one);
    if source is not null then
      update trust.relation_review r set confirmed_at = moment, confirmed_by = source where r.declaration = one.declaration;
      confirmed := confirmed + 1;
    else
      update trust.relation_review r set escalated_at = moment, explain_by = moment + explain_within where r.declaration = one.declaration;
      perform trust.tell(one.citizen, moment, 'relation-unconfirmed', one.declaration, one.professional, one.organisation);
      escalated := escalated + 1;
    end if;
  end loop;
  return next;
end $$;

-- Declarations that nothing has confirmed yet: one's own, or, for who keeps the records of an organisation, those made from it and from
-- beneath. Whoever keeps the records sees whom they were about; each citizen told has a row in the log.
create function trust.open_declarations(asker fhir.ask)
returns table (declaration uuid, own boolean, citizen_name text, professional_name text, role text, organisation_name text, reason text,
               declared_at timestamptz, due_at timestamptz, confirmed_by uuid, escalated_at timestamptz, explain_by timestamptz,
               explained_at timestamptz, explanation text, admitted boolean)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  place boolean := trust.has_duty(asker, 'answer');
begin
  if asker.kind <> 2 or not coalesce((select s.active from fhir.footing_of(asker) s), false) then
    return;
  end if;
  return query
  with open as materialized (
    select r.*, trust.confirmation_of(r) as source from trust.relation_review r
    where r.confirmed_at is null and (r.professional = asker.actor or (place and trust.is_within(r.organisation, asker.organisation)))
    order by r.declared_at desc limit 200
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 86, true, 7, o.citizen,
           array_agg(o.declaration), '{}', asker.trace
    from open o where o.professional <> asker.actor group by o.citizen
  )
  select o.declaration, o.professional = asker.actor, (select c.name from registries.citizen c where c.key = o.citizen),
         (select p.name from registries.professional p where p.key = o.professional), o.role,
         (select x.name from registries.organisation x where x.key = o.organisation), o.reason, o.declared_at, o.due_at,
         case when o.escalated_at is null then o.source end, o.escalated_at, o.explain_by, o.explained_at, o.explanation, o.admitted
  from open o order by o.escalated_at is null, o.explained_at is not null, o.declared_at desc;
end $$;

-- The professional says why, or that it should not have been; whoever keeps the records may say so too. Said once; the citizen is told.
create function trust.explain_declaration(asker fhir.ask, about uuid, said text, admits boolean) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.relation_review;
begin
  select * into old from trust.relation_review r where r.declaration = about and r.escalated_at is not null and r.explained_at is null for update;
  if old.declaration is null or btrim(said) = '' or not coalesce((select s.active from fhir.footing_of(asker) s), false)
     or not (old.professional = asker.actor and asker.kind = 2
             or (trust.has_duty(asker, 'answer') and trust.is_within(old.organisation, asker.organisation))) then
    return false;
  end if;
  update trust.relation_review r set explained_at = asker.at, explanation = said, admitted = admits where r.declaration = about;
  perform trust.note(asker, 84::smallint, old.citizen, 7::smallint, about);
  perform trust.tell(old.citizen, asker.at, case when admits then 'declaration-admitted' else 'declaration-explained' end, about,
                     old.professional, old.organisation);
  return true;
end $$;

-- What the asking professional has to do with a citizen now, by which registration, and until when: blocked or not.
create function trust.bases_held(asker fhir.ask, citizen_key bigint)
returns table (basis smallint, organisation_name text, own_place boolean, source uuid, source_type smallint, registered_at timestamptz,
               since timestamptz, until timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  with held as (
    select t.class as basis, t.organisation, t.source, t.valid_from as since, t.valid_to as until
    from fhir.footing_of(asker) s join trust.relation t on t.organisation = any(s.places)
    where asker.kind = 2 and s.active and t.citizen = any(trust.keys_of(array[citizen_key]))
      and (t.professional is null or t.professional = coalesce(s.principal, asker.actor)) and t.valid_from <= asker.at and asker.at < t.valid_to
    union all
    select d.basis, p.organisation, p.source, p.ended_at, trust.ends_after(p.ended_at, d.days, d.months)
    from fhir.footing_of(asker) s join trust.past_contact p on p.organisation = any(s.places) join trust.deadline d on d.basis = 15
    where asker.kind = 2 and s.active and p.citizen = any(trust.keys_of(array[citizen_key]))
      and p.ended_at <= asker.at and asker.at < trust.ends_after(p.ended_at, d.days, d.months)
    union all
    select o.basis, o.organisation, o.id, o.valid_from, o.valid_to
    from fhir.footing_of(asker) s cross join lateral trust.openings_for(asker, s, trust.keys_of(array[citizen_key])) o
    where asker.kind = 2 and s.active
  )
  select h.basis, x.name, h.organisation is not distinct from asker.organisation, h.source, r.type, r.updated, h.since, h.until
  from held h left join registries.organisation x on x.key = h.organisation
  left join fhir.resource r on r.bucket = fhir.bucket(h.source) and r.id = h.source
  order by h.basis, h.until desc
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('follow_up_declarations', 'open_declarations', 'explain_declaration', 'bases_held')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
