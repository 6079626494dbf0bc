-- Phase: pre. Whoever acts for a citizen reads what the citizen decided and is told of; operators see how the network stands. New functions, and a table that older code does not know.

-- By which basis somebody acts for another citizen as to a virtual type, right now; null for oneself and for everybody else.
create function trust.acts_in(asker fhir.ask, patient bigint, type_number smallint) returns smallint
language sql stable security definer set search_path = trust, pg_temp as $$
  select r.basis from trust.log_reach(asker, patient, type_number) r where asker.kind = 1 and r.basis <> 1
$$;

-- The look at the blocks and consents of another citizen: one row in that one's log, with both names. Nothing for who may not.
create function trust.look_at_consents(asker fhir.ask, patient bigint, consent_type smallint, look smallint)
returns table (id uuid, types jsonb) language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed smallint := trust.acts_in(asker, patient, consent_type);
begin
  if allowed is null then
    return;
  end if;
  insert into foundation.access_log (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, look, true, allowed, patient, consent_type, '{}', '{}', asker.trace);
  return query
  select (select c.patient from registries.citizen c where c.key = look_at_consents.patient),
         (select coalesce(jsonb_object_agg(r.id, r.type), '{}')
          from trust.blocks_seen(asker, patient, consent_type) b
          join fhir.resource r on r.bucket = fhir.bucket(b.what_document) and r.id = b.what_document
          where r.citizen = any(trust.keys_of(array[look_at_consents.patient])) and not r.deleted);
end $$;

-- Whoever is named in a question about blocks and consents, and is neither the asking citizen nor one whom they act for in these: the
-- attempt is in the log of each.
create function trust.note_strangers(asker fhir.ask, named bigint[], consent_type smallint, look smallint) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into foundation.access_log (at, kind, actor, role, client, purpose, action, permitted, citizen, type, resources, versions, trace)
  select asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, look, false, c.key, consent_type, '{}', '{}', asker.trace
  from registries.citizen c
  where asker.kind = 1 and c.key = any(named) and c.key <> all(trust.own_keys(asker)) and trust.acts_in(asker, c.key, consent_type) is null
$$;

-- The blocks that the citizen ever set, the newest first. One that names a row which a clinician has hidden from those who act for the
-- citizen is not among them: it would tell of the row.
create function trust.blocks_seen(asker fhir.ask, patient bigint, consent_type smallint) returns setof trust.block
language sql stable security definer set search_path = trust, pg_temp as $$
  select b.* from trust.block b left join fhir.resource r on r.bucket = fhir.bucket(b.what_document) and r.id = b.what_document
  where trust.acts_in(asker, patient, consent_type) is not null and b.citizen = any(trust.keys_of(array[patient]))
    and (b.what_document is null or not trust.is_masked(trust.keys_of(array[patient]), b.what_document, r.contents, asker.at, false))
  order by b.set_at desc, b.id limit 1000
$$;

