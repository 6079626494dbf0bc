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

-- The row of the help, and the letter that says what was done.
create function trust.write_down_help(asker fhir.ask, h trust.help, kind text, about uuid, said jsonb, letter uuid) returns void language sql as $$
  select trust.note(asker, 85::smallint, h.citizen, 1::smallint, about);
  insert into trust.letter (id, citizen, kind, about, said, help, organisation, made_at)
  values (letter, h.citizen, kind, about, said || jsonb_build_object(
      'helper', trust.name_told(trust.keys_of(array[h.citizen]), h.helper, h.organisation, asker.at),
      'place', (select o.name from registries.organisation o where o.key = h.organisation), 'identified', h.identified_by),
    h.id, h.organisation, asker.at)
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

create function trust.help_end_block(asker fhir.ask, about uuid, block uuid, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help := trust.helped(asker, about);
begin
  if h.id is null or not trust.end_block(trust.in_name_of(asker, h.citizen), block) then
    return false;
  end if;
  perform trust.write_down_help(asker, h, 'block-ended', block, jsonb_build_object(
    'who', (select o.name from trust.block b join registries.organisation o on o.key = b.who_organisation where b.id = block)), letter);
  return true;
end $$;

-- A mandate on paper, signed by both: it holds at once.
create function trust.help_mandate(asker fhir.ask, about uuid, mandate uuid, number text, words text[], in_scopes text[], of_types smallint[],
                                   until timestamptz, giver_age int, actor_age int, letter uuid)
returns text language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help := trust.helped(asker, about);
  said text;
  other bigint;
begin
  if h.id is null then
    return 'refused';
  end if;
  said := trust.offer_mandate(trust.in_name_of(asker, h.citizen), mandate, number, words, in_scopes, of_types, false, asker.at, until,
                              until, giver_age, actor_age);
  if said <> 'offered' then
    return said;
  end if;
  other := (select f.actor from trust.mandate_offer f where f.id = mandate);
  perform trust.answer_mandate(trust.in_name_of(asker, other), mandate, true);
  perform trust.write_down_help(asker, h, 'mandate-given', mandate, jsonb_build_object(
    'who', (select c.name from registries.citizen c where c.key = other), 'until', until, 'scopes', in_scopes), letter);
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

-- Letters of the asker's organisation, newest first; the text is opened one by one.
create function trust.letters(asker fhir.ask)
returns table (id uuid, citizen_name text, kind text, made_at timestamptz, printed_at timestamptz, sent_at timestamptz, contested_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select l.id, c.name, l.kind, l.made_at, l.printed_at, l.sent_at, (select h.contested_at from trust.help h where h.id = l.help)
  from trust.letter l join registries.citizen c on c.key = l.citizen
  where trust.has_duty(asker, 'help') and l.organisation = asker.organisation
  order by l.sent_at is not null, l.made_at desc, l.id limit 200
$$;

create function trust.print_letter(asker fhir.ask, letter uuid)
returns table (citizen_name text, kind text, said jsonb, made_at timestamptz, sent_at timestamptz)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  one trust.letter;
begin
  select * into one from trust.letter l where l.id = letter and trust.has_duty(asker, 'help') and l.organisation = asker.organisation;
  if one.id is null then
    return;
  end if;
  update trust.letter l set printed_at = coalesce(l.printed_at, asker.at) where l.id = letter;
  perform trust.note(asker, 87::smallint, one.citizen, 1::smallint, letter);
  return query select c.name, one.kind, one.said, one.made_at, one.sent_at from registries.citizen c where c.key = one.citizen;
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

create function trust.contest_help(asker fhir.ask, help uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.help h set contested_at = asker.at where h.id = help and h.citizen = any(trust.own_keys(asker)) and h.contested_at is null;
  if not found then
    return false;
  end if;
  perform trust.note(asker, 85::smallint, asker.actor, 1::smallint, help);
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
      'begin_help', 'helped', 'in_name_of', 'see_help', 'write_down_help', 'help_block', 'help_end_block', 'help_mandate', 'help_end_mandate', 'help_log',
      'letters', 'print_letter', 'send_letter', 'own_help', 'contest_help', 'register_acting', 'registered_acting')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text !~ 'helped\(|in_name_of\(|write_down_help\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
