-- Phase: pre. The older hospital classification (SHAK) and SOR, each to the other on a day; and who still sends SHAK. Older code asks neither.

-- That a unit of one is a unit of the other for some days: one to several both ways. In two times; `known_to` alone is ever changed.
create table registries.shak_map (
  id bigint generated always as identity primary key,
  shak text not null check (shak ~ '^[0-9A-Z]{4}([0-9A-Z]{2,3})?$'),
  sor text not null check (sor ~ '^[0-9]{5,18}$'),
  valid_from date not null,
  valid_to date not null,
  known_from timestamptz not null,
  known_to timestamptz not null default 'infinity',
  told_by text not null,            -- the published file, by its name
  check (valid_from < valid_to and known_from < known_to)
);
create index shak_map_shak on registries.shak_map (shak, valid_from);
create index shak_map_sor on registries.shak_map (sor, valid_from);

-- What a published map says, whole: what it no longer says is known no longer. Operators' alone. Answers how many are new, and gone.
create function registries.take_in_shak_map(shaks text[], sors text[], starts date[], ends date[], name text)
returns table (added bigint, gone bigint) language sql security definer set search_path = registries, pg_temp as $$
  with wanted as materialized (
    select distinct w.shak, w.sor, w.valid_from, coalesce(w.valid_to, 'infinity') as valid_to from unnest(shaks, sors, starts, ends) w(shak, sor, valid_from, valid_to)
  ), ended as (
    update registries.shak_map m set known_to = greatest(clock_timestamp(), m.known_from + interval '1 microsecond')
    where m.known_to = 'infinity' and not exists (
      select from wanted w where (w.shak, w.sor, w.valid_from, w.valid_to) = (m.shak, m.sor, m.valid_from, m.valid_to))
    returning 1
  ), put as (
    insert into registries.shak_map (shak, sor, valid_from, valid_to, known_from, told_by)
    select w.shak, w.sor, w.valid_from, w.valid_to, clock_timestamp(), name from wanted w
    where not exists (select from registries.shak_map m where m.known_to = 'infinity'
                        and (w.shak, w.sor, w.valid_from, w.valid_to) = (m.shak, m.sor, m.valid_from, m.valid_to))
    returning 1
  )
  select (select count(*) from put), (select count(*) from ended)
$$;

-- The pairs that hold on a day, as known at a moment, of one code: by the map, and by units that say both of themselves.
create function registries.shak_pairs(of_shak text, of_sor text, on_day date, as_known timestamptz)
returns table (shak text, sor text, by_map boolean) language sql stable security definer set search_path = registries, pg_temp as $$
  select p.shak, p.sor, bool_or(p.by_map) from (
    select m.shak, m.sor, true as by_map from registries.shak_map m
    where (m.shak = of_shak or m.sor = of_sor) and m.valid_from <= on_day and on_day < m.valid_to and m.known_from <= as_known and as_known < m.known_to
    union all
    select s ->> 'value', r ->> 'value', false
    from registries.unit_fact f cross join lateral jsonb_array_elements(f.said -> 'identifier') s cross join lateral jsonb_array_elements(f.said -> 'identifier') r
    where f.said -> 'identifier' @> case when of_shak is null then jsonb_build_array(jsonb_build_object('system', 'urn:oid:1.2.208.176.1.1', 'value', of_sor))
                                         else jsonb_build_array(jsonb_build_object('system', 'urn:helhed:shak', 'value', of_shak)) end
      and s ->> 'system' = 'urn:helhed:shak' and r ->> 'system' = 'urn:oid:1.2.208.176.1.1'
      and (s ->> 'value' = of_shak or r ->> 'value' = of_sor)
      and f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
  ) p group by p.shak, p.sor order by p.shak, p.sor limit 1000
$$;

-- A code of one as codes of the other, with the unit where it is registered here, and how many codes of the first the other is.
create function registries.translate_shak(of_shak text, of_sor text, on_day date, as_known timestamptz)
returns table (shak text, sor text, by_map boolean, unit uuid, name text, back bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  select p.shak, p.sor, p.by_map, o.id, o.name,
    (select count(*) from registries.shak_pairs(case when of_shak is null then p.shak end, case when of_sor is null then p.sor end, on_day, as_known))
  from registries.shak_pairs(of_shak, of_sor, on_day, as_known) p
  left join lateral (select x.id, x.name from registries.organisation x where x.sor = p.sor order by x.key limit 1) o on true
$$;
create index organisation_sor on registries.organisation (sor);

-- Who still sends SHAK: how often, by day, organisation, client and what was done. Nothing of what was asked or written.
create table registries.shak_use (
  day date not null,
  organisation bigint not null,     -- 0: a citizen's
  client text not null,
  act text not null check (act in ('write', 'search')),
  type text not null,               -- resource type; '' where the address names none
  times bigint not null,
  last_at timestamptz not null,
  primary key (day, organisation, client, act, type)
);

create function registries.note_shak(of_organisation bigint, of_client text, done text, of_type text, moment timestamptz) returns void
language sql security definer set search_path = registries, pg_temp as $$
  insert into registries.shak_use as u
  values ((moment at time zone 'Europe/Copenhagen')::date, coalesce(of_organisation, 0), left(of_client, 200), done, left(of_type, 64), 1, moment)
  on conflict (day, organisation, client, act, type) do update set times = u.times + 1, last_at = greatest(u.last_at, excluded.last_at)
$$;

-- The report: what an organisation and the units beneath it sent since a day; for the system or the keeper of units of whoever stands above, for
-- keepers of the directory of everybody.
create function registries.shak_report(asker fhir.ask, since date)
returns table (organisation bigint, name text, client text, act text, type text, times bigint, first_day date, last_at timestamptz)
language sql stable security definer set search_path = registries, pg_temp as $$
  select u.organisation, o.name, u.client, u.act, u.type, sum(u.times)::bigint, min(u.day), max(u.last_at)
  from registries.shak_use u join registries.organisation o on o.key = u.organisation
  where u.day >= since and registries.may_arrange(asker, u.organisation)
  group by u.organisation, o.name, u.client, u.act, u.type order by sum(u.times) desc, o.name, u.client, u.act, u.type limit 1000
$$;

do $$
declare signature regprocedure;
begin
  alter table registries.shak_map owner to helhed_registries;
  alter table registries.shak_use owner to helhed_registries;
  for signature in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('take_in_shak_map', 'shak_pairs', 'translate_shak', 'note_shak', 'shak_report') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
  grant execute on function registries.translate_shak(text, text, date, timestamptz), registries.note_shak(bigint, text, text, text, timestamptz),
    registries.shak_report(fhir.ask, date) to helhed_app;
end $$;
