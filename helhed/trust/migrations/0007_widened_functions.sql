-- Phase: pre. How the widened facts are set and ended: each by whom the law allows, each with a row in the citizen's log. New
-- functions beside the old ones, and the log told to those whom a look concerned.

-- One row for what somebody did with a citizen's access.
create function trust.note(asker fhir.ask, action smallint, citizen_key bigint, given smallint, about uuid) returns void
language sql as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action, given is not null, given,
          citizen_key, array[about], '{}', asker.trace)
$$;

-- Whether the asker is a professional at work, with the state's authorisation, who may see the citizen; and by which basis.
create function trust.clinician_basis(asker fhir.ask, citizen_key bigint, patient_type smallint) returns smallint language sql stable as $$
  select b.basis from fhir.footing_of(asker) s
  join trust.role r on r.role = asker.role and r.authorised
  cross join lateral fhir.whole_basis(asker, s, citizen_key, patient_type) b
  where asker.kind = 2
$$;

-- --- blocks and consents: the citizen's own ---------------------------------------------------------------------------------

create function trust.set_block(asker fhir.ask, block uuid, shape jsonb) returns boolean
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
           select from fhir.resource r where r.bucket = fhir.bucket(new.what_document) and r.id = new.what_document and r.citizen = asker.actor))
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

-- Whether a block that stops the asker may be told of: the citizen chose that for each.
create function trust.blocks_are_shown(asker fhir.ask, citizen_key bigint) returns boolean
language sql stable security definer set search_path = trust, pg_temp as $$
  select exists (select from fhir.footing_of(asker) s cross join lateral trust.blocks_against(asker, s, array[citizen_key]) b
                 where asker.kind = 2 and s.active and b.shown)
$$;

create function trust.give_consent(asker fhir.ask, consent uuid, to_professional bigint, to_organisation bigint, for_block uuid, until timestamptz)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 1 or until <= asker.at or (to_professional is null and to_organisation is null)
     or (to_professional is not null and not exists (select from registries.professional p where p.key = to_professional))
     or (to_organisation is not null and not exists (select from registries.organisation o where o.key = to_organisation))
     or (for_block is not null and not exists (select from trust.block b where b.id = for_block and b.citizen = asker.actor)) then
    return false;
  end if;
  insert into trust.opening (id, citizen, basis, professional, organisation, block, valid_from, valid_to)
  values (consent, asker.actor, 13, to_professional, to_organisation, for_block, asker.at, until);
  perform trust.note(asker, 15::smallint, asker.actor, 1::smallint, consent);
  return true;
end $$;

