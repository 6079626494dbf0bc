-- Phase: pre. The log as it is read: by the citizen, by whoever acts for them, and by an organisation about its own staff; with
-- the names of staff withheld where safety requires it. Older code goes on reading by trust.own_log.

-- Roles that keep an organisation's log: they follow up on its own staff, answer citizens, and say whose names are withheld.
create table trust.log_office (role text primary key);
alter table trust.log_office owner to helhed_trust;
grant select on trust.log_office to helhed_app;

create function trust.put_log_offices(roles text[]) returns void language sql security definer set search_path = trust, pg_temp
begin atomic
  delete from trust.log_office o where not o.role = any(roles);
  insert into trust.log_office select unnest(roles) on conflict do nothing;
end;

-- Names of an organisation's staff that are withheld, from one citizen or from everybody. The log keeps them as they are.
create table trust.shield (
  id uuid primary key,
  organisation bigint not null,     -- it and what is beneath it
  citizen bigint,                   -- null: from everybody
  reason text not null,
  case_number text not null,
  valid_from timestamptz not null,
  valid_to timestamptz not null,
  set_by bigint not null,
  ended_by bigint
);
create index shield_organisation on trust.shield (organisation);
create index shield_citizen on trust.shield (citizen);
alter table trust.shield owner to helhed_trust;

-- Where names are withheld from these citizens at a moment.
create function trust.shielded_places(keys bigint[], moment timestamptz) returns bigint[] language sql stable as $$
  select coalesce(array_agg(distinct s.organisation), '{}') from trust.shield s
  where (s.citizen is null or s.citizen = any(keys)) and s.valid_from <= moment and moment < s.valid_to
$$;
alter function trust.shielded_places(bigint[], timestamptz) owner to helhed_trust;

create function trust.keeps_log(asker fhir.ask) returns boolean language sql stable security definer set search_path = trust, pg_temp as $$
  select asker.kind = 2 and exists (select from trust.log_office k where k.role = asker.role)
    and coalesce((select s.active from fhir.footing_of(asker) s), false)
$$;

-- Whose log may be read, and why: one's own, that of somebody one acts for, or, about its own staff, by an organisation.
create function trust.log_reach(asker fhir.ask, patient bigint, type_number smallint,
                                out keys bigint[], out basis smallint, out place bigint)
language plpgsql stable as $$
begin
  if asker.read_types is not null and not type_number = any(asker.read_types) then
    return;
  end if;
  if asker.kind = 1 and (patient is null or patient = any(trust.own_keys(asker))) then
    keys := trust.own_keys(asker);
    basis := 1;
  elsif asker.kind = 1 then
    select b.basis into basis from fhir.footing_of(asker) s cross join lateral fhir.whole_basis(asker, s, patient, type_number) b;
    keys := case when basis is not null then trust.keys_of(array[patient]) end;
  elsif patient is not null and trust.keeps_log(asker) then
    keys := trust.keys_of(array[patient]);
    basis := 7;
    place := asker.organisation;
  end if;
end $$;
alter function trust.log_reach(fhir.ask, bigint, smallint) owner to helhed_trust;

create function trust.may_read_log(asker fhir.ask, patient bigint, type_number smallint) returns boolean
language sql stable security definer set search_path = trust, pg_temp as $$
  select r.keys is not null from trust.log_reach(asker, patient, type_number) r
$$;

-- Whether a moment lies in one of the spans of each list: [[[from, to], ...], ...], both ends among it.
create function trust.in_spans(moment timestamptz, lists jsonb) returns boolean language sql stable as $$
  select lists is null or not exists (
    select from jsonb_array_elements(lists) l(spans) where not exists (
      select from jsonb_array_elements(l.spans) s(span)
      where moment >= (s.span->>0)::timestamptz and moment <= (s.span->>1)::timestamptz))
$$;
alter function trust.in_spans(timestamptz, jsonb) owner to helhed_trust;