-- Every consent, but for those to what such a block hides.
create function trust.consents_seen(asker fhir.ask, patient bigint, consent_type smallint)
returns table (id uuid, professional bigint, organisation bigint, block uuid, valid_from timestamptz, valid_to timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select o.id, o.professional, o.organisation, o.block, o.valid_from, o.valid_to from trust.opening o
  where trust.acts_in(asker, patient, consent_type) is not null and o.citizen = any(trust.keys_of(array[patient])) and o.basis = 13
    and (o.block is null or exists (select from trust.blocks_seen(asker, patient, consent_type) b where b.id = o.block))
  order by o.valid_from desc, o.id limit 1000
$$;

-- What another citizen is told of: for who may read that one's log, and logged there. Notices of looks say nothing of what was looked at,
-- and so cannot heed what is hidden: the log itself tells of looks.
create function trust.notices_seen(asker fhir.ask, patient bigint, log_type smallint, kinds text[], before timestamptz, row_limit int)
returns table (id uuid, at timestamptz, kind text, about uuid, professional_name text, organisation_name text, read_at timestamptz)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed smallint := trust.acts_in(asker, patient, log_type);
  keys bigint[];
begin
  if allowed is null then
    return;
  end if;
  keys := trust.keys_of(array[patient]);
  insert into foundation.access_log (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, 150, true, allowed, patient, '{}', '{}', asker.trace);
  return query
  select n.id, n.at, n.kind, n.about,
         case when not coalesce(o.places && trust.shielded_places(keys, asker.at), false)
              then (select p.name from registries.professional p where p.key = n.professional) end, o.name, n.read_at
  from trust.notice n left join registries.organisation o on o.key = n.organisation
  where n.citizen = any(keys) and n.kind = any(kinds) and n.kind not like 'look-%' and n.at < before
  order by n.at desc, n.id desc limit row_limit;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace
      and p.proname in ('acts_in', 'look_at_consents', 'note_strangers', 'blocks_seen', 'consents_seen', 'notices_seen')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;

-- --- what those who keep the network running look after: counts and times of its own works, of nobody's data --------------------

-- When something was last done that no other table tells of: a backup.
create table trust.works_mark (what text primary key, at timestamptz not null);
alter table trust.works_mark owner to helhed_trust;

create function trust.keeps_running(asker fhir.ask) returns boolean language sql stable as $$
  select asker.kind = 2 and asker.role = 'operator' and coalesce((select s.active from fhir.footing_of(asker) s), false)
$$;
alter function trust.keeps_running(fhir.ask) owner to helhed_trust;

create function trust.network_state(asker fhir.ask, soon interval) returns jsonb
language plpgsql stable security definer set search_path = trust, pg_temp as $$
begin
  if not trust.keeps_running(asker) then
    return null;
  end if;
  return jsonb_build_object(
    'cases', (select jsonb_build_object('open', count(*), 'late', count(*) filter (where c.due_at <= asker.at),
                                        'soon', count(*) filter (where c.due_at > asker.at and c.due_at <= asker.at + soon), 'next', min(c.due_at))
              from trust.watch_case c where c.state <> 'closed'),
    'incidents', (select coalesce(jsonb_agg(jsonb_build_object(
                    'id', i.id, 'number', i.number, 'class', i.class, 'known_at', i.known_at, 'personal_data', i.personal_data,
                    'opened_at', i.opened_at,
                    'entries', (select coalesce(jsonb_agg(jsonb_build_object('step', e.step, 'at', e.at) order by e.id), '[]')
                                from trust.watch_incident_entry e where e.incident = i.id)) order by i.known_at), '[]')
                  from trust.watch_incident i where i.closed_at is null),
    'reviews', (select jsonb_build_object('open', count(*), 'late', count(*) filter (where v.due_at <= asker.at), 'next', min(v.due_at))
                from trust.ticket_review v where v.reviewed_at is null),
    'questions', (select jsonb_build_object('open', count(*), 'late', count(*) filter (where q.due_at <= asker.at), 'next', min(q.due_at))
                  from trust.why_question q where q.answered_at is null),
    'marks', (select coalesce(jsonb_object_agg(m.what, m.at), '{}') from trust.works_mark m),
    'certificates', (select coalesce(jsonb_agg(jsonb_build_object('name', a.name, 'pem', a.certificates)), '[]')
                     from trust.assertion_issuer a where asker.at < a.ended_at),
    'posture', (select jsonb_build_object('places', count(distinct n.organisation), 'late', count(*) filter (
                  where n.due < asker.at::date and n.answer in ('partly', 'no')),
                  'lacking', count(*) filter (where n.answer in ('partly', 'no')), 'oldest', min(n.at))
                from (select distinct on (a.organisation, a.control) a.* from trust.watch_answer a order by a.organisation, a.control, a.id desc) n));
end $$;
alter function trust.network_state(fhir.ask, interval) owner to helhed_trust;
grant execute on function trust.network_state(fhir.ask, interval) to helhed_app;