create function trust.end_consent(asker fhir.ask, consent uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.opening o set valid_to = asker.at
    where asker.kind = 1 and o.id = consent and o.citizen = asker.actor and o.basis = 13 and o.valid_to > asker.at;
  if not found then
    return false;
  end if;
  perform trust.note(asker, 16::smallint, asker.actor, 1::smallint, consent);
  return true;
end $$;

-- --- those who act for a citizen --------------------------------------------------------------------------------------------

-- A mandate is given by the citizen; custody, guardianship and proxy are registered by a keeper of the directory; insight for
-- the parents of a youth is decided by a clinician who treats the youth.
create function trust.let_act(asker fhir.ask, acting uuid, for_citizen bigint, by_actor bigint, given smallint, of_types smallint[],
                              heeds_blocks boolean, since timestamptz, until timestamptz, patient_type smallint)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed smallint := case
    when given = 10 and asker.kind = 1 and for_citizen = asker.actor then 1
    when given in (9, 11, 12) and asker.kind = 3 and coalesce((select s.active from fhir.footing_of(asker) s), false)
      and exists (select from registries.keeper k where k.organisation = asker.organisation) then 5
    when given = 14 then trust.clinician_basis(asker, for_citizen, patient_type) end;
begin
  if allowed is null or by_actor = for_citizen or since >= until
     or not exists (select from registries.citizen c where c.key = by_actor)
     or not exists (select from registries.citizen c where c.key = for_citizen) then
    return false;
  end if;
  insert into trust.acting (id, actor, citizen, basis, types, obeys_blocks, valid_from, valid_to)
  values (acting, by_actor, for_citizen, given, of_types, heeds_blocks, since, until);
  perform trust.note(asker, 17::smallint, for_citizen, allowed, acting);
  return true;
end $$;

-- Ended by the citizen, by the one who acts, or by whoever could have registered it.
create function trust.end_acting(asker fhir.ask, acting uuid, patient_type smallint) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.acting;
  allowed smallint;
begin
  select * into old from trust.acting a where a.id = acting and a.valid_to > asker.at for update;
  allowed := case
    when asker.kind = 1 and (asker.actor = old.actor or (asker.actor = old.citizen and old.basis = 10)) then 1
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

-- --- masks ------------------------------------------------------------------------------------------------------------------

create function trust.set_mask(asker fhir.ask, mask uuid, type_number smallint, row_id uuid, from_citizen_too boolean) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  target record;
begin
  select r.citizen, b.basis into target
    from fhir.footing_of(asker) s
    join trust.role known on known.role = asker.role and known.authorised
    join fhir.resource r on r.bucket = fhir.bucket(row_id) and r.id = row_id and r.type = type_number and r.citizen is not null
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns,
                                  coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where asker.kind = 2;
  if target.basis is null then
    return false;
  end if;
  insert into trust.mask (id, citizen, resource, from_citizen, valid_from, valid_to)
  values (mask, target.citizen, row_id, from_citizen_too, asker.at, 'infinity');
  perform trust.note(asker, 19::smallint, target.citizen, target.basis, row_id);
  return true;
end $$;

create function trust.end_mask(asker fhir.ask, mask uuid, patient_type smallint) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.mask;
  allowed smallint;
begin
  select * into old from trust.mask m where m.id = mask and m.valid_to > asker.at for update;
  allowed := trust.clinician_basis(asker, old.citizen, patient_type);
  if allowed is null then
    return false;
  end if;
  update trust.mask m set valid_to = asker.at where m.id = mask;
  perform trust.note(asker, 20::smallint, old.citizen, allowed, old.resource);
  return true;
end $$;

-- --- assistants: about no citizen, so the log row names none --------------------------------------------------------------------

create function trust.take_on(asker fhir.ask, assistance uuid, helper bigint, delegated smallint[], until timestamptz) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 2 or helper = asker.actor or until <= asker.at or (delegated <> '{}' and until = 'infinity')
     or not coalesce((select s.active and s.principal is null from fhir.footing_of(asker) s), false)
     or not exists (select from trust.role r where r.role = asker.role and r.authorised)
     or not exists (
       select from trust.employment x join trust.role r on r.role = x.role and r.assists
       where x.professional = helper and x.organisation = asker.organisation and x.valid_from <= asker.at and asker.at < x.valid_to) then
    return false;
  end if;
  insert into trust.assistance (id, assistant, principal, role, organisation, write_types, valid_from, valid_to)
  values (assistance, helper, asker.actor, asker.role, asker.organisation, delegated, asker.at, until);
  perform trust.note(asker, 21::smallint, null, 7::smallint, assistance);
  return true;
end $$;

create function trust.let_go(asker fhir.ask, assistance uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.assistance a set valid_to = asker.at
    where asker.kind = 2 and a.id = assistance and asker.actor in (a.principal, a.assistant) and a.organisation = asker.organisation
      and a.valid_to > asker.at;
  if not found then
    return false;
  end if;
  perform trust.note(asker, 22::smallint, null, 7::smallint, assistance);
  return true;
end $$;

-- --- the glass ----------------------------------------------------------------------------------------------------------------

-- Every ticket is told to the citizen once and reviewed once.
create table trust.ticket_review (
  ticket uuid primary key references trust.opening (id),
  due_at timestamptz not null,
  told_at timestamptz,
  reviewed_at timestamptz
);
alter table trust.ticket_review owner to helhed_trust;

create function trust.break_glass(asker fhir.ask, ticket uuid, citizen_key bigint, why text) returns timestamptz
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  until timestamptz := asker.at + interval '60 minutes';
  allowed boolean := asker.kind = 2 and btrim(why) <> ''
    and coalesce((select s.active and s.principal is null from fhir.footing_of(asker) s), false)
    and exists (select from trust.role r where r.role = asker.role and r.may_override)
    and exists (select from registries.citizen c where c.key = citizen_key);
begin
  perform trust.note(asker, 14::smallint, citizen_key, case when allowed then 8::smallint end, ticket);
  if not allowed then
    return null;
  end if;
  insert into trust.opening (id, citizen, basis, professional, organisation, reason, valid_from, valid_to)
  values (ticket, citizen_key, 8, asker.actor, asker.organisation, why, asker.at, until);
  insert into trust.ticket_review (ticket, due_at) values (ticket, asker.at + interval '72 hours');
  insert into foundation.outbox (topic, payload) values ('glass-broken', jsonb_build_object('ticket', ticket));
  return until;
end $$;
grant insert on foundation.outbox to helhed_trust;

-- --- the log --------------------------------------------------------------------------------------------------------------------

-- A citizen's own log, newest first, before a row: looks at the citizen, and looks at others' rows that concern the citizen.
-- Reading it adds one row.
create function trust.own_log(asker fhir.ask, since timestamptz, until timestamptz, before_id bigint, row_limit int)
returns table (id bigint, at timestamptz, kind smallint, actor bigint, actor_name text, principal_name text, organisation bigint,
               organisation_name text, role text, purpose smallint, action smallint, permitted boolean, basis smallint, type smallint,
               resources uuid[], types smallint[], as_other boolean)
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 1 then
    return;
  end if;
  return query
  with mine as (
    (select l.* from foundation.access_log l
     where l.citizen = asker.actor and l.at >= since and l.at < until and l.id < before_id order by l.id desc limit row_limit)
    union all
    (select l.* from foundation.access_log l
     where l.concerned @> array[asker.actor] and l.citizen is distinct from asker.actor and l.at >= since and l.at < until
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
         case when s.citizen = asker.actor then s.type end,
         case when s.citizen = asker.actor then s.resources else array(
           select u from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u where r.concerns @> array[asker.actor]) end,
         array(select distinct r.type from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
               where s.citizen = asker.actor or r.concerns @> array[asker.actor]),
         s.citizen is distinct from asker.actor
  from seen s left join registries.organisation o on o.key = s.organisation
  order by s.id desc;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'note', 'clinician_basis', 'set_block', 'blocks_are_shown', 'give_consent', 'end_consent', 'let_act', 'end_acting', 'set_mask',
      'end_mask', 'take_on', 'let_go', 'break_glass', 'own_log')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text !~ 'note\(|clinician_basis\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