create function trust.numbers_of(list jsonb) returns bigint[] language sql immutable
return case when list is null then null else array(select jsonb_array_elements_text(list)::bigint) end;
alter function trust.numbers_of(jsonb) owner to helhed_trust;

create function trust.local_patient(keys bigint[]) returns setof text language sql stable as $$
  select i.system || '|' || i.value from registries.citizen_identifier i where i.citizen = any(keys)
  union select 'Patient/' || c.patient from registries.citizen c where c.key = any(keys)
$$;
alter function trust.local_patient(bigint[]) owner to helhed_trust;

-- The rows of a log between two moments, by when they happened: looks at the citizen (home), and at others whose rows concern them.
create function trust.rows_of_log(keys bigint[], since timestamptz, until timestamptz)
returns table (l foundation.access_log, home boolean) language sql stable as $$
  select l, true from foundation.access_log l
  where l.citizen = any(keys) and coalesce(l.occurred_at, l.at) >= since and coalesce(l.occurred_at, l.at) < until
  union all
  select l, true from foundation.access_log l
  where l.source is not null and l.citizen is null and l.local->>'patient' in (select p from trust.local_patient(keys) p)
    and l.occurred_at >= since and l.occurred_at < until
  union all
  select l, false from foundation.access_log l
  where l.concerned && keys and (l.citizen is null or not l.citizen = any(keys)) and l.at >= since and l.at < until
$$;
alter function trust.rows_of_log(bigint[], timestamptz, timestamptz) owner to helhed_trust;

-- A page of a log, newest first by when it happened. `wanted` says which rows and after which one; with "days" the last day is
-- given whole, as far as `most` rows reach, so that nothing that belongs together is parted. Reading adds one row.
-- Whoever acts for somebody finds no look at what a clinician hid, and not that it was hidden, whatever is searched for; and no search, by
-- anybody, tells of a row that is hidden from the asker.
create function trust.log_page(asker fhir.ask, patient bigint, type_number smallint, wanted jsonb, row_limit int, most int)
returns table (id bigint, moment timestamptz, at timestamptz, kind smallint, actor bigint, actor_id uuid, actor_name text, withheld boolean,
               principal bigint, principal_name text, organisation bigint, organisation_id uuid, organisation_name text, role text, client text,
               purpose smallint, action smallint, permitted boolean, basis smallint, type smallint, resources uuid[], seen uuid[],
               seen_types smallint[], types smallint[], as_other boolean, citizen_id uuid, trace uuid, source bigint, source_id uuid,
               source_name text, local_id text, local jsonb, total bigint, more boolean, client_name text, ticket uuid)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  reach record := trust.log_reach(asker, patient, type_number);
  hidden bigint[];
  masked boolean;
  acts boolean := reach.place is null and reach.basis <> 1;
  covered uuid[] := '{}';
  since timestamptz := coalesce((wanted->>'since')::timestamptz, '-infinity');
  until timestamptz := coalesce((wanted->>'until')::timestamptz, 'infinity');
  bound int := case when wanted ? 'days' then most else row_limit end;
  after_moment timestamptz := coalesce((wanted->'after'->>0)::timestamptz, 'infinity');
  after_id bigint := coalesce((wanted->'after'->>1)::bigint, 9223372036854775807);
