-- Phase: pre. Who acts for whom, as citizens meet it: a mandate is offered and holds once the other has accepted it; what holds, held
-- and is offered can be listed by both. New columns without which older code goes on; functions under their old signatures write them.

alter table trust.acting
  add column scopes text[],                    -- the words of policy/acting.json in which a mandate was given
  add column ground text not null default '',  -- the authority's decision, or the clinician's reason
  add column given_kind smallint,
  add column given_by bigint,
  add column given_in bigint,
  add column given_at timestamptz,
  add column ended_kind smallint,
  add column ended_by bigint,
  add column ended_at timestamptz;

-- A mandate that waits for the one who is to act, and those that were answered.
create table trust.mandate_offer (
  id uuid primary key,                         -- of the mandate, once accepted
  citizen bigint not null,
  actor bigint not null,
  scopes text[] not null,
  types smallint[],                            -- null: every type
  obeys_blocks boolean not null,
  valid_from timestamptz not null,
  valid_to timestamptz not null,
  offered_at timestamptz not null,
  open_until timestamptz not null,
  answered_at timestamptz,
  answer text check (answer in ('accepted', 'declined', 'withdrawn'))
);
create index mandate_offer_citizen on trust.mandate_offer (citizen);
create index mandate_offer_actor on trust.mandate_offer (actor);
alter table trust.mandate_offer owner to helhed_trust;

-- The first moment at which somebody acts no longer, age included. An unknown date of birth is no basis where age decides.
create function trust.acting_ends(a trust.acting) returns timestamptz language sql stable as $$
  select least(a.valid_to, (
    select coalesce(trust.birthday(min(c.birth_date), g.ends_at_age), '-infinity')
    from trust.age_limit g left join registries.citizen c on c.key = any(trust.keys_of(array[a.citizen]))
    where g.basis = a.basis group by g.ends_at_age))
$$;

-- Whether somebody is old enough, by the earliest of their dates of birth being the latest one known.
create function trust.has_turned(citizen_key bigint, age int, moment timestamptz) returns boolean language sql stable as $$
  select coalesce(bool_and(trust.birthday(c.birth_date, age) <= moment), false)
  from registries.citizen c where c.key = any(trust.keys_of(array[citizen_key]))
$$;

