-- Phase: first. Population figures: counted here, protected here, and read as they were released. A schema of its own: older code
-- knows nothing of it. Why it is done so: docs/explanation/population-figures.md.
do $$ begin
  perform pg_advisory_xact_lock(hashtext('helhed roles'));
  if not exists (select from pg_roles where rolname = 'helhed_insight') then
    create role helhed_insight nologin;
  end if;
  if not (select rolsuper from pg_roles where rolname = current_user) then
    grant helhed_insight to current_user with set true, inherit true;
  end if;
end $$;
create schema insight authorization helhed_insight;
grant usage on schema insight to helhed_app;
grant usage on schema foundation, fhir, registries to helhed_insight;
grant select on fhir.resource, fhir.key_set to helhed_insight;
grant select on registries.citizen to helhed_insight;
grant execute on function fhir.bucket(uuid), fhir.key(uuid) to helhed_insight;

-- What the secret starts of the cells follow from. Made once and never changed: two roundings of the same people by different
-- starts would together tell more than either.
create table insight.secret (one boolean primary key default true check (one), key bytea not null);
insert into insight.secret (key)
select sha256(decode(replace(string_agg(gen_random_uuid()::text, ''), '-', ''), 'hex')) from generate_series(1, 4);

-- By which definition was counted, from when to when. The open one has no end.
create table insight.scheme (
  id bigint generated always as identity primary key,
  definition jsonb not null,
  opened date not null,
  closed date,
  -- a rounding to multiples of the base hides which of base many counts it was: among those must be none, or enough people
  check ((definition ->> 'least')::int >= 3 and (definition ->> 'base')::int >= (definition ->> 'least')::int)
);
create unique index scheme_open on insight.scheme ((true)) where closed is null;

-- The release ledger: what was released, and what was refused and why. Never changed.
create table insight.release (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  day date not null,                -- who counts is who lives then
  scheme bigint not null references insight.scheme,
  moved int not null,               -- cells that changed since the last release
  held_back int not null            -- cells that stayed, because fewer people than the least had come or gone
);
create table insight.refusal (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  definition jsonb not null,
  reason text not null              -- too-soon, overlaps
);

-- A cell as it was counted when it last moved. Unprotected: nobody but the functions here reads it.
create table insight.cell (
  grid text not null, area text not null, sex text not null, band text not null, part text not null,
  held int not null,
  primary key (grid, area, sex, band, part)
);

-- A cell as it was released; one that was rounded to nothing, or is in too small a group, has no row.
create table insight.figure (
  release bigint not null references insight.release,
  grid text not null, area text not null, sex text not null, band text not null, part text not null,
  value int not null,
  primary key (release, grid, area, sex, band, part)
);
do $$
declare name text;
begin
  foreach name in array array['secret', 'scheme', 'release', 'refusal', 'cell', 'figure'] loop
    execute format('alter table insight.%I owner to helhed_insight', name);
  end loop;
end $$;

-- HMAC-SHA-256 (RFC 2104) with a key of at most 64 bytes.
create function insight.hmac(key bytea, message bytea) returns bytea language plpgsql immutable as $$
declare
  inner_pad bytea := decode(repeat('36', 64), 'hex');
  outer_pad bytea := decode(repeat('5c', 64), 'hex');
