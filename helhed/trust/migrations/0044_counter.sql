-- Phase: pre. What widens access is never one clerk's word: it waits for a second person of staff who saw a document, or for the citizen.
-- Older code knows neither the table nor these functions, and what it registered before stands.

-- Which documents a second person may have seen, for which act, from the policy.
create table trust.counter_document (act text, document text, primary key (act, document));

create table trust.counter_act (
  id uuid primary key,                -- of the mandate too that comes of it
  help uuid not null references trust.help (id),
  citizen bigint not null,
  act text not null,                  -- mandate, end-block
  receiver bigint,                    -- of a mandate
  scopes text[],
  types smallint[],
  until timestamptz,
  block uuid,                         -- that is to end
  clerk bigint not null,
  clerk_role text not null,
  organisation bigint not null,
  asked_at timestamptz not null,
  lapses_at timestamptz not null,
  outcome text,                       -- confirmed, contested, withdrawn; null: waits, or has lapsed
  settled_at timestamptz,
  settled_kind smallint,
  settled_by bigint,
  settled_role text,
  document text                       -- that the second person saw
);
create index counter_act_citizen on trust.counter_act (citizen);
create index counter_act_organisation on trust.counter_act (organisation, asked_at desc);
create index counter_act_help on trust.counter_act (help);
create index counter_act_settled on trust.counter_act (settled_at) where outcome = 'confirmed' and settled_kind = 2;

create function trust.put_counter_documents(acts text[], documents text[]) returns void
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  delete from trust.counter_document;
  insert into trust.counter_document select * from unnest(acts, documents);
end $$;

-- Every key under which this professional is a citizen, by the numbers that the registers have of both.
create function trust.citizens_who_are(professional_key bigint) returns bigint[] language sql stable as $$
  select coalesce(trust.keys_of(array(
    select c.citizen from registries.professional_identifier p
    join registries.citizen_identifier c on c.system = p.system and c.value = p.value where p.professional = professional_key
    union select i.citizen from trust.watch_identity i where i.actor = professional_key and i.citizen is not null)), '{}')
$$;

-- Whether two who work are one person: under one key, or two that share a number.
create function trust.are_one(one bigint, other bigint) returns boolean language sql stable as $$
  select one = other
    or exists (select from registries.professional_identifier a join registries.professional_identifier b on a.system = b.system and a.value = b.value
               where a.professional = one and b.professional = other)
    or trust.citizens_who_are(one) && trust.citizens_who_are(other)
$$;

-- Whether the asker is one of these citizens, or acts for one of them, or one of them for the asker.
create function trust.is_close_to(asker fhir.ask, citizens bigint[]) returns boolean language sql stable as $$
  with me as materialized (select trust.citizens_who_are(asker.actor) as keys)
  select coalesce(bool_or(m.keys && trust.keys_of(citizens) or exists (
    select from trust.acting a where a.valid_from <= asker.at and asker.at < trust.acting_ends(a)
      and ((a.actor = any(m.keys) and a.citizen = any(trust.keys_of(citizens)))
           or (a.citizen = any(m.keys) and a.actor = any(trust.keys_of(citizens)))))), false)
  from me m
$$;

-- It is told at once, by notice and by letter, and it opens nothing.
create function trust.await_second(asker fhir.ask, h trust.help, what text, act uuid, said jsonb, letter uuid) returns void language sql as $$
  select trust.note(asker, 140::smallint, h.citizen, 1::smallint, act);
  select trust.tell(h.citizen, asker.at, 'counter-waits', act, h.helper, h.organisation);
  select trust.write_letter(asker, h, what || '-waits', act, said, letter);
$$;

-- Why this asker cannot be the second person; null when they can.
create function trust.second_problem(asker fhir.ask, a trust.counter_act, shown text) returns text language sql stable as $$
  select case
    when a.outcome is not null then 'settled'
    when a.lapses_at <= asker.at then 'lapsed'
    when trust.are_one(asker.actor, a.clerk) then 'same-person'
    when trust.is_close_to(asker, array_remove(array[a.citizen, a.receiver], null)) then 'close'
    when not exists (select from trust.counter_document d where d.act = a.act and d.document = shown) then 'document' end
$$;

-- The mandate begins, or the block ends, as the citizen's own doing. In a word why not; null when it is done.
create function trust.carry_out(moment fhir.ask, a trust.counter_act, giver_age int, actor_age int) returns text
language plpgsql as $$
declare
  giver fhir.ask := trust.in_name_of(moment, a.citizen);
  said text;
