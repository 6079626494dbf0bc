-- Phase: pre. A citizen asks an organisation why it looked; an organisation says whose names are withheld, and one who keeps its
-- log is told a name for a case; citizens choose what they are told of. Older code reads the log by functions that now withhold
-- names as well.

-- --- asking why -------------------------------------------------------------------------------------------------------------

create table trust.why_question (
  id uuid primary key,
  citizen bigint not null,
  look bigint not null,             -- the row of the log, the newest of those that were told together
  organisation bigint not null,     -- whom the citizen asks
  words text not null,
  asked_at timestamptz not null,
  due_at timestamptz not null,
  answered_at timestamptz,
  answered_by bigint,
  answer text,
  escalated_at timestamptz,
  unique (citizen, look)
);
create index why_question_open on trust.why_question (organisation, due_at) where answered_at is null;
alter table trust.why_question owner to helhed_trust;

-- Ask about a row of the own log, once. True when it was asked now or before.
create function trust.ask_why(asker fhir.ask, question uuid, look_id bigint, asked_words text, until timestamptz) returns uuid
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  own bigint[] := trust.own_keys(asker);
  place bigint;
  known uuid;
begin
  select l.organisation into place from foundation.access_log l
    where asker.kind = 1 and l.id = look_id and l.organisation is not null
      and (l.citizen = any(own) or l.concerned && own
           or (l.citizen is null and l.source is not null and l.local->>'patient' in (select p from trust.local_patient(own) p)));
  if place is null then
    return null;
  end if;
  insert into trust.why_question (id, citizen, look, organisation, words, asked_at, due_at)
  values (question, asker.actor, look_id, place, asked_words, asker.at, until) on conflict (citizen, look) do nothing returning id into known;
  if known is null then
    select q.id into known from trust.why_question q where q.citizen = asker.actor and q.look = look_id;
  else
    perform trust.note(asker, 92::smallint, asker.actor, 1::smallint, question);
  end if;
  return known;
end $$;