begin
  if reach.keys is null then
    return;
  end if;
  hidden := trust.shielded_places(reach.keys, asker.at);
  masked := exists (select from trust.mask m where m.citizen = any(reach.keys) and m.valid_from <= asker.at and asker.at < m.valid_to
                      and (m.from_citizen or reach.basis <> 1));
  if masked then
    covered := array(select r.id from fhir.resource r
                     where r.citizen = any(reach.keys) and trust.is_masked(reach.keys, r.id, r.contents, asker.at, reach.basis = 1));
  end if;
  return query
  with mine as (
    select (x.l).*, x.home,
           case when masked then array(select u from unnest((x.l).resources) u where u <> all(covered)) else (x.l).resources end as open
    from trust.rows_of_log(reach.keys, since, until) x
  ), told as (
    select m.*, coalesce(m.occurred_at, m.at) as happened, o.name as place_name, o.id as place_id,
           coalesce(o.places && hidden, false) and m.kind = 2 as is_withheld,
           case m.kind when 1 then (select c.name from registries.citizen c where c.key = m.actor)
                       when 2 then coalesce((select p.name from registries.professional p where p.key = m.actor), m.local->>'name')
                       else m.local->>'name' end as name
    from mine m left join registries.organisation o on o.key = m.organisation
    where (reach.place is null or reach.place = any(o.places))
      and not (acts and (m.action in (19, 20) or (m.action <= 9 and m.open = '{}' and m.resources <> '{}')))
  ), chosen as (
    select t.* from told t
    where trust.in_spans(t.happened, wanted->'spans') and trust.in_spans(t.at, wanted->'arrived')
      and (not wanted ? 'ids' or t.id = any(trust.numbers_of(wanted->'ids')))
      and (not wanted ? 'actions' or t.action = any(trust.numbers_of(wanted->'actions')))
      and (not wanted ? 'kinds' or t.kind = any(trust.numbers_of(wanted->'kinds')))
      and (not wanted ? 'permitted' or t.permitted = (wanted->>'permitted')::boolean)
      and (not wanted ? 'organisations' or t.organisation = any(trust.numbers_of(wanted->'organisations')))
      and (not wanted ? 'bases' or t.basis = any(trust.numbers_of(wanted->'bases')))
      and (not wanted ? 'roles' or t.role in (select jsonb_array_elements_text(wanted->'roles')))
      and (not wanted ? 'not_roles' or not t.role in (select jsonb_array_elements_text(wanted->'not_roles')))
      and (not wanted ? 'not_types' or coalesce(t.type, 0) <> all(trust.numbers_of(wanted->'not_types')) and not exists (
            select from unnest(t.open) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
            where r.type = any(trust.numbers_of(wanted->'not_types')) and (t.home or r.concerns && reach.keys)))
      and (not wanted ? 'emergency' or t.basis = 8 or t.action = 14)
      and (not wanted ? 'delivered' or (t.source is not null) = (wanted->>'delivered')::boolean)
      and (not wanted ? 'sources' or t.source = any(trust.numbers_of(wanted->'sources')))
      and (not wanted ? 'others' or (t.kind = 1 and coalesce(t.basis = 1, false)) <> (wanted->>'others')::boolean)
      and (not wanted ? 'people' or exists (
            select from jsonb_to_recordset(wanted->'people') as w(kind smallint, actor bigint, withheld boolean)
            where w.kind = t.kind and w.actor = t.actor and w.withheld = t.is_withheld))
      and (not wanted ? 'seen' or (t.home and t.open && array(select jsonb_array_elements_text(wanted->'seen')::uuid)))
      and (not wanted ? 'types' or (t.home and t.type = any(trust.numbers_of(wanted->'types'))) or exists (
            select from unnest(t.open) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
            where r.type = any(trust.numbers_of(wanted->'types')) and (t.home or r.concerns && reach.keys)))
      and (not wanted ? 'text' or (not t.is_withheld and t.name ilike wanted->'text'->>'like') or t.place_name ilike wanted->'text'->>'like'
           or t.role in (select jsonb_array_elements_text(wanted->'text'->'roles'))
           or t.action = any(trust.numbers_of(wanted->'text'->'actions'))
           or exists (select from unnest(t.open) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
                      where r.type = any(trust.numbers_of(wanted->'text'->'types')) and (t.home or r.concerns && reach.keys)))
  ), ranked as (
    select c.*, c.total_rows as rows_in_all, row_number() over (order by c.happened desc, c.id desc) as n, count(*) over () as left_over
    from (select x.*, count(*) over () as total_rows from chosen x) c
    where (c.happened, c.id) < (after_moment, after_id)
  ), edge as (
    select date_trunc('day', r.happened at time zone 'Europe/Copenhagen') at time zone 'Europe/Copenhagen' as day
    from ranked r where wanted ? 'days' and r.n = row_limit
  ), page as (
    select r.*, count(*) over () as shown from ranked r
    where r.n <= bound and (not exists (select from edge) or r.happened >= (select e.day from edge e))
  )
  select s.id, s.happened, s.at, s.kind, s.actor,
         case when s.is_withheld then null when s.kind = 1 then (select c.patient from registries.citizen c where c.key = s.actor)
              when s.kind = 2 then (select p.id from registries.professional p where p.key = s.actor) end,
         case when not s.is_withheld then s.name end, s.is_withheld, s.principal,
         case when not s.is_withheld then (select p.name from registries.professional p where p.key = s.principal) end,
         s.organisation, s.place_id, s.place_name, s.role, s.client, s.purpose, s.action, s.permitted, s.basis,
         case when s.home then s.type end, case when s.home then s.open else visible.ids end,
         visible.ids, visible.types,
         array(select unnest(visible.types) where true
               union
               select g.type from unnest(s.resources) u join fhir.purged_row g on g.id = u
               join fhir.purge p on p.id = g.purge and p.done_at is not null and p.citizen = any(reach.keys) where s.home
               union
               select g.type from unnest(s.resources) u join fhir.purged_row g on g.purge = u
               join fhir.purge p on p.id = g.purge and reach.keys && array[p.citizen, p.rightful] where s.home),
         not s.home, case when s.home then (select c.patient from registries.citizen c where c.key = s.citizen) end, s.trace,
         s.source, (select x.id from registries.organisation x where x.key = s.source),
         (select x.name from registries.organisation x where x.key = s.source), s.local_id,
         case when s.is_withheld then s.local - 'name' - 'identifier' else s.local end, s.rows_in_all, s.left_over > s.shown,
         (select a.name from trust.client a where a.id = s.client),
         case when s.action in (14, 72, 155) then s.resources[1] when s.basis = 8 and s.action <= 9 and s.kind = 2 then (
           select g.id from trust.opening g where g.basis = 8 and g.citizen = any(reach.keys) and g.professional = s.actor
             and g.organisation = s.organisation and g.valid_from <= s.happened and s.happened < g.valid_to
           order by g.valid_from desc limit 1) end
  from page s cross join lateral (
    select coalesce(array_agg(u order by r.type, u), '{}') as ids, coalesce(array_agg(r.type order by r.type, u), '{}') as types
    from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
    where r.type <> 0 and (s.home or r.concerns && reach.keys)
      and not (masked and trust.is_masked(reach.keys, u, r.contents, asker.at, reach.basis = 1))
  ) visible
  order by s.happened desc, s.id desc;
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
          case when reach.place is null then 13 else 96 end, true, reach.basis,
          case when reach.basis = 1 then asker.actor else patient end, '{}', '{}', asker.trace);
end $$;

-- Who and where is met in the own log since a moment, for the choices of its page; names that are withheld are not told.
create function trust.log_choices(asker fhir.ask, since timestamptz)
returns table (kind smallint, actor bigint, name text, withheld boolean, role text, organisation bigint, organisation_name text, looks bigint)
language plpgsql stable security definer set search_path = trust, pg_temp as $$
declare
  own bigint[] := trust.own_keys(asker);
  hidden bigint[] := trust.shielded_places(own, asker.at);
begin
  return query
  select m.kind, m.actor,
         case when m.kind = 2 and not coalesce(o.places && hidden, false)
              then coalesce((select p.name from registries.professional p where p.key = m.actor), max(m.local->>'name')) end,
         m.kind = 2 and coalesce(o.places && hidden, false), max(m.role), m.organisation, o.name, count(*)
  from foundation.access_log m left join registries.organisation o on o.key = m.organisation
  where m.citizen = any(own) and coalesce(m.occurred_at, m.at) >= since and m.kind <> 1
  group by m.kind, m.actor, m.organisation, o.name, o.places
  order by count(*) desc limit 200;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('put_log_offices', 'log_page', 'log_choices', 'keeps_log', 'may_read_log')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
