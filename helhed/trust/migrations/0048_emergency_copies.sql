-- Phase: pre. Emergency copies: what a professional may open without a network, and what was opened. New tables and functions only;
-- older code neither hands copies out nor takes openings in, and its log and notices are written as they were.

-- The rules of trust/policy/emergency.json, as the database decides by them.
create table trust.emergency_rule (
  only_one boolean primary key default true check (only_one),
  roles text[] not null,
  classes smallint[] not null,      -- of relations at the unit
  most int not null,
  holds interval not null,
  report_within interval not null,
  skew interval not null,
  reasons text[] not null
);

create table trust.emergency_copy (
  id uuid primary key,
  professional bigint not null,
  organisation bigint not null,
  role text not null,
  issued_at timestamptz not null,
  holds_until timestamptz not null,
  report_by timestamptz not null,   -- what was opened has been told by then
  seal_key bytea not null,          -- public: openings are sealed with the key that only the copy's code opens
  token_hash bytea not null,        -- of what the device says when it comes back
  head int not null default 0,      -- so many openings are told
  head_hash bytea not null,
  ended_at timestamptz,
  ended_by bigint,
  met_at timestamptz,               -- the device was last heard of
  closed_at timestamptz,            -- it says that the copy is gone and that nothing more comes
  odd_at timestamptz,               -- what it told did not fit together
  unaccounted_at timestamptz        -- nothing more had come when it should
);
create index emergency_copy_open on trust.emergency_copy (report_by) where closed_at is null and unaccounted_at is null;
create index emergency_copy_professional on trust.emergency_copy (professional, issued_at desc);
create index emergency_copy_organisation on trust.emergency_copy (organisation, issued_at desc);

-- Who is in it and which rows; no content.
create table trust.emergency_patient (
  copy uuid not null references trust.emergency_copy on delete cascade,
  citizen bigint not null,
  patient uuid not null,
  basis smallint not null,
  resources uuid[] not null,
  sections text[] not null,
  digest bytea not null,            -- SHA-256 of what was handed out
  ended_at timestamptz,             -- it should be taken out of the copy from then on
  ended_why text,                   -- ended, job-ended, no-longer-permitted
  primary key (copy, citizen)
);
create index emergency_patient_citizen on trust.emergency_patient (citizen);

-- Each opening as the device wrote it: hashed with the one before, and sealed.
create table trust.emergency_opening (
  copy uuid not null references trust.emergency_copy on delete cascade,
  n int not null,
  citizen bigint not null,
  opened_at timestamptz not null,   -- by the clock of the device
  told_at timestamptz not null,
  reason text not null,
  entry text not null,
  hash bytea not null,
  seal bytea not null,
  mark text,                        -- clock, after-end, after-closing: what is odd about it
  primary key (copy, n)
);
create index emergency_opening_citizen on trust.emergency_opening (citizen, copy);