create function trust.own_questions(asker fhir.ask)
returns table (id uuid, look bigint, looked_at timestamptz, organisation_name text, words text, asked_at timestamptz, due_at timestamptz,
               answered_at timestamptz, answer text, escalated_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select q.id, q.look, coalesce(l.occurred_at, l.at), o.name, q.words, q.asked_at, q.due_at, q.answered_at, q.answer, q.escalated_at
  from trust.why_question q left join foundation.access_log l on l.id = q.look left join registries.organisation o on o.key = q.organisation
  where q.citizen = any(trust.own_keys(asker)) order by q.asked_at desc
$$;

-- What citizens have asked the asker's organisation, without saying who: the one that is opened says it, and is a look.
create function trust.open_questions(asker fhir.ask)
returns table (id uuid, looked_at timestamptz, organisation_name text, words text, asked_at timestamptz, due_at timestamptz,
               answered_at timestamptz, escalated_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select q.id, coalesce(l.occurred_at, l.at), o.name, q.words, q.asked_at, q.due_at, q.answered_at, q.escalated_at
  from trust.why_question q join registries.organisation o on o.key = q.organisation left join foundation.access_log l on l.id = q.look
  where trust.keeps_log(asker) and asker.organisation = any(o.places) and (q.answered_at is null or q.answered_at > asker.at - interval '90 days')
  order by q.answered_at is not null, q.due_at, q.id limit 500
$$;

-- One of them, with the citizen and with who looked; a name that is withheld is told for a case only (trust.name_staff).
create function trust.open_question(asker fhir.ask, question uuid)
returns table (id uuid, look bigint, citizen_name text, born date, actor_name text, withheld boolean, role text, organisation_name text,
               looked_at timestamptz, action smallint, permitted boolean, basis smallint, words text, asked_at timestamptz, due_at timestamptz,
               answered_at timestamptz, answer text, escalated_at timestamptz, local jsonb)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare about bigint;
begin
  select q.citizen into about from trust.why_question q join registries.organisation o on o.key = q.organisation
    where q.id = question and trust.keeps_log(asker) and asker.organisation = any(o.places);
  perform trust.note(asker, 96::smallint, about, case when about is not null then 7::smallint end, question);
  return query
  select q.id, q.look, c.name, c.birth_date,
         case when not shut.away then coalesce(p.name, l.local->>'name') end, shut.away, l.role, o.name, coalesce(l.occurred_at, l.at),
         l.action, l.permitted, l.basis, q.words, q.asked_at, q.due_at, q.answered_at, q.answer, q.escalated_at,
         case when not shut.away then l.local end
  from trust.why_question q
  join registries.organisation o on o.key = q.organisation
  left join registries.citizen c on c.key = q.citizen
  left join foundation.access_log l on l.id = q.look
  left join registries.professional p on p.key = l.actor and l.kind = 2
  cross join lateral (select l.kind = 2 and o.places && trust.shielded_places(trust.keys_of(array[q.citizen]), asker.at) as away) shut
  where q.id = question and about is not null;
end $$;

create function trust.answer_why(asker fhir.ask, question uuid, told text) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  about bigint;
  place bigint;
begin
  select q.citizen, q.organisation into about, place from trust.why_question q join registries.organisation o on o.key = q.organisation
    where q.id = question and q.answered_at is null and trust.keeps_log(asker) and asker.organisation = any(o.places) for update of q;
  perform trust.note(asker, 93::smallint, about, case when about is not null then 7::smallint end, question);
  if about is null then
    return false;
  end if;
  update trust.why_question q set answered_at = asker.at, answered_by = asker.actor, answer = told where q.id = question;
  perform trust.tell(about, asker.at, 'why-answered', question, null, place);
  return true;
end $$;

-- Questions whose time is over are told of, once: to the citizen, who may take them elsewhere, and to the organisation's queue.
create function trust.escalate_questions(moment timestamptz) returns int language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  one record;
  n int := 0;
begin
  for one in update trust.why_question q set escalated_at = moment
             where q.answered_at is null and q.escalated_at is null and q.due_at < moment returning q.* loop
    perform trust.tell(one.citizen, moment, 'why-overdue', one.id, null, one.organisation);
    n := n + 1;
  end loop;
  return n;
end $$;

-- --- names that are withheld ----------------------------------------------------------------------------------------------------

create function trust.set_shield(asker fhir.ask, shield uuid, place bigint, patient uuid, why text, case_no text, until timestamptz) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  about bigint := (select c.key from registries.citizen c where c.key = fhir.key(set_shield.patient));
  allowed boolean := trust.keeps_log(asker) and (set_shield.patient is null or about is not null) and until > asker.at and exists (
    select from registries.organisation o where o.key = place and asker.organisation = any(o.places));
begin
  perform trust.note(asker, 94::smallint, about, case when allowed then 7::smallint end, shield);
  if allowed then
    insert into trust.shield (id, organisation, citizen, reason, case_number, valid_from, valid_to, set_by)
    values (shield, place, about, why, case_no, asker.at, until, asker.actor);
  end if;
  return allowed;
end $$;

create function trust.end_shield(asker fhir.ask, shield uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare ended record;
begin
  update trust.shield s set valid_to = asker.at, ended_by = asker.actor
    from registries.organisation o
    where s.id = shield and o.key = s.organisation and asker.organisation = any(o.places) and s.valid_to > asker.at and trust.keeps_log(asker)
    returning s.citizen into ended;
  if not found then
    perform trust.note(asker, 95::smallint, null, null, shield);
    return false;
  end if;
  perform trust.note(asker, 95::smallint, ended.citizen, 7::smallint, shield);
  return true;
end $$;

create function trust.shields_of(asker fhir.ask)
returns table (id uuid, organisation_name text, for_one boolean, reason text, case_number text, valid_from timestamptz, valid_to timestamptz,
               set_by_name text)
language sql stable security definer set search_path = trust, pg_temp as $$
  select s.id, o.name, s.citizen is not null, s.reason, s.case_number, s.valid_from, s.valid_to,
         (select p.name from registries.professional p where p.key = s.set_by)
  from trust.shield s join registries.organisation o on o.key = s.organisation
  where trust.keeps_log(asker) and asker.organisation = any(o.places) and s.valid_to > asker.at
  order by s.valid_to, s.id
$$;

-- The name behind a row, for a case: to whoever keeps the log of the place. Asked by anybody else it is denied, and both stand in the
-- citizen's log.
create function trust.name_staff(asker fhir.ask, look_id bigint, case_no text, why text, about_case uuid) returns text
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  look record;
  allowed boolean;
begin
  select l.citizen, l.kind, l.actor, l.local, o.places into look
    from foundation.access_log l left join registries.organisation o on o.key = l.organisation where l.id = look_id;
  allowed := coalesce(trust.keeps_log(asker) and look.kind = 2 and asker.organisation = any(look.places)
                      and btrim(case_no) <> '' and btrim(why) <> '', false);
  perform trust.note(asker, 90::smallint, look.citizen, case when allowed then 7::smallint end, about_case);
  return case when allowed then coalesce((select p.name from registries.professional p where p.key = look.actor), look.local->>'name') end;
end $$;

-- --- notices --------------------------------------------------------------------------------------------------------------------

create table trust.notice_choice (
  citizen bigint not null,
  kind text not null,
  wanted boolean not null,
  chosen_at timestamptz not null,
  primary key (citizen, kind)
);
alter table trust.notice_choice owner to helhed_trust;

create function trust.notice_choices(asker fhir.ask) returns table (kind text, wanted boolean)
language sql stable security definer set search_path = trust, pg_temp as $$
  select c.kind, c.wanted from trust.notice_choice c where asker.kind = 1 and c.citizen = asker.actor
$$;

create function trust.choose_notice(asker fhir.ask, about_kind text, wish boolean) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.notice_choice (citizen, kind, wanted, chosen_at) select asker.actor, about_kind, wish, asker.at where asker.kind = 1
  on conflict (citizen, kind) do update set wanted = excluded.wanted, chosen_at = excluded.chosen_at
$$;

-- The own notices of these kinds, newest first, before one; names of staff that are withheld are not told here either.
create function trust.own_notices(asker fhir.ask, kinds text[], before timestamptz, row_limit int)
returns table (id uuid, at timestamptz, kind text, about uuid, professional_name text, organisation_name text, read_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select n.id, n.at, n.kind, n.about,
         case when not coalesce(o.places && trust.shielded_places(trust.own_keys(asker), asker.at), false)
              then (select p.name from registries.professional p where p.key = n.professional) end, o.name, n.read_at
  from trust.notice n left join registries.organisation o on o.key = n.organisation
  where n.citizen = any(trust.own_keys(asker)) and n.kind = any(kinds) and n.at < before
  order by n.at desc, n.id desc limit row_limit
$$;

create function trust.unread_notices(asker fhir.ask, kinds text[]) returns bigint
language sql stable security definer set search_path = trust, pg_temp as $$
  select count(*) from trust.notice n where n.citizen = any(trust.own_keys(asker)) and n.kind = any(kinds) and n.read_at is null
$$;

create function trust.read_notices(asker fhir.ask, up_to timestamptz) returns void
language sql security definer set search_path = trust, pg_temp as $$
  update trust.notice n set read_at = asker.at where n.citizen = any(trust.own_keys(asker)) and n.read_at is null and n.at <= up_to
$$;

-- What a citizen chose to be told of and nobody writes when it happens, so that no look waits for it: who is met for the first
-- time, who was refused, and what came late. Looked for in what was logged lately; each is told of once.
create function trust.look_for_news(citizens bigint[], since timestamptz, moment timestamptz, kinds text[]) returns int
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  one record;
  n int := 0;
begin
  for one in
    select l.*, c.citizen as whom, c.kind as what from trust.notice_choice c
    cross join lateral trust.rows_of_log(trust.keys_of(array[c.citizen]), since, moment) x
    cross join lateral (select (x.l).*) l
    where c.wanted and c.kind = any(kinds) and (citizens is null or c.citizen = any(citizens)) and l.kind <> 1 and l.at >= c.chosen_at
      and case c.kind
        when 'look-refused' then not l.permitted
        when 'look-late' then coalesce((l.local->>'late')::boolean, false)
        when 'look-by-somebody-new' then l.permitted and l.kind = 2 and l.action in (1, 2, 3, 4, 9) and not exists (
          select from foundation.access_log e where e.citizen = l.citizen and e.kind = l.kind and e.actor = l.actor and e.id < l.id)
        else false end
  loop
    perform trust.tell(one.whom, coalesce(one.at, moment), one.what,
                       md5('notice ' || one.what || one.whom || case when one.what = 'look-by-somebody-new' then 'who' || one.actor else 'row' || one.id end)::uuid,
                       case when one.kind = 2 then one.actor end, one.organisation);
    n := n + 1;
  end loop;
  return n;
end $$;

-- --- the log, as older code reads it: names that are withheld are withheld there too --------------------------------------------

create or replace function trust.own_purges(asker fhir.ask, ids uuid[])
returns table (id uuid, wrongly boolean, ground text, case_number text, owner_name text, proposer text, approver text, done_at timestamptz,
               row_count bigint, versions bigint, seal bytea)
language sql stable security definer set search_path = trust, pg_temp as $$
  select p.id, p.citizen = any(trust.own_keys(asker)), p.ground, p.case_number,
         (select o.name from registries.organisation o where o.key = p.owner),
         trust.name_told(trust.own_keys(asker), p.proposed_by, p.owner, asker.at),
         trust.name_told(trust.own_keys(asker), p.approved_by, p.owner, asker.at), p.done_at,
         (select count(*) from fhir.purged_row r where r.purge = p.id), (select sum(r.versions) from fhir.purged_row r where r.purge = p.id), p.seal
  from fhir.purge p
  where asker.kind = 1 and p.id = any(ids) and (p.citizen = any(trust.own_keys(asker)) or (p.rightful = any(trust.own_keys(asker)) and p.done_at is not null))
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
                     when 2 then (select p.name from registries.professional p where p.key = s.actor and not coalesce(o.places && trust.shielded_places(own, asker.at), false)) end,
         (select p.name from registries.professional p where p.key = s.principal and not coalesce(o.places && trust.shielded_places(own, asker.at), false)),
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
                     when 2 then (select p.name from registries.professional p where p.key = s.actor and not coalesce(o.places && trust.shielded_places(trust.own_keys(asker), asker.at), false)) end,
         s.organisation, o.name, s.role, s.purpose, s.action, s.permitted, s.basis, s.type, s.resources,
         array(select distinct r.type from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u and r.type <> 0)
  from seen s left join registries.organisation o on o.key = s.organisation
  order by s.id desc;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'ask_why', 'own_questions', 'open_questions', 'open_question', 'answer_why', 'escalate_questions', 'set_shield', 'end_shield',
      'shields_of', 'name_staff', 'notice_choices', 'choose_notice', 'own_notices', 'unread_notices', 'read_notices', 'look_for_news')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
