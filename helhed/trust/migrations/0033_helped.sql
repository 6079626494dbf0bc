-- Phase: pre. Citizens without digital access are helped by staff whose duty it is: on their own request, when they have shown who they
-- are, for half an hour, with what is theirs to decide. Helping opens nothing of the record. Each act stands in the log twice: as the
-- citizen's, and as the help; the citizen gets a letter and can contest. And keepers of the directory register who acts for whom.

create table trust.help (
  id uuid primary key,
  citizen bigint not null,
  helper bigint not null,
  organisation bigint not null,
  identified_by text not null,        -- how the citizen showed who they are
  begun_at timestamptz not null,
  ends_at timestamptz not null,
  contested_at timestamptz
);
create index help_citizen on trust.help (citizen);
alter table trust.help owner to helhed_trust;

-- Letters on paper: what they tell of, who made them, when they were printed and sent. No address stands here: whoever sends takes it
-- from CPR, so that a protected one is on no screen.
create table trust.letter (
  id uuid primary key,
  citizen bigint not null,
  kind text not null,
  about uuid not null,
  said jsonb not null,                -- what the letter fills in
  help uuid references trust.help (id),
  organisation bigint not null,
  made_at timestamptz not null,
  printed_at timestamptz,
  sent_at timestamptz,
  sent_by bigint
);
create index letter_organisation on trust.letter (organisation, made_at desc);
create index letter_citizen on trust.letter (citizen);
alter table trust.letter owner to helhed_trust;

create function trust.begin_help(asker fhir.ask, help uuid, number text, words text[], identified text, until timestamptz) returns text
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  found_citizen bigint := trust.is_called(number, words);
  named bigint := (select c.key from registries.citizen c where c.cpr = number limit 1);
  said text := case when not trust.has_duty(asker, 'help') then 'refused' when found_citizen is null then 'nobody' else 'begun' end;
begin
  if named is not null then
    perform trust.note(asker, 85::smallint, named, case when said = 'begun' then 1::smallint end, help);
  end if;
  if said = 'begun' then
    insert into trust.help (id, citizen, helper, organisation, identified_by, begun_at, ends_at)
    values (help, found_citizen, asker.actor, asker.organisation, identified, asker.at, until);
    perform trust.tell(found_citizen, asker.at, 'helped', help, asker.actor, asker.organisation);
  end if;
  return said;
end $$;

-- Whom the asker helps now, when they still may.
create function trust.helped(asker fhir.ask, about uuid) returns trust.help language sql stable as $$
  select h from trust.help h
  where h.id = about and h.helper = asker.actor and h.organisation = asker.organisation and h.begun_at <= asker.at and asker.at < h.ends_at
    and trust.has_duty(asker, 'help')
$$;

-- The ask of the citizen who is helped: what follows is the citizen's own doing, by somebody else's hands.
create function trust.in_name_of(asker fhir.ask, citizen_key bigint) returns fhir.ask language sql immutable
return row(1, citizen_key, null, '', 2, 'helhed-helped', null, null, asker.at, asker.trace)::fhir.ask;

-- What one needs to know to help: who it is, the blocks in force, and who acts for the citizen. Nothing of the record.
create function trust.see_help(asker fhir.ask, about uuid)
returns table (citizen bigint, name text, cpr text, ends_at timestamptz, blocks jsonb, acting jsonb)
language sql stable security definer set search_path = trust, pg_temp as $$
  select h.citizen, c.name, c.cpr, h.ends_at,
         (select coalesce(jsonb_agg(jsonb_build_object(
             'id', b.id, 'who', (select o.name from registries.organisation o where o.key = b.who_organisation),
             'person', (select p.name from registries.professional p where p.key = b.who_professional),
             'what', (select o.name from registries.organisation o where o.key = b.what_organisation),
             'narrow', b.narrow, 'since', b.set_at) order by b.set_at, b.id), '[]')
          from trust.block b where b.citizen = any(trust.keys_of(array[h.citizen])) and asker.at < b.valid_to),
         (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', x.name, 'basis', a.basis, 'until', trust.acting_ends(a)) order by x.name, a.id), '[]')
          from trust.acting a join registries.citizen x on x.key = a.actor
          where a.citizen = any(trust.keys_of(array[h.citizen])) and a.valid_from <= asker.at and asker.at < trust.acting_ends(a))
  from trust.helped(asker, about) h join registries.citizen c on c.key = h.citizen
  where h.id is not null