do $$
declare name text;
begin
  foreach name in array array['emergency_rule', 'emergency_copy', 'emergency_patient', 'emergency_opening'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
  end loop;
end $$;

create function trust.put_emergency_rules(rules jsonb) returns void language sql security definer set search_path = trust, pg_temp
begin atomic
  insert into trust.emergency_rule (roles, classes, most, holds, report_within, skew, reasons)
  select r.roles, r.classes, r.most, make_interval(hours => r.holds), make_interval(hours => r.report), make_interval(mins => r.skew), r.reasons
  from jsonb_to_record(rules) as r(roles text[], classes smallint[], most int, holds int, report int, skew int, reasons text[])
  on conflict (only_one) do update set roles = excluded.roles, classes = excluded.classes, most = excluded.most, holds = excluded.holds,
    report_within = excluded.report_within, skew = excluded.skew, reasons = excluded.reasons;
end;

-- --- handing out ----------------------------------------------------------------------------------------------------------------

-- Whether the asker may hold a copy: at work, in person, in a role that may.
create function trust.may_copy(asker fhir.ask) returns boolean language sql stable security definer set search_path = trust, pg_temp as $$
  select asker.kind = 2 and asker.organisation is not null
    and exists (select from trust.emergency_rule r where asker.role = any(r.roles))
    and coalesce((select s.active and s.principal is null from fhir.footing_of(asker) s), false)
$$;

-- Of these rows those that the asker may see now; decided row by row, as a read decides.
create function trust.seen_among(asker fhir.ask, ids uuid[]) returns setof uuid language sql stable as $$
  select r.id from fhir.footing_of(asker) s cross join unnest(ids) u(id)
  join fhir.resource r on r.bucket = fhir.bucket(u.id) and r.id = u.id
  cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns,
                                coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
  where b.basis is not null
$$;

-- Whom the asker's unit treats now: who is there before who is referred or booked, the newest first; only who would be seen. Not a look: keys, and nothing about anybody.
create function trust.emergency_patients(asker fhir.ask) returns table (citizen bigint, basis smallint)
language sql stable security definer set search_path = trust, pg_temp as $$
  with treated as (
    select coalesce(k.head, t.citizen) as key, min(t.class) as class, bool_and(t.class = 3) as expected, max(t.valid_from) as since
    from trust.relation t cross join trust.emergency_rule r left join fhir.key_set k on k.key = t.citizen
    where trust.may_copy(asker) and t.class = any(r.classes) and t.organisation = asker.organisation
      and (t.professional is null or t.professional = asker.actor) and t.valid_from <= asker.at and asker.at < t.valid_to
      and not exists (select from registries.citizen own where own.patient = t.source)  -- to have chosen a clinic is not to be there
    group by 1
  )
  select t.key, t.class from treated t join registries.citizen c on c.key = t.key
  where exists (select from trust.seen_among(asker, array[c.patient])) order by t.expected, t.since desc, t.key
$$;

-- Hand a copy out: what it holds of whom is written down, each citizen is told, and who they are comes back. Whoever is named without
-- a relation at the unit, or with a row that the asker does not see by now, is left out. Nothing comes back when none may be handed out.
create function trust.issue_emergency_copy(asker fhir.ask, copy uuid, key_of_seal bytea, hash_of_token bytea, copied jsonb)
returns table (citizen bigint, patient uuid, name text, birth_date date, sex text, deceased boolean, cpr text, replacement boolean,
               holds_until timestamptz, report_by timestamptz)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  rule trust.emergency_rule := (select r from trust.emergency_rule r);
  one record;
begin
  if not trust.may_copy(asker) or jsonb_array_length(copied) > rule.most then
    perform trust.note(asker, 130::smallint, null, null, copy);
    return;
  end if;
  insert into trust.emergency_copy (id, professional, organisation, role, issued_at, holds_until, report_by, seal_key, token_hash, head_hash)
  values (copy, asker.actor, asker.organisation, asker.role, asker.at, asker.at + rule.holds, asker.at + rule.holds + rule.report_within,
          key_of_seal, hash_of_token, sha256(convert_to(copy::text, 'UTF8')));
  for one in
    select w.*, p.basis, c.patient from jsonb_to_recordset(copied) as w(citizen bigint, resources uuid[], sections text[], digest text)
    join trust.emergency_patients(asker) p on p.citizen = w.citizen join registries.citizen c on c.key = w.citizen
    where not exists (select unnest(w.resources) except select trust.seen_among(asker, w.resources)) order by w.citizen
  loop
    insert into trust.emergency_patient (copy, citizen, patient, basis, resources, sections, digest)
    values (copy, one.citizen, one.patient, one.basis, one.resources, one.sections, decode(one.digest, 'hex'));
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace, local)
    values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 130, true, one.basis, one.citizen,
            one.resources, '{}', asker.trace, jsonb_build_object('copy', copy));
    perform trust.tell(one.citizen, asker.at, 'emergency-copied', copy, asker.actor, asker.organisation);
  end loop;
  return query
  select c.key, c.patient, c.name, c.birth_date, c.sex, c.deceased, c.cpr, c.replacement, asker.at + rule.holds,
         asker.at + rule.holds + rule.report_within
  from trust.emergency_patient p join registries.citizen c on c.key = p.citizen where p.copy = issue_emergency_copy.copy order by c.key;
end $$;

-- --- what becomes of it ---------------------------------------------------------------------------------------------------------

-- A row of the log about a copy that no ask stands behind: the holder's, at a moment.
create function trust.note_copy(held trust.emergency_copy, moment timestamptz, act smallint, about bigint, more jsonb) returns void
language sql as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, citizen, resources, versions, trace, local)
  values (moment, 2, held.professional, held.organisation, held.role, 'emergency-copy', 1, act, true, about, array[held.id], '{}', held.id, more)
$$;

-- Take out of a copy whom its holder may not see any more: every row that was copied is decided again. Each citizen is told once.
create function trust.recheck_emergency_copy(held trust.emergency_copy, moment timestamptz) returns void language plpgsql as $$
declare
  asker fhir.ask := row(2, held.professional, held.organisation, held.role, 1, 'emergency-copy', null, null, moment, held.id)::fhir.ask;
  works boolean := trust.may_copy(asker);
  one record;
