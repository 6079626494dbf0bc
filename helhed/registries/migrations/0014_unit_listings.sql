-- Phase: pre. What is listed for units: their endpoints and services, and when each endpoint last took a message. Older code stores
-- both without it: what it stores is listed the next time it is written.

-- An Endpoint or a HealthcareService of a unit, in two times as unit_fact: when it is so, and from and to when we held it true. Where
-- messages about citizens go follows from it, so it is written with a proof.
create table registries.unit_listing (
  id bigint generated always as identity primary key,
  source uuid not null,             -- id of the resource
  type text not null check (type in ('Endpoint', 'HealthcareService')),
  unit bigint not null,             -- key of the Organization it is listed for
  origin bigint not null,           -- the organisation that submitted it
  valid_from timestamptz not null,
  valid_to timestamptz not null,    -- 'infinity' until something else is known
  known_from timestamptz not null,
  known_to timestamptz not null default 'infinity',
  codes text[] not null,            -- what an endpoint takes, or the specialities of a service: codes in lower case
  said jsonb not null,
  check (known_from < known_to)
);
create index unit_listing_unit on registries.unit_listing (unit, type);
create index unit_listing_source on registries.unit_listing (source) where known_to = 'infinity';
create trigger only_proven before insert or update or delete on registries.unit_listing
  for each statement execute function foundation.only_proven('store');

-- When an endpoint last took a message of a type, and how many it took. Nothing of the messages.
create table registries.route_delivery (
  endpoint uuid not null,
  message_type text not null,
  last_at timestamptz not null,
  deliveries bigint not null default 1,
  primary key (endpoint, message_type)
);

-- What these resources list from now on; a unit of null: nothing any more. Said again, it changes nothing.
create function registries.put_listings(sources uuid[], types text[], units bigint[], origins bigint[], starts timestamptz[],
                                        ends timestamptz[], listed jsonb[], saids jsonb[])
returns void language sql security definer set search_path = registries, pg_temp as $$
  with wanted as materialized (
    select w.*, clock_timestamp() as known from unnest(sources, types, units, origins, starts, ends, listed, saids)
      w(source, type, unit, origin, valid_from, valid_to, codes, said)
  ), same as (
    select w.source from wanted w join registries.unit_listing l on l.source = w.source and l.known_to = 'infinity'
    where (l.unit, l.origin, l.valid_from, l.valid_to, l.said) is not distinct from (w.unit, w.origin, w.valid_from, w.valid_to, w.said)
  ), outdated as (
    update registries.unit_listing l set known_to = greatest(w.known, l.known_from + interval '1 microsecond')
    from wanted w where l.source = w.source and l.known_to = 'infinity' and w.source not in (select s.source from same s)
    returning l.source, l.known_to
  )
  insert into registries.unit_listing (source, type, unit, origin, valid_from, valid_to, known_from, codes, said)
  select w.source, w.type, w.unit, w.origin, w.valid_from, w.valid_to, coalesce(o.known_to, w.known),
         array(select jsonb_array_elements_text(w.codes)), w.said
  from wanted w left join outdated o on o.source = w.source
  where w.unit is not null and w.valid_from < w.valid_to and w.source not in (select s.source from same s)
$$;

