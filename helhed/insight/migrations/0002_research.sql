-- Phase: pre. Research permits, and de-identified extracts by them. New table and functions: older code knows nothing of them.
grant usage on schema trust to helhed_insight;
grant execute on function trust.works(bigint, bigint, text, timestamptz) to helhed_insight;
grant select on trust.block to helhed_insight;
grant select on registries.organisation to helhed_insight;
grant insert on foundation.access_log to helhed_insight;

-- What an authority has let a project see: who, for what, which data, of whom, until when. Entered by the operator.
create table insight.permit (
  id uuid primary key,
  project text not null,
  purpose text not null,
  approval text not null,           -- of which authority, and its number
  professional bigint not null,     -- by this one,
  organisation bigint not null,     -- employed here
  role text not null,               -- as this
  grids text[] not null,            -- data set: of conditions, vaccinated, contacts
  groups text[],                    -- filter: who has one of these conditions; null is everybody
  alike int not null check (alike >= 3),  -- at least so many share what somebody could be recognised by
  valid_from timestamptz not null,
  valid_to timestamptz not null,
  ended_at timestamptz,
  check (approval <> '' and purpose <> '' and valid_from < valid_to)
);
alter table insight.permit owner to helhed_insight;

-- Whether a permit lets the asker make an extract now. Ended, expired, another's and none at all are one answer.
create function insight.may_extract(asker fhir.ask, permit_id uuid) returns boolean language sql stable as $$
  select exists (
    select from insight.permit p
    where p.id = permit_id and asker.kind = 2 and p.professional = asker.actor and p.organisation = asker.organisation and p.role = asker.role
      and p.valid_from <= asker.at and asker.at < p.valid_to and (p.ended_at is null or asker.at < p.ended_at)
      and trust.works(asker.actor, asker.organisation, asker.role, asker.at))
$$;

-- Whose "no" reaches the asker: a block, whatever it is about, that holds for everybody, for a place above the asker or for the asker.
create function insight.says_no(asker fhir.ask, person bigint) returns boolean language sql stable as $$
  select exists (
    select from trust.block b
    where b.citizen in (select person union all select unnest(s.keys) from fhir.key_set s where s.key = person)
      and b.valid_from <= asker.at and asker.at < b.valid_to
      and case when b.who_professional is not null then b.who_professional = asker.actor
               else b.who_organisation is null or exists (
                 select from registries.organisation o where o.key = asker.organisation and b.who_organisation = any(o.places)) end)
$$;

-- What a citizen is called in a project, and nowhere else: two keyed hashes, of the permit and of the citizen under it.
create function insight.pseudonym(key bytea, permit_id uuid, person bigint) returns text language sql immutable as $$
  select encode(substr(insight.hmac(insight.hmac(key, uuid_send(permit_id)), int8send(person)), 1, 16), 'hex')
$$;

-- A de-identified extract, in the order of its pseudonyms. Nobody has a date, a text or a number; who could be recognised by place, sex
-- and age is moved to the region, then to the country, and then left out. Each citizen in it has one row in the log, in this statement.
create function insight.make_extract(asker fhir.ask, permit_id uuid, key bytea)
returns table (pseudonym text, place text, sex text, band text, conditions text, vaccinated text, contact text)
language plpgsql security definer set search_path = insight, pg_temp as $$
declare
  p insight.permit;
  d jsonb := (select s.definition from insight.scheme s where s.closed is null);
  today date := (asker.at at time zone 'Europe/Copenhagen')::date;
begin
  if length(key) < 32 or not insight.may_extract(asker, permit_id) then
    insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, resources, versions, trace)
    values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 97, false, array[permit_id], '{}', asker.trace);
    return;
  end if;
  select * into p from insight.permit x where x.id = permit_id;
  return query
  with member as materialized (
    select m.person, m.area, m.sex, m.band, max(m.part) filter (where m.grid = 'conditions') as conditions,
           max(m.part) filter (where m.grid = 'vaccinated') as vaccinated, max(m.part) filter (where m.grid = 'contacts') as contact
    from insight.members(d, today) m group by 1, 2, 3, 4
  ), wanted as materialized (
    select m.*, coalesce(d -> 'areas' ->> m.area, '') as region, count(*) over (partition by m.area, m.sex, m.band) >= p.alike as near
    from member m
    where (p.groups is null or string_to_array(m.conditions, '+') && p.groups) and not insight.says_no(asker, m.person)
  ), wider as (
    select w.*, count(*) over (partition by w.near, w.region, w.sex, w.band) >= p.alike as regional from wanted w
  ), widest as (
    select w.*, count(*) over (partition by w.near or w.regional, w.sex, w.band) >= p.alike as national from wider w
  ), chosen as materialized (
    select w.*, case when w.near then w.area when w.regional then w.region else '' end as shown
    from widest w where w.near or w.regional or w.national
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 97, true, 17, c.person,
           array[permit_id], '{}', asker.trace
    from chosen c
  )
  select insight.pseudonym(key, permit_id, c.person), c.shown, c.sex, c.band,
         case when 'conditions' = any(p.grids) then coalesce(c.conditions, '') end,
         case when 'vaccinated' = any(p.grids) then coalesce(c.vaccinated, '') end,
         case when 'contacts' = any(p.grids) then coalesce(c.contact, '') end
  from chosen c order by 1;
end $$;
do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p
           where p.pronamespace = 'insight'::regnamespace and p.proname in ('may_extract', 'says_no', 'pseudonym', 'make_extract') loop
    execute format('alter function %s owner to helhed_insight', f);
    execute format('revoke execute on function %s from public', f);
  end loop;
end $$;
grant execute on function insight.make_extract(fhir.ask, uuid, bytea) to helhed_app;