$$;

-- A letter that says what was done, or what waits.
create function trust.write_letter(asker fhir.ask, h trust.help, kind text, about uuid, said jsonb, letter uuid) returns void language sql as $$
  insert into trust.letter (id, citizen, kind, about, said, help, organisation, made_at)
  values (letter, h.citizen, kind, about, said || jsonb_build_object(
      'helper', trust.name_told(trust.keys_of(array[h.citizen]), h.helper, h.organisation, asker.at),
      'place', (select o.name from registries.organisation o where o.key = h.organisation), 'identified', h.identified_by),
    h.id, h.organisation, asker.at)
$$;

-- The row of the help, and its letter.
create function trust.write_down_help(asker fhir.ask, h trust.help, kind text, about uuid, said jsonb, letter uuid) returns void language sql as $$
  select trust.note(asker, 85::smallint, h.citizen, 1::smallint, about);
  select trust.write_letter(asker, h, kind, about, said, letter);
$$;

create function trust.help_block(asker fhir.ask, about uuid, block uuid, who bigint, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help := trust.helped(asker, about);
begin
  if h.id is null or not trust.put_block(trust.in_name_of(asker, h.citizen), block, jsonb_build_object('who_organisation', who), null) then
    return false;
  end if;
  perform trust.write_down_help(asker, h, 'block-set', block,
    jsonb_build_object('who', (select o.name from registries.organisation o where o.key = who)), letter);
  return true;
end $$;

-- That a block ends opens a record: it waits for a second person, or for the citizen.
create function trust.help_end_block(asker fhir.ask, about uuid, act uuid, block uuid, lapses timestamptz, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help := trust.helped(asker, about);
begin
  if h.id is null
     or not exists (select from trust.block b where b.id = help_end_block.block and b.citizen = any(trust.keys_of(array[h.citizen])) and asker.at < b.valid_to)
     or exists (select from trust.counter_act a where a.block = help_end_block.block and a.outcome is null and a.lapses_at > asker.at) then
    return false;
  end if;
  insert into trust.counter_act (id, help, citizen, act, block, clerk, clerk_role, organisation, asked_at, lapses_at)
  values (act, h.id, h.citizen, 'end-block', help_end_block.block, asker.actor, asker.role, asker.organisation, asker.at, lapses);
  perform trust.await_second(asker, h, 'end-block', act, (select trust.counter_said(a) from trust.counter_act a where a.id = help_end_block.act), letter);
  return true;
end $$;

-- A mandate on paper, signed by both: it waits for a second person, or for the citizen. Who is named has a row, found or not.
create function trust.help_mandate(asker fhir.ask, about uuid, mandate uuid, number text, words text[], in_scopes text[], of_types smallint[],
                                   until timestamptz, lapses timestamptz, giver_age int, actor_age int, letter uuid)
returns text language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help := trust.helped(asker, about);
  other bigint := trust.is_called(number, words);
  named bigint := (select c.key from registries.citizen c where c.cpr = number limit 1);
  said text;
begin
  if h.id is null then
    return 'refused';
  end if;
  said := coalesce(trust.offer_problem(trust.in_name_of(asker, h.citizen), other, asker.at, help_mandate.until, giver_age, actor_age), case
    when trust.keys_of(array[other]) && trust.citizens_who_are(asker.actor) then 'clerk'
    when exists (select from trust.counter_act a where a.citizen = any(trust.keys_of(array[h.citizen])) and a.receiver = any(trust.keys_of(array[other]))
                 and a.outcome is null and a.lapses_at > asker.at) then 'already'
    else 'waits' end);
  if named is not null and not named = any(trust.keys_of(array[h.citizen])) then
    perform trust.note(asker, 140::smallint, named, case when said = 'waits' then 1::smallint end, mandate);
  end if;
  if said <> 'waits' then
    return said;
  end if;
  insert into trust.counter_act (id, help, citizen, act, receiver, scopes, types, until, clerk, clerk_role, organisation, asked_at, lapses_at)
  values (mandate, h.id, h.citizen, 'mandate', other, in_scopes, of_types, help_mandate.until, asker.actor, asker.role, asker.organisation, asker.at, lapses);
  perform trust.await_second(asker, h, 'mandate', mandate, (select trust.counter_said(a) from trust.counter_act a where a.id = mandate), letter);
  return said;
end $$;

create function trust.help_end_mandate(asker fhir.ask, about uuid, mandate uuid, patient_type smallint, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help := trust.helped(asker, about);
begin
  if h.id is null or not exists (select from trust.acting a where a.id = mandate and a.citizen = any(trust.keys_of(array[h.citizen])) and a.basis = 10)
     or not trust.end_acting(trust.in_name_of(asker, h.citizen), mandate, patient_type) then
    return false;
  end if;
  perform trust.write_down_help(asker, h, 'mandate-ended', mandate, jsonb_build_object(
    'who', (select c.name from trust.acting a join registries.citizen c on c.key = a.actor where a.id = mandate)), letter);
  return true;
end $$;

-- The log on paper: who looked from where, when; never at what.
create function trust.help_log(asker fhir.ask, about uuid, since timestamptz, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help := trust.helped(asker, about);
begin
  if h.id is null then
    return false;
  end if;
  perform trust.write_down_help(asker, h, 'log', about, jsonb_build_object('since', since, 'rows', (
    select coalesce(jsonb_agg(jsonb_build_object('at', l.at, 'role', l.role, 'place', o.name, 'action', l.action, 'permitted', l.permitted) order by l.at desc), '[]')
    from (select * from foundation.access_log x where x.citizen = any(trust.keys_of(array[h.citizen])) and x.at >= since and x.kind <> 1
          order by x.id desc limit 300) l left join registries.organisation o on o.key = l.organisation)), letter);
  return true;
end $$;

-- Letters of the asker's organisation, newest first; the text is opened one by one. Each citizen who is named has a row in the log,
-- written in the statement that reads.
create function trust.letters(asker fhir.ask)
returns table (id uuid, citizen_name text, kind text, made_at timestamptz, printed_at timestamptz, sent_at timestamptz, contested_at timestamptz)
language sql security definer set search_path = trust, pg_temp as $$
  with found as materialized (
    select l.* from trust.letter l where trust.has_duty(asker, 'help') and l.organisation = asker.organisation
    order by l.sent_at is not null, l.made_at desc, l.id limit 200
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 143, true, 1, f.citizen, '{}', '{}', asker.trace
    from found f group by f.citizen
  )
  select l.id, c.name, l.kind, l.made_at, l.printed_at, l.sent_at, (select h.contested_at from trust.help h where h.id = l.help)
  from found l join registries.citizen c on c.key = l.citizen
  order by l.sent_at is not null, l.made_at desc, l.id
$$;

-- The text of one. Looking changes nothing but the log; that it was printed is said by whoever printed it.
create function trust.print_letter(asker fhir.ask, letter uuid)
returns table (citizen_name text, kind text, said jsonb, made_at timestamptz, printed_at timestamptz, sent_at timestamptz)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  one trust.letter;
begin
  select * into one from trust.letter l where l.id = letter and trust.has_duty(asker, 'help') and l.organisation = asker.organisation;
  if one.id is null then
    return;
  end if;
  perform trust.note(asker, 87::smallint, one.citizen, 1::smallint, letter);
  return query select c.name, one.kind, one.said, one.made_at, one.printed_at, one.sent_at from registries.citizen c where c.key = one.citizen;
end $$;

create function trust.letter_printed(asker fhir.ask, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.letter l set printed_at = coalesce(l.printed_at, asker.at)
    where l.id = letter and trust.has_duty(asker, 'help') and l.organisation = asker.organisation;
  return found;
end $$;

create function trust.send_letter(asker fhir.ask, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.letter l set sent_at = asker.at, sent_by = asker.actor
    where l.id = letter and trust.has_duty(asker, 'help') and l.organisation = asker.organisation and l.sent_at is null and l.printed_at is not null;
  return found;
end $$;

-- Help as the citizen reads it, and what the citizen does not recognise.
create function trust.own_help(asker fhir.ask)
returns table (id uuid, helper_name text, organisation_name text, identified_by text, begun_at timestamptz, contested_at timestamptz, kinds text[])
language sql stable security definer set search_path = trust, pg_temp as $$
  select h.id, trust.name_told(trust.own_keys(asker), h.helper, h.organisation, asker.at),
         (select o.name from registries.organisation o where o.key = h.organisation), h.identified_by, h.begun_at, h.contested_at,
         array(select l.kind from trust.letter l where l.help = h.id order by l.made_at)
  from trust.help h where h.citizen = any(trust.own_keys(asker)) order by h.begun_at desc limit 100
$$;

-- What waits of it lapses, and a mandate that came of it is over: the citizen says no.
create function trust.contest_help(asker fhir.ask, help uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.help h set contested_at = asker.at where h.id = contest_help.help and h.citizen = any(trust.own_keys(asker)) and h.contested_at is null;
  if not found then
    return false;
  end if;
  perform trust.note(asker, 85::smallint, asker.actor, 1::smallint, contest_help.help);
  perform trust.settle(asker, a.id, 'contested', null) from trust.counter_act a where a.help = contest_help.help and a.outcome is null and a.lapses_at > asker.at;
  perform trust.end_acting(asker, a.id, null) from trust.counter_act a
    where a.help = contest_help.help and a.act = 'mandate' and a.outcome = 'confirmed' and a.settled_kind = 2;
  return true;
end $$;

-- --- the keeper of the directory ---------------------------------------------------------------------------------------------------

-- Custody, guardians and proxies from an authority's decision: both are named by number and name.
create function trust.register_acting(asker fhir.ask, acting uuid, number text, words text[], actor_number text, actor_words text[], given smallint,
                                      since timestamptz, until timestamptz, decision text, patient_type smallint)
returns text language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  who bigint := trust.is_called(number, words);
  by_whom bigint := trust.is_called(actor_number, actor_words);
begin
  if not trust.keeps_directory(asker) or given not in (9, 11, 12) or btrim(decision) = '' then
    return 'refused';
  elsif who is null then
    return 'nobody';
  elsif by_whom is null then
    return 'no-actor';
  elsif not trust.let_act(asker, acting, who, by_whom, given, null, false, since, until, patient_type) then
    return 'refused';
  end if;
  update trust.acting a set ground = decision where a.id = acting;
  return 'registered';
end $$;

-- What the asker's place has registered; each citizen named has a row in the log.
create function trust.registered_acting(asker fhir.ask)
returns table (id uuid, citizen_name text, actor_name text, basis smallint, ground text, since timestamptz, until timestamptz, holds boolean)
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if not trust.keeps_directory(asker) then
    return;
  end if;
  return query
  with found as materialized (
    select a.* from trust.acting a where a.given_in = asker.organisation and a.basis in (9, 11, 12) order by a.given_at desc, a.id limit 100
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, 4, 8, true, 5, f.citizen, '{}', '{}', asker.trace
    from found f group by f.citizen
  )
  select f.id, c.name, x.name, f.basis, f.ground, f.valid_from, trust.acting_ends(f), asker.at < trust.acting_ends(f)
  from found f join registries.citizen c on c.key = f.citizen join registries.citizen x on x.key = f.actor
  order by f.given_at desc, f.id;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'begin_help', 'helped', 'in_name_of', 'see_help', 'write_letter', 'write_down_help', 'help_block', 'help_end_block', 'help_mandate', 'help_end_mandate', 'help_log',
      'letters', 'print_letter', 'letter_printed', 'send_letter', 'own_help', 'contest_help', 'register_acting', 'registered_acting')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text !~ 'helped\(|in_name_of\(|write_down_help\(|write_letter\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