begin
  for place in 0 .. length(key) - 1 loop
    inner_pad := set_byte(inner_pad, place, 54 # get_byte(key, place));
    outer_pad := set_byte(outer_pad, place, 92 # get_byte(key, place));
  end loop;
  return sha256(outer_pad || sha256(inner_pad || message));
end $$;

-- Where the rounding of a cell starts: 0 to base - 1, secret, and the same for ever.
create function insight.start(grid text, area text, sex text, band text, part text, base int) returns int language sql stable as $$
  select mod(('x' || encode(substr(insight.hmac(s.key, convert_to(array_to_json(array[grid, area, sex, band, part])::text, 'UTF8')), 1, 7), 'hex'))::bit(56)::bigint, base)::int
  from insight.secret s
$$;

-- A body as jsonb; null for one that PostgreSQL cannot hold as such (a number of a hundred thousand digits).
create function insight.content(body bytea) returns jsonb language plpgsql immutable as $$
begin
  return convert_from(body, 'UTF8')::jsonb;
exception when others then
  return null;
end $$;

-- The bands of a definition: from, to (both included), and what they are called.
create function insight.bands(definition jsonb) returns table (lowest int, band text) language sql immutable as $$
  select b.lowest, b.lowest || '-' || coalesce((lead(b.lowest) over (order by b.lowest) - 1)::text, '')
  from (select value::int as lowest from jsonb_array_elements_text(definition -> 'bands')) b
$$;

-- Everybody alive on a day, once, with what tables are divided by. key: every key that somebody is known by.
create function insight.people(definition jsonb, day date)
returns table (key bigint, person bigint, area text, sex text, band text) language sql stable as $$
  with bands as materialized (
    select b.band, b.lowest, lead(b.lowest) over (order by b.lowest) as next from insight.bands(definition) b
  ), known as (
    select c.key, c.sex, extract(year from age(day, c.birth_date))::int as years,
           jsonb_path_query_first(insight.content(r.body), '$.address[*] ? (@.use == "home").district') #>> '{}' as district
    from registries.citizen c
    join fhir.resource r on r.bucket = fhir.bucket(c.patient) and r.id = c.patient and not r.deleted
    where not c.deceased and c.birth_date <= day
  )
  select c.key, k.key, case when definition -> 'areas' ? k.district then k.district else '' end,
         case when k.sex in ('female', 'male') then k.sex else 'other' end, b.band
  from registries.citizen c
  left join fhir.key_set s on s.key = c.key
  join known k on k.key = coalesce(s.head, c.key)
  join bands b on k.years >= b.lowest and (b.next is null or k.years < b.next)
$$;

-- Which of the groups of conditions everybody has: their names in the order of the definition, joined by +.
create function insight.conditions(definition jsonb, day date) returns table (person bigint, part text) language sql stable as $$
  with codes as materialized (
    select g.place, g.value ->> 'name' as name, c ->> 0 as system, (c ->> 1) || '%' as code
    from jsonb_array_elements(definition -> 'groups') with ordinality g (value, place), jsonb_array_elements(g.value -> 'codes') c
  ), found as (
    select distinct r.citizen, c.place, c.name
    from fhir.resource r
    cross join lateral (select insight.content(r.body) as body offset 0) b
    cross join lateral jsonb_path_query(b.body, '$.code.coding[*]') coding
    join codes c on c.system = coding ->> 'system' and coding ->> 'code' like c.code
    where r.type = (definition #>> '{types,Condition}')::smallint and not r.deleted and r.citizen is not null
      and not coalesce(jsonb_path_exists(b.body, '$.verificationStatus.coding[*] ? (@.code == "refuted" || @.code == "entered-in-error")'), false)
  )
  select one.person, string_agg(one.name, '+' order by one.place) from (
    select distinct p.person, f.place, f.name from insight.people(definition, day) p join found f on f.citizen = p.key
  ) one group by one.person
$$;

-- Who was vaccinated in the season that the day is in.
create function insight.vaccinated(definition jsonb, day date) returns table (person bigint, part text) language sql stable as $$
  select distinct p.person, 'yes'
  from fhir.resource r
  cross join lateral (select insight.content(r.body) as body offset 0) b
  join insight.people(definition, day) p on p.key = r.citizen
  where r.type = (definition #>> '{types,Immunization}')::smallint and not r.deleted and b.body ->> 'status' = 'completed'
    and (r.date_lo at time zone 'Europe/Copenhagen')::date <= day
    and (r.date_lo at time zone 'Europe/Copenhagen')::date >= (select max(d) from unnest(array[0, 1]) back,
          lateral make_date(extract(year from day)::int - back, (definition #>> '{vaccination,month}')::int, 1) d where d <= day)
    and exists (select from jsonb_path_query(b.body, '$.vaccineCode.coding[*]') coding, jsonb_array_elements(definition #> '{vaccination,codes}') c
                where coding ->> 'system' = c ->> 0 and coding ->> 'code' like (c ->> 1) || '%')
$$;

-- Who had a contact in the last whole quarter: admitted, or not.
create function insight.contacts(definition jsonb, day date) returns table (person bigint, part text) language sql stable as $$
  select p.person, case when bool_or(c.class in (select jsonb_array_elements_text(definition #> '{contacts,admissions}'))) then 'admitted' else 'seen' end
  from fhir.resource r
  cross join lateral (select insight.content(r.body) as body offset 0) b
  cross join lateral (select b.body #>> '{class,code}' as class) c
  join insight.people(definition, day) p on p.key = r.citizen
  where r.type = (definition #>> '{types,Encounter}')::smallint and not r.deleted
    and b.body ->> 'status' in (select jsonb_array_elements_text(definition #> '{contacts,statuses}'))
    and r.date_lo >= (date_trunc('quarter', day) - interval '3 months')::timestamp at time zone 'Europe/Copenhagen'
    and r.date_lo < date_trunc('quarter', day)::timestamp at time zone 'Europe/Copenhagen'
  group by p.person
$$;

-- Who is in which cell of which grid. The cells of a grid share nobody. Who has none of what a grid counts is in no cell of it, so
-- that how many live somewhere, which everybody may know, says nothing of them.
create function insight.members(definition jsonb, day date)
returns table (person bigint, grid text, area text, sex text, band text, part text) language sql stable as $$
  with people as materialized (select distinct p.person, p.area, p.sex, p.band from insight.people(definition, day) p)
  select p.person, m.grid, p.area, p.sex, p.band, m.part from people p
  join (select c.person, 'conditions' as grid, c.part from insight.conditions(definition, day) c
        union all select v.person, 'vaccinated', v.part from insight.vaccinated(definition, day) v
        union all select c.person, 'contacts', c.part from insight.contacts(definition, day) c) m on m.person = p.person
  union all
  select p.person, 'citizens', p.area, p.sex, p.band, 'all' from people p
$$;

-- Whether another definition would show few people in the difference: fewer than the least would be in one cell of the old and one
-- of the new, of which one is not a cell of the other.
create function insight.overlaps(old_one jsonb, new_one jsonb, day date) returns boolean language sql stable as $$
  with o as materialized (select m.person, m.grid, row(m.area, m.sex, m.band, m.part)::text as leaf from insight.members(old_one, day) m),
       n as materialized (select m.person, m.grid, row(m.area, m.sex, m.band, m.part)::text as leaf from insight.members(new_one, day) m)
  select exists (
    select from (
      select grid, o.leaf as before, n.leaf as after, count(*) as people
      from o full join n using (person, grid) where o.leaf is distinct from n.leaf group by grid, o.leaf, n.leaf
    ) piece
    where piece.people < greatest((old_one ->> 'least')::int, (new_one ->> 'least')::int)
      and (piece.before is not null and not exists (select from n where n.grid = piece.grid and n.leaf = piece.before)
           or piece.after is not null and not exists (select from o where o.grid = piece.grid and o.leaf = piece.after))
  )
$$;

-- Count everybody anew. A cell moves only when at least the least more or fewer people are in it than when it last moved, so that no
-- two releases differ by fewer. What is new with a definition begins as it is counted.
create function insight.recount(definition jsonb, day date, opening boolean, out moved int, out held_back int)
language sql as $$
  with counted as materialized (
    select m.grid, m.area, m.sex, m.band, m.part, count(*)::int as people from insight.members(definition, day) m group by 1, 2, 3, 4, 5
  ), known as materialized (select * from insight.cell), wanted as materialized (
    select grid, area, sex, band, part, coalesce(n.people, 0) as people, k.held,
           k.held is null and opening and (not exists (select from known x where (x.grid, x.area, x.band) = (n.grid, n.area, n.band))
                                           or not exists (select from known x where (x.grid, x.part) = (n.grid, n.part))) as fresh
    from counted n full join known k using (grid, area, sex, band, part)
  ), put as (
    insert into insight.cell as c
    select w.grid, w.area, w.sex, w.band, w.part, w.people from wanted w
    where w.fresh or abs(w.people - coalesce(w.held, 0)) >= (definition ->> 'least')::int
    on conflict (grid, area, sex, band, part) do update set held = excluded.held
    returning 1
  )
  select (select count(*) from put)::int,
         (select count(*) from wanted w where not w.fresh and abs(w.people - coalesce(w.held, 0)) between 1 and (definition ->> 'least')::int - 1)::int
$$;

-- Round every cell from its own start, and keep what may be told. Of a group of few people (by the rounded number, which tells
-- nothing new) nothing is; nor of a grid in a group in which nearly everybody is, where the size of the group, which others publish,
-- would leave a cell nothing but one or two.
create function insight.protect(definition jsonb, day date, release_id bigint) returns void language sql as $$
  with r as (select (definition ->> 'base')::int as base, (definition ->> 'least')::int as least, (definition ->> 'smallest_group')::int as group_size),
  rounded as materialized (
    select c.grid, c.area, c.sex, c.band, c.part, r.base * ((c.held + insight.start(c.grid, c.area, c.sex, c.band, c.part, r.base)) / r.base) as value
    from insight.cell c, r
    where (c.area = '' or definition -> 'areas' ? c.area) and c.band in (select b.band from insight.bands(definition) b)
  ), size as materialized (
    select p.area, p.sex, p.band, count(distinct p.person) as people from insight.people(definition, day) p group by 1, 2, 3
  ), narrow as (
    select x.grid, x.area, x.sex, x.band
    from rounded x join size s using (area, sex, band), r, lateral (
      select coalesce(sum(y.value - (r.base - 1)), 0) as others from rounded y
      where (y.grid, y.area, y.sex, y.band) = (x.grid, x.area, x.sex, x.band) and y.part <> x.part and y.value > 0) o
    where x.grid <> 'citizens' and x.value > 0 and s.people - o.others < r.least
  )
  insert into insight.figure (release, grid, area, sex, band, part, value)
  select release_id, x.grid, x.area, x.sex, x.band, x.part, x.value
  from rounded x, r
  where x.value > 0 and (x.grid = 'citizens' or exists (
      select from rounded g where (g.grid, g.area, g.sex, g.band) = ('citizens', x.area, x.sex, x.band) and g.value >= r.group_size))
    and not exists (select from narrow n where (n.grid, n.area, n.sex, n.band) = (x.grid, x.area, x.sex, x.band))
$$;

-- Release the figures of now. problem: too-soon, overlaps, or null; a refusal is written into the ledger too. For the operator: the
-- application may not, and is told nothing but what was released.
create function insight.release_figures(new_definition jsonb, moment timestamptz, out problem text, out released bigint)
language plpgsql security definer set search_path = insight, pg_temp as $$
declare
  today date := (moment at time zone 'Europe/Copenhagen')::date;
  previous insight.release;
  open_one insight.scheme;
  opening boolean;
  done record;
begin
  perform pg_advisory_xact_lock(7166748513);  -- one at a time
  select * into previous from insight.release r order by r.id desc limit 1;
  select * into open_one from insight.scheme s where s.closed is null;
  opening := open_one.definition is distinct from new_definition;
  problem := case
    when today < previous.day + (open_one.definition ->> 'days_between')::int then 'too-soon'
    when opening and open_one.id is not null and insight.overlaps(open_one.definition, new_definition, today) then 'overlaps' end;
  if problem is not null then
    insert into insight.refusal (at, definition, reason) values (moment, new_definition, problem);
    return;
  end if;
  if opening then
    update insight.scheme s set closed = today where s.closed is null;
    insert into insight.scheme (definition, opened) values (new_definition, today) returning * into open_one;
  end if;
  select * into done from insight.recount(new_definition, today, opening);
  insert into insight.release (at, day, scheme, moved, held_back) values (moment, today, open_one.id, done.moved, done.held_back)
  returning id into released;
  perform insight.protect(new_definition, today, released);
end $$;

-- What was released, newest first, with its definition.
create function insight.releases() returns table (id bigint, day date, definition jsonb)
language sql stable security definer set search_path = insight, pg_temp as $$
  select r.id, r.day, s.definition from insight.release r join insight.scheme s on s.id = r.scheme order by r.id desc
$$;

-- A table of one measure of one release. by_place: region, municipality, or null for all together; filters: null for everything.
-- value is null where it is not certain that at least the least are behind it. Sums are sums of what was rounded, so that no sum says
-- more than its cells.
create function insight.figures(release_id bigint, measure text, by_place text, by_sex boolean, by_band boolean,
                                only_places text[], only_sexes text[], only_bands text[])
returns table (place text, sex text, band text, value int) language sql stable security definer set search_path = insight, pg_temp as $$
  with d as materialized (
    select s.definition as d, (s.definition ->> 'base')::int as base, (s.definition ->> 'least')::int as least, m as measure
    from insight.release r join insight.scheme s on s.id = r.scheme, jsonb_array_elements(s.definition -> 'measures') m
    where r.id = release_id and m ->> 'name' = measure
  ), placed as materialized (
    select f.*, case by_place when 'municipality' then f.area when 'region' then coalesce(d.d -> 'areas' ->> f.area, '') end as place
    from insight.figure f, d
    where f.release = release_id
      and (only_places is null or f.area = any(only_places) or coalesce(d.d -> 'areas' ->> f.area, '') = any(only_places))
      and (only_sexes is null or f.sex = any(only_sexes)) and (only_bands is null or f.band = any(only_bands))
  ), label as (
    select p.place, s.sex, b.band
    from (select distinct x.place from placed x where x.grid = 'citizens' and by_place is not null union all select null where by_place is null) p,
         (select unnest(array['female', 'male']) as sex where by_sex union all select null where not by_sex) s,
         (select x.band from insight.bands((select d.d from d)) x where by_band union all select null where not by_band) b
    where (s.sex is null or only_sexes is null or s.sex = any(only_sexes)) and (b.band is null or only_bands is null or b.band = any(only_bands))
  )
  select l.place, l.sex, l.band, case when coalesce(sum(f.value), 0) - (d.base - 1) * count(f.value) >= d.least then sum(f.value)::int end
  from d cross join label l
  left join placed f on f.grid = d.measure ->> 'grid'
    and (not d.measure ? 'of' or d.measure ->> 'of' = any(string_to_array(f.part, '+')))
    and (not coalesce((d.measure ->> 'several')::boolean, false) or f.part like '%+%')
    and (l.place is null or f.place = l.place) and (l.sex is null or f.sex = l.sex) and (l.band is null or f.band = l.band)
  group by l.place, l.sex, l.band, d.base, d.least
  order by nullif(l.place, '') nulls last, l.sex, split_part(l.band, '-', 1)::int
$$;
do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'insight'::regnamespace loop
    execute format('alter function %s owner to helhed_insight', f);
    execute format('revoke execute on function %s from public', f);
  end loop;
end $$;
grant execute on function insight.releases() to helhed_app;
grant execute on function insight.figures(bigint, text, text, boolean, boolean, text[], text[], text[]) to helhed_app;