begin
  if a.act = 'end-block' then
    return case when trust.end_block(giver, a.block) then null else 'over' end;
  end if;
  said := trust.offer_problem(giver, a.receiver, moment.at, a.until, giver_age, actor_age);
  if said is not null then
    return said;
  end if;
  insert into trust.acting (id, actor, citizen, basis, types, scopes, obeys_blocks, valid_from, valid_to, given_kind, given_by, given_at)
  values (a.id, a.receiver, a.citizen, 10, a.types, a.scopes, false, moment.at, a.until, 1, a.citizen, moment.at);
  perform trust.note(giver, 17::smallint, a.citizen, 1::smallint, a.id);
  perform trust.tell(a.receiver, moment.at, 'acting-began', a.id, null, a.organisation);
  return null;
end $$;

create function trust.settle(asker fhir.ask, act uuid, how text, shown text) returns void language sql as $$
  update trust.counter_act a set outcome = how, settled_at = asker.at, settled_kind = asker.kind, settled_by = asker.actor,
    settled_role = asker.role, document = shown where a.id = settle.act
$$;

-- A second person of staff, who has seen a document of the citizen's. Refused attempts are in the citizen's log.
create function trust.confirm_counter_act(asker fhir.ask, act uuid, shown text, giver_age int, actor_age int, letter uuid) returns text
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  a trust.counter_act;
  h trust.help;
  said text;
begin
  select * into a from trust.counter_act x where x.id = confirm_counter_act.act and x.organisation = asker.organisation and trust.has_duty(asker, 'help') for update;
  if a.id is null then
    return 'missing';
  end if;
  said := coalesce(trust.second_problem(asker, a, shown), trust.carry_out(asker, a, giver_age, actor_age));
  perform trust.note(asker, 141::smallint, a.citizen, case when said is null then 1::smallint end, act);
  if said is not null then
    return said;
  end if;
  perform trust.settle(asker, act, 'confirmed', shown);
  perform trust.tell(a.citizen, asker.at, 'counter-confirmed', act, asker.actor, asker.organisation);
  select * into h from trust.help x where x.id = a.help;
  perform trust.write_letter(asker, h, case a.act when 'mandate' then 'mandate-given' else 'block-ended' end, act,
                             trust.counter_said(a) || jsonb_build_object('second', trust.name_told(
                               trust.keys_of(array[a.citizen]), asker.actor, asker.organisation, asker.at)), letter);
  return 'done';
end $$;

-- What a letter fills in of the act itself.
create function trust.counter_said(a trust.counter_act) returns jsonb language sql stable as $$
  select case a.act when 'mandate' then jsonb_build_object('who', (select c.name from registries.citizen c where c.key = a.receiver), 'until', a.until,
                                                           'scopes', a.scopes)
    else jsonb_build_object('who', (select coalesce(o.name, p.name) from trust.block b left join registries.organisation o on o.key = b.who_organisation
                                    left join registries.professional p on p.key = b.who_professional where b.id = a.block)) end
$$;

-- The citizen confirms alone, or does not recognise it.
create function trust.answer_counter_act(asker fhir.ask, act uuid, yes boolean, giver_age int, actor_age int) returns text
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  a trust.counter_act;
  said text;
begin
  select * into a from trust.counter_act x
    where x.id = answer_counter_act.act and x.citizen = any(trust.own_keys(asker)) and x.outcome is null and x.lapses_at > asker.at for update;
  if a.id is null then
    return 'missing';
  end if;
  if not yes then
    perform trust.contest_help(asker, a.help);
    perform trust.settle(asker, act, 'contested', null);
  else
    said := trust.carry_out(asker, a, giver_age, actor_age);
    if said is not null then
      return said;
    end if;
    perform trust.settle(asker, act, 'confirmed', null);
  end if;
  perform trust.note(asker, case when yes then 141 else 142 end::smallint, a.citizen, 1::smallint, act);
  return 'done';
end $$;

