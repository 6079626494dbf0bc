-- Phase: pre. Incidents with their clock, warnings to connected organisations with their receipts, each organisation's own look at its
-- security, and exercises. Older code neither writes nor reads here.

create table trust.watch_incident (
  id uuid primary key,
  number bigint generated always as identity,
  class text not null,              -- P1 to P5, of trust/policy/incidents.json
  title text not null,
  what text not null,
  known_at timestamptz not null,    -- when it was known: from then on the clock runs
  personal_data boolean not null,
  people int not null,              -- how many citizens it concerns, as far as is known
  organisation bigint not null,
  of_case uuid,
  owner bigint not null,
  opened_by bigint not null,
  opened_at timestamptz not null,
  closed_at timestamptz
);

-- What was done about it, and by whom: a step of the clock, a change of class, or a note.
create table trust.watch_incident_entry (
  id bigint generated always as identity primary key,
  incident uuid not null references trust.watch_incident on delete cascade,
  at timestamptz not null,
  step text not null,               -- a step of the policy, 'class', 'note' or 'closed'
  author bigint not null,
  note text not null
);
create index watch_incident_entry_of on trust.watch_incident_entry (incident, id);

create table trust.watch_warning (
  id uuid primary key,
  number bigint generated always as identity,
  at timestamptz not null,
  author bigint not null,
  severity text not null,           -- low, medium, high, critical
  sharing text not null,            -- traffic light protocol 2.0: clear, green, amber, red
  title text not null,
  body text not null,
  indicators jsonb not null,        -- [{"kind": "domain", "value": "..."}]
  answer_by timestamptz not null
);

create table trust.watch_receipt (
  warning uuid not null references trust.watch_warning on delete cascade,
  organisation bigint not null,
  read_at timestamptz, read_by bigint,
  acted_at timestamptz, acted_by bigint,
  note text not null default '',
  primary key (warning, organisation)
);
create index watch_receipt_organisation on trust.watch_receipt (organisation);

-- Answers to the questions of trust/policy/controls.json; the newest of an organisation to a question holds.
create table trust.watch_answer (
  id bigint generated always as identity primary key,
  organisation bigint not null,
  control text not null,
  answer text not null,             -- yes, partly, no, not-relevant
  owner text not null,              -- who follows up, in the organisation's own words
  due date,
  note text not null,
  author bigint not null,
  at timestamptz not null
);
create index watch_answer_newest on trust.watch_answer (organisation, control, id desc);

-- Who took part in which exercise: that, and not how it went.
create table trust.watch_exercise (
  professional bigint not null,
  organisation bigint not null,
  exercise text not null,
  at timestamptz not null,
  primary key (professional, organisation, exercise)
);