begin
  for one in
    select p.citizen, case when held.ended_at is not null then 'ended' when not works then 'job-ended' else 'no-longer-permitted' end as why
    from trust.emergency_patient p where p.copy = held.id and p.ended_at is null
      and (held.ended_at is not null or not works
           or exists (select unnest(p.resources) except select trust.seen_among(asker, p.resources)))
  loop
    update trust.emergency_patient p set ended_at = moment, ended_why = one.why where p.copy = held.id and p.citizen = one.citizen;
    perform trust.note_copy(held, moment, 132::smallint, one.citizen, jsonb_build_object('copy', held.id, 'why', one.why));
    perform trust.tell(one.citizen, moment, 'emergency-ended', held.id, held.professional, held.organisation);
  end loop;
end $$;

-- What a device writes of an opening, from its parts: one to a line. Nothing in it can hold a line's end.
create function trust.emergency_entry(copy uuid, one jsonb) returns text language sql immutable
return concat_ws(E'\n', 'helhed-emergency-opening-1', copy, one->>'n', one->>'prev', one->>'opened', one->>'patient', one->>'reason');

-- Whether one opening can be the next: why not, or null.
create function trust.emergency_misfit(held trust.emergency_copy, one jsonb) returns text language sql stable as $$
  select case
    when (one->>'n')::int <= held.head then case when exists (
      select from trust.emergency_opening o where o.copy = held.id and o.n = (one->>'n')::int
        and o.hash = sha256(convert_to(trust.emergency_entry(held.id, one), 'UTF8'))) then 'known' else 'another' end
    when (one->>'n')::int > held.head + 1 then 'gap'
    when one->>'prev' <> encode(held.head_hash, 'hex') then 'broken'
    when not exists (select from trust.emergency_patient p where p.copy = held.id and p.patient::text = one->>'patient') then 'stranger'
    when not exists (select from trust.emergency_rule r where one->>'reason' = any(r.reasons)) then 'reason' end
$$;

-- Take one opening in that fits: into the copy, into the citizen's log by when it happened, and the citizen is told.
create function trust.take_opening(held trust.emergency_copy, one jsonb, moment timestamptz) returns bytea language plpgsql as $$
declare
  entry text := trust.emergency_entry(held.id, one);
  hash bytea := sha256(convert_to(entry, 'UTF8'));
  opened timestamptz := (one->>'opened')::timestamptz;
  skew interval := (select r.skew from trust.emergency_rule r);
  before timestamptz := (select o.opened_at from trust.emergency_opening o where o.copy = held.id and o.n = held.head);
  p trust.emergency_patient := (select x from trust.emergency_patient x where x.copy = held.id and x.patient::text = one->>'patient');
  mark text := case
    when held.closed_at is not null then 'after-closing'
    when opened > moment + skew or opened < held.issued_at - skew or opened < before then 'clock'
    when opened >= least(held.holds_until, p.ended_at) then 'after-end' end;
begin
  insert into trust.emergency_opening (copy, n, citizen, opened_at, told_at, reason, entry, hash, seal, mark)
  values (held.id, (one->>'n')::int, p.citizen, opened, moment, one->>'reason', entry, hash, decode(one->>'seal', 'hex'), mark);
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace, occurred_at, local)
  values (moment, 2, held.professional, held.organisation, held.role, 'emergency-copy', 1, 131, true, p.basis, p.citizen, p.resources, '{}',
          -- the row is bound to the sealed entry: its trace is how the entry's hash begins
          encode(substr(hash, 1, 16), 'hex')::uuid, greatest(held.issued_at, least(opened, moment)),
          jsonb_build_object('copy', held.id, 'n', (one->>'n')::int, 'late', true, 'reason', one->>'reason', 'mark', mark));
  perform trust.tell(p.citizen, moment, 'emergency-opened', encode(substr(hash, 1, 16), 'hex')::uuid, held.professional, held.organisation);
  return hash;
end $$;

-- What a device that has the network again tells: openings, in any order and however often; how many there are by its own count; and
-- whether the copy is gone. Answers what is to become of the copy, or null for whoever has not the copy's token: as for a copy that is
-- not there. One delivery of a copy at a time. Seals were looked at before; ``unsealed`` says how many did not hold.
create function trust.tell_emergency(copy uuid, token bytea, entries jsonb, claim jsonb, unsealed int, moment timestamptz) returns jsonb
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  held trust.emergency_copy;
  one jsonb;
  misfit text;
  odd boolean := unsealed > 0;
  outcomes jsonb := '[]';