-- Taken back at the place it was registered, by anybody there who helps: that opens nothing.
create function trust.withdraw_counter_act(asker fhir.ask, act uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare whose bigint;
begin
  select x.citizen into whose from trust.counter_act x
    where x.id = withdraw_counter_act.act and x.organisation = asker.organisation and trust.has_duty(asker, 'help') and x.outcome is null and x.lapses_at > asker.at for update;
  if whose is null then
    return false;
  end if;
  perform trust.settle(asker, act, 'withdrawn', null);
  perform trust.note(asker, 142::smallint, whose, 1::smallint, act);
  return true;
end $$;

-- What waits at the asker's place. Each citizen who is named has a row in the log, written in the statement that reads.
create function trust.counter_acts(asker fhir.ask)
returns table (id uuid, help uuid, citizen_name text, act text, said jsonb, clerk_name text, own boolean, asked_at timestamptz, lapses_at timestamptz)
language sql security definer set search_path = trust, pg_temp as $$
  with found as materialized (
    select a.* from trust.counter_act a
    where trust.has_duty(asker, 'help') and a.organisation = asker.organisation and a.outcome is null and a.lapses_at > asker.at
    order by a.asked_at, a.id limit 100
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 143, true, 1, n.citizen, '{}', '{}', asker.trace
    from (select f.citizen from found f union select f.receiver from found f where f.receiver is not null) n
  )
  select f.id, f.help, c.name, f.act, trust.counter_said(f), p.name, trust.are_one(asker.actor, f.clerk), f.asked_at, f.lapses_at
  from found f join registries.citizen c on c.key = f.citizen left join registries.professional p on p.key = f.clerk
  order by f.asked_at, f.id
$$;

-- As the citizen reads it: what waits, and what became of the rest.
create function trust.own_counter_acts(asker fhir.ask)
returns table (id uuid, act text, said jsonb, clerk_name text, organisation_name text, second_name text, asked_at timestamptz, lapses_at timestamptz,
               state text, settled_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select a.id, a.act, trust.counter_said(a), trust.name_told(trust.own_keys(asker), a.clerk, a.organisation, asker.at),
         (select o.name from registries.organisation o where o.key = a.organisation),
         case a.settled_kind when 2 then trust.name_told(trust.own_keys(asker), a.settled_by, a.organisation, asker.at) end, a.asked_at, a.lapses_at,
         coalesce(a.outcome, case when a.lapses_at > asker.at then 'waits' else 'lapsed' end), a.settled_at
  from trust.counter_act a where a.citizen = any(trust.own_keys(asker)) order by a.asked_at desc, a.id limit 100
$$;

-- Two who confirm for each other, again and again within a stretch: both, as subjects of the watch, with how many.
create function trust.watch_seconds(moment timestamptz, stretch interval, at_least int)
returns table (subject bigint, times bigint, first_at timestamptz)
language sql security definer set search_path = trust, pg_temp as $$
  with side as materialized (
    select least(a.clerk, a.settled_by) as one, greatest(a.clerk, a.settled_by) as other, a.organisation, a.settled_at,
           case when a.clerk < a.settled_by then a.clerk_role else a.settled_role end as one_role,
           case when a.clerk < a.settled_by then a.settled_role else a.clerk_role end as other_role
    from trust.counter_act a where a.outcome = 'confirmed' and a.settled_kind = 2 and a.settled_at > moment - stretch and a.settled_at <= moment
  ), pair as materialized (
    select s.one, s.other, s.organisation from side s group by 1, 2, 3 having count(*) >= at_least
  ), mine as materialized (
    select p.one as actor, s.one_role as role, p.one, p.other, p.organisation, s.settled_at from pair p join side s using (one, other, organisation)
    union all
    select p.other, s.other_role, p.one, p.other, p.organisation, s.settled_at from pair p join side s using (one, other, organisation)
  ), known as (
    insert into trust.watch_subject as w (actor, organisation, role) select distinct m.actor, m.organisation, m.role from mine m
    on conflict (actor, organisation, role) do update set role = excluded.role
    returning w.id, w.actor, w.organisation, w.role, w.cleared_until
  ), counted as (
    select k.id, m.one, m.other, count(*) as times, min(m.settled_at) as first_at
    from known k join mine m using (actor, organisation, role)
    where (m.settled_at at time zone 'Europe/Copenhagen')::date > k.cleared_until group by 1, 2, 3
  )
  select c.id, max(c.times), min(c.first_at) from counted c where c.times >= at_least group by 1
$$;

do $$
declare
  name text;
  signature regprocedure;
begin
  foreach name in array array['counter_document', 'counter_act'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
  end loop;
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'put_counter_documents', 'citizens_who_are', 'are_one', 'is_close_to', 'await_second', 'second_problem', 'carry_out', 'settle',
      'confirm_counter_act', 'counter_said', 'answer_counter_act', 'withdraw_counter_act', 'counter_acts', 'own_counter_acts', 'watch_seconds')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
  end loop;
end $$;
grant execute on function trust.put_counter_documents(text[], text[]), trust.confirm_counter_act(fhir.ask, uuid, text, int, int, uuid),
  trust.answer_counter_act(fhir.ask, uuid, boolean, int, int), trust.withdraw_counter_act(fhir.ask, uuid), trust.counter_acts(fhir.ask),
  trust.own_counter_acts(fhir.ask), trust.watch_seconds(timestamptz, interval, int) to helhed_app;