do $$
declare name text;
begin
  foreach name in array array['watch_incident', 'watch_incident_entry', 'watch_warning', 'watch_receipt', 'watch_answer', 'watch_exercise'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
  end loop;
end $$;

create function trust.watch_within(asker fhir.ask, organisation_key bigint) returns boolean language sql stable as $$
  select case trust.watch_standing(asker) when 2 then true when 0 then false
    else exists (select from registries.organisation o where o.key = organisation_key and asker.organisation = any(o.places)) end
$$;

-- Open an incident, at the asker's organisation. True when the asker may.
create function trust.watch_incident_open(asker fhir.ask, incident uuid, of_class text, called text, told text, known timestamptz, personal boolean,
                                          concerns int, from_case uuid)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed boolean := trust.watch_standing(asker) > 0 and known <= asker.at
    and (from_case is null or exists (select from trust.watch_case c where c.id = from_case and trust.watch_may(asker, trust.watch_standing(asker), c)));
begin
  perform trust.watch_log(asker, 106::smallint, allowed, null, incident);
  if allowed then
    insert into trust.watch_incident (id, class, title, what, known_at, personal_data, people, organisation, of_case, owner, opened_by, opened_at)
    values (incident, of_class, called, told, known, personal, concerns, asker.organisation, from_case, asker.actor, asker.actor, asker.at);
    insert into trust.watch_incident_entry (incident, at, step, author, note) values (incident, asker.at, 'class', asker.actor, of_class);
  end if;
  return allowed;
end $$;

-- Whether a case is about the asker: nobody reads, steers or ends what grew out of a case about themselves.
create function trust.watch_is_about(asker fhir.ask, case_id uuid) returns boolean language sql stable as $$
  select exists (select from trust.watch_case c join trust.watch_subject s on s.id = c.subject where c.id = case_id and s.actor = asker.actor)
$$;
alter function trust.watch_is_about(fhir.ask, uuid) owner to helhed_trust;

-- Write what was done: a step, a note, another class, or that it is over. problem: missing, closed, or null.
create function trust.watch_incident_write(asker fhir.ask, incident_id uuid, what_step text, told text)
returns text language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  i trust.watch_incident;
  problem text;
begin
  select * into i from trust.watch_incident x where x.id = incident_id for update;
  problem := case when i.id is null or not trust.watch_within(asker, i.organisation) or trust.watch_is_about(asker, i.of_case) then 'missing' when i.closed_at is not null then 'closed' end;
  perform trust.watch_log(asker, 106::smallint, problem is null, null, incident_id);
  if problem is not null then
    return problem;
  end if;
  insert into trust.watch_incident_entry (incident, at, step, author, note) values (incident_id, asker.at, what_step, asker.actor, told);
  update trust.watch_incident x set class = case when what_step = 'class' then told else x.class end,
    closed_at = case when what_step = 'closed' then asker.at end, owner = asker.actor where x.id = incident_id;
  return null;
end $$;

create function trust.watch_incidents(asker fhir.ask, only_id uuid)
returns table (id uuid, number bigint, class text, title text, what text, known_at timestamptz, personal_data boolean, people int,
               organisation_name text, owner_name text, opened_at timestamptz, closed_at timestamptz, entries jsonb)
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  perform trust.watch_log(asker, 106::smallint, trust.watch_standing(asker) > 0, null, only_id);
  return query
  select i.id, i.number, i.class, i.title, i.what, i.known_at, i.personal_data, i.people, o.name, p.name, i.opened_at, i.closed_at,
    (select jsonb_agg(jsonb_build_object('at', e.at, 'step', e.step, 'note', e.note, 'author', a.name) order by e.id)
     from trust.watch_incident_entry e left join registries.professional a on a.key = e.author where e.incident = i.id)
  from trust.watch_incident i left join registries.organisation o on o.key = i.organisation left join registries.professional p on p.key = i.owner
  where trust.watch_within(asker, i.organisation) and not trust.watch_is_about(asker, i.of_case) and (only_id is null or i.id = only_id)
  order by i.closed_at is not null, i.class, i.known_at desc limit 200;
end $$;

-- Warn: every organisation that has a security officer, and those above which nobody has one are not forgotten: the office sees who has none.
create function trust.watch_warn(asker fhir.ask, warning uuid, how_severe text, how_shared text, called text, told text, marks jsonb, until timestamptz)
returns int language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed boolean := trust.watch_standing(asker) = 2;
  many int := -1;
begin
  perform trust.watch_log(asker, 105::smallint, allowed, null, warning);
  if allowed then
    insert into trust.watch_warning (id, at, author, severity, sharing, title, body, indicators, answer_by)
    values (warning, asker.at, asker.actor, how_severe, how_shared, called, told, marks, until);
    insert into trust.watch_receipt (warning, organisation)
    select distinct watch_warn.warning, e.organisation from trust.employment e
    where e.role = 'security-officer' and e.valid_from <= asker.at and asker.at < e.valid_to
      and not exists (select from trust.watch_office f where f.organisation = e.organisation);
    get diagnostics many = row_count;
  end if;
  return many;
end $$;

-- Warnings with their receipts: the office sees all of them, others their own. Seeing it is not having read it: that is said.
create function trust.watch_warnings(asker fhir.ask, only_id uuid)
returns table (id uuid, number bigint, at timestamptz, severity text, sharing text, title text, body text, indicators jsonb, answer_by timestamptz,
               author_name text, receipts jsonb)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare standing int := trust.watch_standing(asker);
begin
  perform trust.watch_log(asker, 105::smallint, standing > 0, null, only_id);
  return query
  select w.id, w.number, w.at, w.severity, w.sharing, w.title, w.body, w.indicators, w.answer_by, p.name,
    (select coalesce(jsonb_agg(jsonb_build_object('organisation', r.organisation::text, 'name', o.name, 'read_at', r.read_at, 'acted_at', r.acted_at,
       'note', r.note, 'own', r.organisation = asker.organisation) order by r.acted_at is not null, r.read_at is not null, o.name), '[]')
     from trust.watch_receipt r left join registries.organisation o on o.key = r.organisation
     where r.warning = w.id and (standing = 2 or r.organisation = asker.organisation))
  from trust.watch_warning w left join registries.professional p on p.key = w.author
  where standing > 0 and (only_id is null or w.id = only_id)
    and (standing = 2 or exists (select from trust.watch_receipt r where r.warning = w.id and r.organisation = asker.organisation))
  order by w.at desc limit 100;
end $$;

create function trust.watch_receive(asker fhir.ask, warning_id uuid, acted boolean, told text) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare done boolean;
begin
  update trust.watch_receipt r set read_at = coalesce(r.read_at, asker.at), read_by = coalesce(r.read_by, asker.actor),
    acted_at = case when acted then coalesce(r.acted_at, asker.at) else r.acted_at end,
    acted_by = case when acted then coalesce(r.acted_by, asker.actor) else r.acted_by end,
    note = case when btrim(told) <> '' then btrim(told) else r.note end
  where r.warning = warning_id and r.organisation = asker.organisation and trust.watch_standing(asker) > 0;
  done := found;
  perform trust.watch_log(asker, 105::smallint, done, null, warning_id);
  return done;
end $$;

create function trust.watch_assess(asker fhir.ask, of_control text, given text, follows text, until date, told text) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare allowed boolean := trust.watch_standing(asker) > 0;
begin
  perform trust.watch_log(asker, 107::smallint, allowed, null, null);
  if allowed then
    insert into trust.watch_answer (organisation, control, answer, owner, due, note, author, at)
    values (asker.organisation, of_control, given, follows, until, told, asker.actor, asker.at);
  end if;
  return allowed;
end $$;

-- The asker's own organisation: the newest answer to each question.
create function trust.watch_assessment(asker fhir.ask)
returns table (control text, answer text, owner text, due date, note text, author_name text, at timestamptz)
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  perform trust.watch_log(asker, 107::smallint, trust.watch_standing(asker) > 0, null, null);
  return query
  select distinct on (a.control) a.control, a.answer, a.owner, a.due, a.note, p.name, a.at
  from trust.watch_answer a left join registries.professional p on p.key = a.author
  where a.organisation = asker.organisation and trust.watch_standing(asker) > 0 order by a.control, a.id desc;
end $$;

-- For the board, as it stood at a moment: how far each has come, and how many answered each question how. Names only for the office, and of
-- the organisations only how far, not what.
create function trust.watch_posture(asker fhir.ask, moment timestamptz)
returns table (organisation bigint, organisation_name text, answers jsonb, overdue int, people int, taking_part int)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare standing int := trust.watch_standing(asker);
begin
  perform trust.watch_log(asker, 107::smallint, standing = 2, null, null);
  return query
  with newest as materialized (
    select distinct on (a.organisation, a.control) a.* from trust.watch_answer a where a.at <= moment order by a.organisation, a.control, a.id desc
  ), officers as (
    select distinct e.organisation from trust.employment e
    where e.role = 'security-officer' and e.valid_from <= moment and moment < e.valid_to
      and not exists (select from trust.watch_office f where f.organisation = e.organisation)
  ), places as (select o.organisation from officers o union select n.organisation from newest n)
  select p.organisation, o.name,
    (select coalesce(jsonb_object_agg(n.control, n.answer), '{}') from newest n where n.organisation = p.organisation),
    (select count(*)::int from newest n where n.organisation = p.organisation and n.due < moment::date and n.answer in ('partly', 'no')),
    (select count(distinct e.professional)::int from trust.employment e
     where e.organisation = p.organisation and e.valid_from <= moment and moment < e.valid_to),
    (select count(distinct x.professional)::int from trust.watch_exercise x where x.organisation = p.organisation and x.at <= moment)
  from places p left join registries.organisation o on o.key = p.organisation where standing = 2 order by o.name;
end $$;

-- Somebody at work took part in an exercise; which of them they have been through.
create function trust.watch_took_part(asker fhir.ask, what text) returns setof text
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind = 2 and coalesce((select s.active from fhir.stand(asker) s), false) and what <> '' then
    insert into trust.watch_exercise values (asker.actor, asker.organisation, what, asker.at) on conflict do nothing;
  end if;
  return query select x.exercise from trust.watch_exercise x
    where asker.kind = 2 and x.professional = asker.actor and x.organisation = asker.organisation;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'trust'::regnamespace and p.proname like 'watch\_%' loop
    execute format('alter function %s owner to helhed_trust', signature);
  end loop;
end $$;
grant execute on function trust.watch_incident_open(fhir.ask, uuid, text, text, text, timestamptz, boolean, int, uuid),
  trust.watch_incident_write(fhir.ask, uuid, text, text), trust.watch_incidents(fhir.ask, uuid),
  trust.watch_warn(fhir.ask, uuid, text, text, text, text, jsonb, timestamptz), trust.watch_warnings(fhir.ask, uuid),
  trust.watch_receive(fhir.ask, uuid, boolean, text), trust.watch_assess(fhir.ask, text, text, text, date, text), trust.watch_assessment(fhir.ask),
  trust.watch_posture(fhir.ask, timestamptz), trust.watch_took_part(fhir.ask, text) to helhed_app;