-- A unit and all above it on a day, as known at a moment, nearest first. What was stored before units were told in two times has the
-- places it has now, and nothing is said of it.
create function registries.units_above(unit_key bigint, on_day date, as_known timestamptz)
returns table (unit bigint, depth int, valid_from date, valid_to date, known_from timestamptz, said jsonb, parent bigint, asserted_by bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  with recursive line as (
    select f as fact, 0 as depth, array[f.unit] as below from registries.unit_fact f
    where f.unit = unit_key and f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
      and f.said is not null
    union all
    select f, l.depth + 1, l.below || f.unit from line l join registries.unit_fact f on f.unit = (l.fact).parent
    where f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
      and f.said is not null and f.unit <> all(l.below) and l.depth < 32
  )
  select (l.fact).unit, l.depth, (l.fact).valid_from, (l.fact).valid_to, (l.fact).known_from, (l.fact).said, (l.fact).parent, (l.fact).asserted_by
  from line l
  union all
  select p.key, p.n::int - 1, null, null, null, null, null, null
  from registries.organisation o cross join unnest(o.places) with ordinality p(key, n)
  where o.key = unit_key and not exists (select from registries.unit_fact f where f.unit = unit_key)
  order by depth
$$;

-- What is listed for a unit and for those above it at a moment, nearest first. It counts when whoever submitted it stands above that
-- unit, or keeps the directory, or when the unit's own Organization names it: nobody else says where a unit's messages go.
create function registries.listings_of(unit_key bigint, of_type text, moment timestamptz, as_known timestamptz)
returns table (source uuid, unit bigint, depth int, codes text[], said jsonb, origin bigint, valid_from timestamptz, valid_to timestamptz, known_from timestamptz)
language sql stable security definer set search_path = registries, pg_temp as $$
  with above as materialized (
    select a.unit, a.depth, a.said from registries.units_above(unit_key, (moment at time zone 'Europe/Copenhagen')::date, as_known) a
  ), named as materialized (
    select a.unit, a.depth, split_part(e ->> 'reference', '/', 2) as source
    from above a cross join lateral jsonb_array_elements(case when jsonb_typeof(a.said -> 'endpoint') = 'array' then a.said -> 'endpoint' else '[]' end) e
  ), listed as (
    select l.source, a.unit, a.depth, l.codes, l.said, l.origin, l.valid_from, l.valid_to, l.known_from
    from above a join registries.unit_listing l on l.unit = a.unit and l.type = of_type
    where l.known_from <= as_known and as_known < l.known_to and l.valid_from <= moment and moment < l.valid_to
      and (exists (select from registries.organisation o where o.key = l.unit and l.origin = any(o.places))
           or exists (select from registries.keeper k where k.organisation = l.origin))
    union
    select l.source, n.unit, n.depth, l.codes, l.said, l.origin, l.valid_from, l.valid_to, l.known_from
    from named n join registries.unit_listing l on l.source::text = n.source and l.type = of_type
    where of_type = 'Endpoint' and l.known_from <= as_known and as_known < l.known_to and l.valid_from <= moment and moment < l.valid_to
  )
  select distinct on (l.depth, l.source) l.* from listed l order by l.depth, l.source
$$;

-- By which endpoints a unit takes messages of a type (null: of any), its own before those of the units above it, the newest first among
-- equals; the location number it is addressed by; and when each last took one.
create function registries.routes_of(unit_key bigint, of_type text, moment timestamptz, as_known timestamptz)
returns table (endpoint uuid, unit bigint, depth int, codes text[], said jsonb, origin bigint, valid_from timestamptz, valid_to timestamptz,
               known_from timestamptz, gln text, delivered_at timestamptz, deliveries bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  select l.source, l.unit, l.depth, l.codes, l.said, l.origin, l.valid_from, l.valid_to, l.known_from, number.gln, d.last_at, coalesce(d.deliveries, 0)
  from registries.listings_of(unit_key, 'Endpoint', moment, as_known) l
  left join lateral (
    select max(x.last_at) as last_at, sum(x.deliveries)::bigint as deliveries from registries.route_delivery x
    where x.endpoint = l.source and (of_type is null or x.message_type = lower(of_type))
  ) d on true
  cross join lateral (
    select coalesce(
      (select i ->> 'value' from jsonb_array_elements(case when jsonb_typeof(l.said -> 'identifier') = 'array' then l.said -> 'identifier' else '[]' end) i
       where i ->> 'system' ~ '^https?://www\.gs1\.org/gln$' limit 1),
      (select i ->> 'value' from registries.units_above(unit_key, (moment at time zone 'Europe/Copenhagen')::date, as_known) a
         cross join lateral jsonb_array_elements(case when jsonb_typeof(a.said -> 'identifier') = 'array' then a.said -> 'identifier' else '[]' end) i
       where i ->> 'system' ~ '^https?://www\.gs1\.org/gln$' order by a.depth limit 1)) as gln
  ) number
  where of_type is null or lower(of_type) = any(l.codes)
  order by l.depth, l.valid_from desc, l.source
$$;

-- A message was delivered: its endpoint answered that it took it. An endpoint that was never listed delivers nothing.
create function registries.route_delivered(of_endpoint uuid, of_type text, moment timestamptz) returns void
language sql security definer set search_path = registries, pg_temp as $$
  insert into registries.route_delivery as d (endpoint, message_type, last_at)
  select of_endpoint, lower(of_type), moment
  where length(of_type) <= 100 and exists (select from registries.unit_listing l where l.source = of_endpoint and lower(of_type) = any(l.codes))
  on conflict (endpoint, message_type) do update set last_at = greatest(d.last_at, excluded.last_at), deliveries = d.deliveries + 1
$$;

do $$
declare signature regprocedure;
begin
  alter table registries.unit_listing owner to helhed_registries;
  alter table registries.route_delivery owner to helhed_registries;
  for signature in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('put_listings', 'units_above', 'listings_of', 'routes_of', 'route_delivered') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