begin
  select c.* into held from trust.emergency_copy c where c.id = copy and c.token_hash = sha256(token) for update;
  if held.id is null then
    return null;
  end if;
  for one in select e from jsonb_array_elements(entries) e order by (e->>'n')::int loop
    misfit := trust.emergency_misfit(held, one);
    if misfit is null then
      odd := odd or held.closed_at is not null;
      held.head_hash := trust.take_opening(held, one, moment);
      held.head := (one->>'n')::int;
    end if;
    odd := odd or coalesce(misfit in ('another', 'broken', 'stranger', 'reason'), false);
    outcomes := outcomes || jsonb_build_object('n', (one->>'n')::int, 'outcome', coalesce(misfit, 'taken'));
  end loop;
  odd := odd or (claim->>'n')::int < held.head or ((claim->>'n')::int = held.head and claim->>'hash' <> encode(held.head_hash, 'hex'));
  if (claim->>'gone')::boolean and not odd and (claim->>'n')::int = held.head then
    held.closed_at := coalesce(held.closed_at, moment);
  end if;
  update trust.emergency_copy c set head = held.head, head_hash = held.head_hash, met_at = moment, closed_at = held.closed_at,
    odd_at = case when odd then coalesce(c.odd_at, moment) else c.odd_at end where c.id = held.id;
  if held.closed_at is null and moment < held.holds_until then
    perform trust.recheck_emergency_copy(held, moment);
  end if;
  return jsonb_build_object(
    'state', case when held.closed_at is not null then 'closed' when moment >= held.holds_until then 'over'
                  when not exists (select from trust.emergency_patient p where p.copy = held.id and p.ended_at is null) then 'ended' else 'holds' end,
    'take_out', coalesce((select jsonb_agg(p.patient) from trust.emergency_patient p where p.copy = held.id and p.ended_at is not null), '[]'),
    'told', held.head, 'whole', (claim->>'n')::int <= held.head, 'outcomes', outcomes);
end $$;

-- By which public key the openings of a copy are sealed; for whoever has its token.
create function trust.emergency_seal_key(copy uuid, token bytea) returns bytea
language sql stable security definer set search_path = trust, pg_temp as $$
  select c.seal_key from trust.emergency_copy c where c.id = copy and c.token_hash = sha256(token)
$$;