-- Whom the asking citizen acts for now, and by what: read anew at each request.
create function trust.acts_for(asker fhir.ask)
returns table (id uuid, citizen bigint, patient uuid, name text, cpr text, replacement boolean, birth_date date, sex text, deceased boolean,
               basis smallint, scopes text[], types smallint[], until timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select a.id, c.key, c.patient, c.name, c.cpr, c.replacement, c.birth_date, c.sex, c.deceased, a.basis, a.scopes, a.types, trust.acting_ends(a)
  from trust.acting a
  join registries.citizen c on c.key = coalesce((select s.head from fhir.key_set s where s.key = a.citizen), a.citizen)
  where asker.kind = 1 and a.actor = any(trust.own_keys(asker)) and a.valid_from <= asker.at and asker.at < trust.acting_ends(a)
  order by c.name, a.basis, a.id
$$;

-- The name of somebody who acted from a place, for the citizen of these keys; null where the place withholds it.
create function trust.name_told(keys bigint[], professional_key bigint, place bigint, moment timestamptz) returns text language sql stable as $$
  select p.name from registries.professional p
  where p.key = professional_key and not exists (
    select from registries.organisation o where o.key = place and o.places && trust.shielded_places(keys, moment))
$$;
alter function trust.name_told(bigint[], bigint, bigint, timestamptz) owner to helhed_trust;

-- Everything between the asking citizen and others, in both directions: in force, over, and offered.
create function trust.own_acting(asker fhir.ask)
returns table (id uuid, for_me boolean, other bigint, other_name text, basis smallint, scopes text[], obeys_blocks boolean, ground text,
               since timestamptz, until timestamptz, given_at timestamptz, given_kind smallint, given_by_name text, ended_at timestamptz,
               ended_by_me boolean, state text)
language sql stable security definer set search_path = trust, pg_temp as $$
  with own as materialized (select trust.own_keys(asker) as keys)
  select a.id, a.citizen = any(o.keys), case when a.citizen = any(o.keys) then a.actor else a.citizen end,
         (select c.name from registries.citizen c where c.key = case when a.citizen = any(o.keys) then a.actor else a.citizen end),
         a.basis, a.scopes, a.obeys_blocks, a.ground, a.valid_from, trust.acting_ends(a), a.given_at, a.given_kind,
         case a.given_kind when 2 then coalesce(trust.name_told(o.keys, a.given_by, a.given_in, asker.at),
                                             (select x.name from registries.organisation x where x.key = a.given_in))
                           when 3 then (select x.name from registries.organisation x where x.key = a.given_in) end,
         a.ended_at, a.ended_by = any(o.keys),
         case when asker.at >= trust.acting_ends(a) then 'ended' when asker.at < a.valid_from then 'coming' else 'holds' end
  from own o join trust.acting a on a.citizen = any(o.keys) or a.actor = any(o.keys)
  where asker.kind = 1
  union all
  select f.id, f.citizen = any(o.keys), case when f.citizen = any(o.keys) then f.actor else f.citizen end,
         (select c.name from registries.citizen c where c.key = case when f.citizen = any(o.keys) then f.actor else f.citizen end),
         10::smallint, f.scopes, f.obeys_blocks, '', f.valid_from, f.valid_to, f.offered_at, 1::smallint, null, f.answered_at, null,
         coalesce(f.answer, case when asker.at < f.open_until then 'offered' else 'unanswered' end)
  from own o join trust.mandate_offer f on f.citizen = any(o.keys) or f.actor = any(o.keys)
  where asker.kind = 1 and f.answer is distinct from 'accepted'
  order by 14 nulls first, 11 desc nulls last, 1
$$;

-- The citizen with this number, when every word that was written is a word of the name, and at least two were.
create function trust.is_called(number text, words text[]) returns bigint language sql stable as $$
  select c.key from registries.citizen c
  where c.cpr = number and not c.deceased and cardinality(words) >= 2
    and not exists (select from unnest(words) w where position(' ' || w || ' ' in ' ' || c.sort_name || ' ') = 0)
  limit 1
$$;

-- Why the asking citizen cannot give this one a mandate; null when they can.
create function trust.offer_problem(asker fhir.ask, other bigint, since timestamptz, until timestamptz, giver_age int, actor_age int) returns text
language sql stable as $$
  select case
    when asker.kind <> 1 then 'refused'
    when not trust.has_turned(asker.actor, giver_age, asker.at) then 'giver-too-young'
    when other is null then 'nobody'
    when other = any(trust.own_keys(asker)) then 'oneself'
    when not trust.has_turned(other, actor_age, asker.at) then 'actor-too-young'
    when since >= until or until <= asker.at then 'refused' end
$$;

-- A mandate is offered to somebody who is named by number and name. Only the right pair finds anybody, and the one who is named sees
-- the attempt either way.
create function trust.offer_mandate(asker fhir.ask, offer uuid, number text, words text[], in_scopes text[], of_types smallint[],
                                    heeds_blocks boolean, since timestamptz, until timestamptz, open_until timestamptz, giver_age int, actor_age int)
returns text language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  other bigint := trust.is_called(number, words);
  named bigint := (select c.key from registries.citizen c where c.cpr = number limit 1);
  said text := coalesce(trust.offer_problem(asker, other, since, until, giver_age, actor_age), case
    when exists (select from trust.mandate_offer f where f.citizen = any(trust.own_keys(asker)) and f.actor = any(trust.keys_of(array[other]))
                 and f.answer is null and f.open_until > asker.at) then 'already'
    else 'offered' end);
begin
  perform trust.note(asker, 80::smallint, asker.actor, case when said = 'offered' then 1::smallint end, offer);
  if named is not null and not named = any(trust.own_keys(asker)) then
    perform trust.note(asker, 80::smallint, named, case when said = 'offered' then 1::smallint end, offer);
  end if;
  if said = 'offered' then
    insert into trust.mandate_offer (id, citizen, actor, scopes, types, obeys_blocks, valid_from, valid_to, offered_at, open_until)
    values (offer, asker.actor, other, in_scopes, of_types, heeds_blocks, since, until, asker.at, offer_mandate.open_until);
    perform trust.tell(other, asker.at, 'mandate-offered', offer, null, null);
  end if;
  return said;
end $$;

-- The one who was asked says yes or no.
create function trust.answer_mandate(asker fhir.ask, offer uuid, yes boolean) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  asked trust.mandate_offer;
begin
  select * into asked from trust.mandate_offer f
    where f.id = offer and f.actor = any(trust.own_keys(asker)) and f.answer is null and f.open_until > asker.at and f.valid_to > asker.at for update;
  if asked.id is null then
    return false;
  end if;
  update trust.mandate_offer f set answered_at = asker.at, answer = case when yes then 'accepted' else 'declined' end where f.id = offer;
  if yes then
    insert into trust.acting (id, actor, citizen, basis, types, scopes, obeys_blocks, valid_from, valid_to, given_kind, given_by, given_at)
    values (offer, asker.actor, asked.citizen, 10, asked.types, asked.scopes, asked.obeys_blocks, greatest(asked.valid_from, asker.at),
            asked.valid_to, 1, asked.citizen, asked.offered_at);
  end if;
  perform trust.note(asker, 81::smallint, asked.citizen, 10::smallint, offer);
  perform trust.tell(asked.citizen, asker.at, case when yes then 'mandate-accepted' else 'mandate-declined' end, offer, null, null);
  return true;
end $$;

-- The giver takes it back before it was answered.
create function trust.withdraw_mandate(asker fhir.ask, offer uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.mandate_offer f set answered_at = asker.at, answer = 'withdrawn'
    where f.id = offer and f.citizen = any(trust.own_keys(asker)) and f.answer is null;
  if not found then
    return false;
  end if;
  perform trust.note(asker, 18::smallint, asker.actor, 1::smallint, offer);
  return true;
end $$;

-- As before, and who let whom, why, is kept; both are told.
create or replace function trust.let_act(asker fhir.ask, acting uuid, for_citizen bigint, by_actor bigint, given smallint, of_types smallint[],
                              heeds_blocks boolean, since timestamptz, until timestamptz, patient_type smallint)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed smallint := case
    when given = 10 and for_citizen = any(trust.own_keys(asker)) then 1
    when given in (9, 11, 12) and trust.keeps_directory(asker) then 5
    when given = 14 then trust.clinician_basis(asker, for_citizen, patient_type) end;
begin
  if allowed is null or by_actor = any(trust.keys_of(array[for_citizen])) or since >= until
     or not exists (select from registries.citizen c where c.key = by_actor)
     or not exists (select from registries.citizen c where c.key = for_citizen) then
    return false;
  end if;
  insert into trust.acting (id, actor, citizen, basis, types, obeys_blocks, valid_from, valid_to, given_kind, given_by, given_in, given_at)
  values (acting, by_actor, for_citizen, given, of_types, heeds_blocks, since, until, asker.kind, asker.actor, asker.organisation, asker.at);
  perform trust.note(asker, 17::smallint, for_citizen, allowed, acting);
  if given <> 10 then
    perform trust.tell(for_citizen, asker.at, 'acting-began', acting, case when asker.kind = 2 then asker.actor end, asker.organisation);
    perform trust.tell(by_actor, asker.at, 'acting-began', acting, case when asker.kind = 2 then asker.actor end, asker.organisation);
  end if;
  return true;
end $$;

-- What a role does beside treating, from the policy.
create table trust.duty (role text, duty text, primary key (role, duty));
alter table trust.duty owner to helhed_trust;

create function trust.put_duties(roles text[], duties text[]) returns void language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  delete from trust.duty;
  insert into trust.duty select * from unnest(roles, duties);
end $$;

create function trust.has_duty(asker fhir.ask, wanted text) returns boolean language sql stable as $$
  select asker.kind = 2 and exists (
    select from fhir.footing_of(asker) s join trust.duty d on d.role = asker.role and d.duty = wanted where s.active and s.principal is null)
$$;

-- Who keeps the directory: its custodian, and those who are employed there to register.
create function trust.keeps_directory(asker fhir.ask) returns boolean language sql stable as $$
  select exists (select from registries.keeper k where k.organisation = asker.organisation)
    and (trust.has_duty(asker, 'register')
         or (asker.kind = 3 and coalesce((select s.active from fhir.footing_of(asker) s), false)))
$$;

-- As before, and who ended it is kept; the other one is told.
create or replace function trust.end_acting(asker fhir.ask, acting uuid, patient_type smallint) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.acting;
  allowed smallint;
  one bigint;
begin
  select * into old from trust.acting a where a.id = acting and a.valid_to > asker.at for update;
  allowed := case
    when old.actor = any(trust.own_keys(asker)) or (old.citizen = any(trust.own_keys(asker)) and old.basis = 10) then 1
    when old.basis in (9, 11, 12) and trust.keeps_directory(asker) then 5
    when old.basis = 14 then trust.clinician_basis(asker, old.citizen, patient_type) end;
  if old.id is null or allowed is null then
    return false;
  end if;
  update trust.acting a set valid_to = asker.at, ended_kind = asker.kind, ended_by = asker.actor, ended_at = asker.at where a.id = acting;
  perform trust.note(asker, 18::smallint, old.citizen, allowed, acting);
  foreach one in array array[old.citizen, old.actor] loop
    if not one = any(trust.own_keys(asker)) then
      perform trust.tell(one, asker.at, 'acting-ended', acting, case when asker.kind = 2 then asker.actor end, asker.organisation);
    end if;
  end loop;
  return true;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'acting_ends', 'has_turned', 'acts_for', 'own_acting', 'is_called', 'offer_problem', 'offer_mandate', 'answer_mandate', 'withdraw_mandate', 'put_duties',
      'has_duty', 'keeps_directory')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
  end loop;
end $$;
grant execute on function trust.acts_for(fhir.ask), trust.own_acting(fhir.ask), trust.answer_mandate(fhir.ask, uuid, boolean),
  trust.withdraw_mandate(fhir.ask, uuid), trust.put_duties(text[], text[]),
  trust.offer_mandate(fhir.ask, uuid, text, text[], text[], smallint[], boolean, timestamptz, timestamptz, timestamptz, int, int) to helhed_app;