-- The holder ends a copy, or whoever keeps the log of the place: the device is lost, or the duty is over. True when it was open.
create function trust.end_emergency_copy(asker fhir.ask, which uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare held trust.emergency_copy;
begin
  select c.* into held from trust.emergency_copy c where c.id = which and c.closed_at is null and c.ended_at is null
    and asker.kind = 2 and coalesce((select s.active from fhir.footing_of(asker) s), false)
    and (c.professional = asker.actor or (trust.keeps_log(asker) and trust.is_within(c.organisation, asker.organisation))) for update;
  perform trust.note(asker, 133::smallint, null, case when held.id is not null then 7::smallint end, which);
  if held.id is null then
    return false;
  end if;
  update trust.emergency_copy c set ended_at = asker.at, ended_by = asker.actor where c.id = which returning c.* into held;
  perform trust.recheck_emergency_copy(held, asker.at);
  return true;
end $$;

-- Round by round: copies that are out are decided again, and those of which nothing was told in time are told of: to each citizen,
-- who may think of it as opened, and as a case of suspected misuse to the place. Once, however many workers go round.
create function trust.follow_up_emergency_copies(moment timestamptz, most int, points int, due timestamptz)
returns table (checked int, unaccounted int) language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  held trust.emergency_copy;
  about bigint;
begin
  checked := 0;
  unaccounted := 0;
  for held in select c.* from trust.emergency_copy c
    where c.unaccounted_at is null and (c.closed_at is null or c.odd_at is not null)
      and (c.odd_at is not null or c.report_by <= moment or c.holds_until > moment)
    order by c.report_by, c.id limit most for update skip locked
  loop
    if held.closed_at is null and held.holds_until > moment then
      perform trust.recheck_emergency_copy(held, moment);
      checked := checked + 1;
    end if;
    continue when held.odd_at is null and held.report_by > moment;
    update trust.emergency_copy c set unaccounted_at = moment where c.id = held.id;
    for about in select p.citizen from trust.emergency_patient p where p.copy = held.id order by p.citizen loop
      perform trust.note_copy(held, moment, 134::smallint, about, jsonb_build_object('copy', held.id));
      perform trust.tell(about, moment, 'emergency-unaccounted', held.id, held.professional, held.organisation);
    end loop;
    insert into trust.watch_subject (actor, organisation, role) values (held.professional, held.organisation, held.role)
      on conflict (actor, organisation, role) do nothing;
    perform trust.watch_raise('person', (select s.id from trust.watch_subject s
                                         where s.actor = held.professional and s.organisation = held.organisation and s.role = held.role),
                              '', null, moment, held.issued_at, points,
                              jsonb_build_array(jsonb_build_object('signal', 'emergency-copy', 'points', points, 'figures', jsonb_build_object(
                                'n', (select count(*) from trust.emergency_patient p where p.copy = held.id)))), due);
    unaccounted := unaccounted + 1;
  end loop;
  return next;
end $$;

-- --- who sees what became of it ------------------------------------------------------------------------------------------------

-- The asker's own copies, and those of the organisation for whoever keeps its log. No citizen is named.
create function trust.emergency_copies(asker fhir.ask, since timestamptz)
returns table (id uuid, own boolean, professional_name text, issued_at timestamptz, holds_until timestamptz, report_by timestamptz, patients bigint,
               left_in bigint, openings int, met_at timestamptz, ended_at timestamptz, closed_at timestamptz, odd_at timestamptz,
               unaccounted_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select c.id, c.professional = asker.actor, (select p.name from registries.professional p where p.key = c.professional), c.issued_at,
         c.holds_until, c.report_by, n.patients, n.left_in, c.head, c.met_at, c.ended_at, c.closed_at, c.odd_at, c.unaccounted_at
  from trust.emergency_copy c cross join lateral (
    select count(*) as patients, count(*) filter (where p.ended_at is null) as left_in from trust.emergency_patient p where p.copy = c.id) n
  where asker.kind = 2 and coalesce((select s.active from fhir.footing_of(asker) s), false) and c.issued_at >= since
    and (c.professional = asker.actor or (trust.keeps_log(asker) and trust.is_within(c.organisation, asker.organisation)))
  order by c.issued_at desc, c.id limit 100
$$;

-- Every copy that the asking citizen was ever in: who had it, what is in it, when it was opened and why, and what became of it. Names
-- are left out where a place withholds them, and rows that a clinician hides from the citizen are not counted.
create function trust.own_emergency_copies(asker fhir.ask)
returns table (id uuid, professional_name text, role text, organisation_name text, issued_at timestamptz, holds_until timestamptz,
               report_by timestamptz, sections text[], row_count int, ended_at timestamptz, ended_why text, closed_at timestamptz,
               odd_at timestamptz, unaccounted_at timestamptz, openings jsonb)
language sql stable security definer set search_path = trust, pg_temp as $$
  select c.id, trust.name_told(trust.own_keys(asker), c.professional, c.organisation, asker.at), c.role,
         (select o.name from registries.organisation o where o.key = c.organisation), c.issued_at, c.holds_until, c.report_by, p.sections,
         (select count(*)::int from unnest(p.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
          where not trust.is_masked(trust.own_keys(asker), r.id, r.contents, asker.at, true)), p.ended_at, p.ended_why, c.closed_at, c.odd_at, c.unaccounted_at,
         coalesce((select jsonb_agg(jsonb_build_object('opened', o.opened_at, 'told', o.told_at, 'reason', o.reason, 'mark', o.mark) order by o.n)
                   from trust.emergency_opening o where o.copy = c.id and o.citizen = p.citizen), '[]')
  from trust.emergency_patient p join trust.emergency_copy c on c.id = p.copy
  where asker.kind = 1 and p.citizen = any(trust.own_keys(asker)) order by c.issued_at desc, c.id limit 100
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'put_emergency_rules', 'may_copy', 'seen_among', 'emergency_patients', 'issue_emergency_copy', 'note_copy', 'recheck_emergency_copy',
      'emergency_entry', 'emergency_misfit', 'take_opening', 'tell_emergency', 'emergency_seal_key', 'end_emergency_copy',
      'follow_up_emergency_copies', 'emergency_copies', 'own_emergency_copies')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text ~ '(may_copy|emergency_patients|issue_emergency_copy|tell_emergency|emergency_seal_key|end_emergency_copy|follow_up_emergency_copies|emergency_copies)\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
