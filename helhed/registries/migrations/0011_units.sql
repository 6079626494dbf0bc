-- Phase: pre. What is known of organisational units in two times. Older code stores Organizations without it: what they say now is
-- asserted the next time one is written.

-- One statement: in a period (days, half open) the unit was so; and from when to when we held that to be true. Nothing is ever
-- changed but `known_to`, once: what we knew on any day can be told for ever. `said` null: the unit does not exist in the period.
create table registries.unit_fact (
  id bigint generated always as identity primary key,
  unit bigint not null,             -- key of its Organization
  valid_from date not null,
  valid_to date not null,           -- 'infinity' until something else is known
  known_from timestamptz not null,
  known_to timestamptz not null default 'infinity',
  said jsonb,
  parent bigint,                    -- key of the Organization above, as `said` has it
  name text,                        -- as `said` has it, folded for searching
  asserted_by bigint,               -- the organisation whose system or clerk said it; null: taken from a stored Organization
  check (valid_from < valid_to and known_from < known_to)
);
create index unit_fact_unit on registries.unit_fact (unit, valid_from) where known_to = 'infinity';
create index unit_fact_past on registries.unit_fact (unit, known_from);
create index unit_fact_parent on registries.unit_fact (parent) where known_to = 'infinity';
create index unit_fact_later on registries.unit_fact (valid_from) where known_to = 'infinity';

-- Say how a unit is in a period. What was held true of the days of the period is no longer, from now on; what was held true of the
-- days around it still is. Statements about one unit wait for each other, and each is known a moment after the one before it.
create function registries.assert_unit(unit_key bigint, from_day date, to_day date, what jsonb, above bigint, folded text,
                                       asserting bigint)
returns timestamptz language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  known timestamptz := clock_timestamp();  -- nobody says when they said it
begin
  if from_day >= to_day then
    raise exception 'a period has days' using errcode = '22023';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('unit ' || unit_key, 0));
  select greatest(known, max(f.known_from) + interval '1 microsecond') into known from registries.unit_fact f where f.unit = unit_key;
  with outdated as (
    update registries.unit_fact f set known_to = known
    where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from < to_day and f.valid_to > from_day
    returning f.*
  )
  insert into registries.unit_fact (unit, valid_from, valid_to, known_from, said, parent, name, asserted_by)
  select o.unit, o.valid_from, from_day, known, o.said, o.parent, o.name, o.asserted_by from outdated o where o.valid_from < from_day
  union all
  select o.unit, to_day, o.valid_to, known, o.said, o.parent, o.name, o.asserted_by from outdated o where o.valid_to > to_day
  union all
  select unit_key, from_day, to_day, known, what, above, folded, asserting;
  return known;
end $$;

-- How units were on a day, as it was known at a moment. Public: organisations are nobody's secret.
create function registries.units_as_of(units bigint[], on_day date, as_known timestamptz)
returns table (unit bigint, valid_from date, valid_to date, known_from timestamptz, said jsonb, parent bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  select f.unit, f.valid_from, f.valid_to, f.known_from, f.said, f.parent from registries.unit_fact f
  where f.unit = any(units) and f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
    and f.said is not null
$$;

-- All that was ever said of a unit, as it was said.
create function registries.unit_history(unit_key bigint) returns setof registries.unit_fact
language sql stable security definer set search_path = registries, pg_temp as $$
  select * from registries.unit_fact f where f.unit = unit_key order by f.known_from, f.valid_from
$$;

-- The units beneath one on a day, as known at a moment; itself first, and how deep each stands.
create function registries.units_beneath(top bigint, on_day date, as_known timestamptz)
returns table (unit bigint, depth int, valid_from date, valid_to date, known_from timestamptz, said jsonb, parent bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  with recursive tree as (
    select f as fact, 0 as depth, array[f.unit] as above from registries.unit_fact f
    where f.unit = top and f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
      and f.said is not null
    union all
    select f, t.depth + 1, t.above || f.unit from tree t join registries.unit_fact f on f.parent = (t.fact).unit
    where f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
      and f.said is not null and f.unit <> all(t.above) and t.depth < 32
  )
  select (t.fact).unit, t.depth, (t.fact).valid_from, (t.fact).valid_to, (t.fact).known_from, (t.fact).said, (t.fact).parent from tree t
$$;

-- What stored Organizations say from a day on, until what is planned for the unit next. Said again, it changes nothing. A unit that is
-- new here begins on its own first day, and ends on its own last one.
create function registries.state_units(keys bigint[], firsts date[], lasts date[], news boolean[], saids jsonb[], parents bigint[],
                                       folded text[])
returns void language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  today date := (clock_timestamp() at time zone 'Europe/Copenhagen')::date;
  one record;
  begins date;
  planned date;
begin
  for one in select * from unnest(keys, firsts, lasts, news, saids, parents, folded) u(key, first, last, new, said, parent, name) loop
    begins := case when one.new then coalesce(one.first, today) else today end;
    select min(f.valid_from) into planned from registries.unit_fact f
    where f.unit = one.key and f.known_to = 'infinity' and f.valid_from > begins and f.asserted_by is not null;
    if not exists (select from registries.unit_fact f where f.unit = one.key and f.known_to = 'infinity' and f.valid_from <= begins
                     and f.valid_to >= coalesce(planned, 'infinity') and f.said = one.said) then
      perform registries.assert_unit(one.key, begins, coalesce(planned, 'infinity'), one.said, one.parent, one.name, null);
    end if;
    if one.last is not null and one.said is not null and one.last + 1 > begins then
      perform registries.assert_unit(one.key, one.last + 1, 'infinity', null, null, null, null);
    end if;
  end loop;
end $$;

-- What is planned for a unit: on `day`, `changes` (top-level elements of its Organization; null takes one out) come into force.
create table registries.unit_plan (
  id uuid primary key,
  unit bigint not null,
  day date not null,
  kind text not null check (kind in ('change', 'move', 'close')),
  changes jsonb not null,
  successors bigint[] not null,     -- who carry on what is closed
  planned_by bigint not null,       -- the organisation whose system or clerk planned it
  planned_at timestamptz not null,
  applied_at timestamptz,
  withdrawn_at timestamptz,
  problem text,                     -- why it could not be applied when its day came; it is tried again
  tried_at timestamptz              -- when it last could not
);
create index unit_plan_due on registries.unit_plan (day) where applied_at is null and withdrawn_at is null;
create index unit_plan_unit on registries.unit_plan (unit);
create index unit_plan_successors on registries.unit_plan using gin (successors);

-- Whether a system may arrange a unit: it stands beneath the system's organisation, or the organisation keeps the directory.
create function registries.may_arrange(asker fhir.ask, unit_key bigint) returns boolean
language sql stable security definer set search_path = registries, pg_temp as $$
  select asker.kind = 3 and coalesce((select s.active from fhir.stand(asker) s), false)
    and exists (select from registries.organisation o where o.key = unit_key
                  and (asker.organisation = any(o.places) or exists (select from registries.keeper k where k.organisation = asker.organisation)))
$$;

-- Plan a change of a unit. Answers what stands in the way: 'unknown', 'forbidden', 'past', 'closed', 'beneath' (units that would
-- be left without anybody above them), 'circle', 'elsewhere', 'successor'; null when it is planned.
create function registries.plan_unit(asker fhir.ask, plan uuid, unit_key bigint, on_day date, of_kind text, what jsonb, above bigint,
                                     folded text, followers bigint[], today date)
returns text language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  then_is registries.unit_fact;
  next_day date;
begin
  if not exists (select from registries.organisation o where o.key = unit_key) then
    return 'unknown';
  elsif not registries.may_arrange(asker, unit_key) then
    return 'forbidden';
  elsif on_day < today then
    return 'past';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('unit ' || unit_key, 0));
  select f.* into then_is from registries.unit_fact f
  where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to;
  if then_is.said is null or then_is.said -> 'active' = 'false' then
    return 'closed';
  end if;
  if of_kind = 'close' and exists (
       select from registries.unit_fact f where f.parent = unit_key and f.known_to = 'infinity' and f.valid_to > on_day
         and f.said is not null and f.said -> 'active' is distinct from 'false') then
    return 'beneath';
  end if;
  if exists (select from unnest(followers) follower where follower = unit_key or not exists (
       select from registries.unit_fact f where f.unit = follower and f.known_to = 'infinity' and f.valid_from <= on_day
         and on_day < f.valid_to and f.said is not null and f.said -> 'active' is distinct from 'false')) then
    return 'successor';
  end if;
  if what ? 'partOf' and above is null and then_is.parent is not null
     and not exists (select from registries.keeper k where k.organisation = asker.organisation) then
    return 'elsewhere';  -- beneath nobody, or beneath what is written so that nobody here is meant
  elsif above is not null then
    if exists (select from registries.units_beneath(unit_key, on_day, clock_timestamp() + interval '1 day') b where b.unit = above) then
      return 'circle';
    elsif not registries.may_arrange(asker, above) then
      return 'elsewhere';
    end if;
  end if;
  select min(f.valid_from) into next_day from registries.unit_fact f
  where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from > on_day;
  perform registries.assert_unit(unit_key, on_day, coalesce(next_day, 'infinity'), jsonb_strip_nulls(then_is.said || what),
    case when what ? 'partOf' then above else then_is.parent end, coalesce(folded, then_is.name), asker.organisation);
  insert into registries.unit_plan (id, unit, day, kind, changes, successors, planned_by, planned_at)
  values (plan, unit_key, on_day, of_kind, what, followers, asker.organisation, asker.at);
  return null;
end $$;

-- Take a plan back before its day: the unit goes on as it would be the day before. Answers 'unknown', 'forbidden' or 'done'.
create function registries.withdraw_unit_plan(asker fhir.ask, plan uuid, today date)
returns text language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  planned registries.unit_plan;
  now_is registries.unit_fact;
  before registries.unit_fact;
begin
  select p.* into planned from registries.unit_plan p where p.id = plan for update;
  if planned.id is null then
    return 'unknown';
  elsif not registries.may_arrange(asker, planned.unit) then
    return 'forbidden';
  elsif planned.applied_at is not null or planned.withdrawn_at is not null or planned.day <= today then
    return 'done';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('unit ' || planned.unit, 0));
  select f.* into now_is from registries.unit_fact f
  where f.unit = planned.unit and f.known_to = 'infinity' and f.valid_from = planned.day;
  select f.* into before from registries.unit_fact f
  where f.unit = planned.unit and f.known_to = 'infinity' and f.valid_to = planned.day;
  perform registries.assert_unit(planned.unit, planned.day, now_is.valid_to, before.said, before.parent, before.name, asker.organisation);
  update registries.unit_plan p set withdrawn_at = asker.at where p.id = plan;
  return null;
end $$;

-- Plans whose day has come, unit by unit: first those of units of which none has failed, then those that failed longest ago, so that what
-- can never be applied keeps nobody else's waiting. Whoever takes them applies them in the same transaction: another waits for the next round.
create function registries.due_unit_plans(today date, row_limit int)
returns table (id uuid, unit bigint, organisation uuid, changes jsonb, planned_by bigint)
language sql security definer set search_path = registries, pg_temp as $$
  select p.id, p.unit, o.id, p.changes, p.planned_by from registries.unit_plan p join registries.organisation o on o.key = p.unit
  where p.day <= today and p.applied_at is null and p.withdrawn_at is null
  order by (select max(q.tried_at) from registries.unit_plan q where q.unit = p.unit and q.applied_at is null and q.withdrawn_at is null) nulls first,
    p.day, p.planned_at, p.id limit row_limit for update of p skip locked
$$;

create function registries.note_unit_plan(plan uuid, moment timestamptz, trouble text) returns void
language sql security definer set search_path = registries, pg_temp as $$
  update registries.unit_plan p set applied_at = case when trouble is null then moment end, problem = trouble,
    tried_at = case when trouble is not null then clock_timestamp() end
  where p.id = plan and p.applied_at is null and p.withdrawn_at is null
$$;

-- What was planned for a unit, or by whom it was closed into: newest day first.
create function registries.unit_plans(unit_key bigint) returns setof registries.unit_plan
language sql stable security definer set search_path = registries, pg_temp as $$
  select * from registries.unit_plan p where p.unit = unit_key or p.successors @> array[unit_key] order by p.day desc, p.planned_at desc
$$;

-- All runs of three letters in a folded name: what an index needs to find a part of a word.
create function registries.grams(folded text) returns text[] language sql immutable strict parallel safe set search_path = registries, pg_temp as $$
  select coalesce(array_agg(distinct substr(folded, n, 3)), '{}') from generate_series(1, length(folded) - 2) n
$$;

-- What a unit is searched by: its own name and those of all above it, folded as `fhir` folds names for searching (case and accents); letter by letter, since `lower` follows the database's locale.
create table registries.unit_name (
  key bigint primary key,
  own text not null,
  path text not null
);
create index unit_name_grams on registries.unit_name using gin (registries.grams(path));

create function registries.folded(name text) returns text language sql immutable strict parallel safe set search_path = registries, pg_temp as $$
  select trim(regexp_replace(translate(name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZÆØÅáàâäãéèêëíìîïóòôöõúùûüýÿñçÁÀÂÄÃÉÈÊËÍÌÎÏÓÒÔÖÕÚÙÛÜÝŸÑÇ',
    'abcdefghijklmnopqrstuvwxyzæøåaaaaaeeeeiiiiooooouuuuyyncaaaaaeeeeiiiiooooouuuuyync'), '\s+', ' ', 'g'))
$$;

-- An organisation that is written takes all beneath it along (put_organisation writes their places): each comes by here.
create function registries.keep_unit_name() returns trigger language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  insert into registries.unit_name (key, own, path)
  select new.key, registries.folded(new.name),
         registries.folded(new.name) || coalesce(' ' || string_agg(registries.folded(o.name), ' ' order by p.n), '')
  from unnest(new.places) with ordinality p(key, n) join registries.organisation o on o.key = p.key where p.key <> new.key
  on conflict (key) do update set own = excluded.own, path = excluded.path;
  return null;
end $$;
create trigger keep_unit_name after insert or update of name, places on registries.organisation
  for each row execute function registries.keep_unit_name();
update registries.organisation set places = places;

-- Units open on a day in whose name, or in the names of those above, each word stands somewhere; one word at least in its own. First those
-- in whose own name more words stand, then those in which they begin words, then the shorter names.
create function registries.find_units(words text[], on_day date, row_limit int)
returns table (key bigint, id uuid, name text, sor text, above text[])
language sql stable security definer set search_path = registries, pg_temp as $$
  with letters as materialized (
    select coalesce(array_agg(g), '{}') as grams from unnest(words) w cross join unnest(registries.grams(w)) g
  ), candidate as (
    select u.key,
      (position(words[1] in u.own) > 0)::int + coalesce((position(words[2] in u.own) > 0)::int, 0) + coalesce((position(words[3] in u.own) > 0)::int, 0)
        + coalesce((position(words[4] in u.own) > 0)::int, 0) + coalesce((position(words[5] in u.own) > 0)::int, 0)
        + coalesce((position(words[6] in u.own) > 0)::int, 0) as hits,
      (position(' ' || words[1] in ' ' || u.own) > 0)::int + coalesce((position(' ' || words[2] in ' ' || u.own) > 0)::int, 0) as begins,
      u.own
    from registries.unit_name u
    where registries.grams(u.path) @> (select l.grams from letters l) and position(words[1] in u.path) > 0
      and coalesce(position(words[2] in u.path) > 0, true) and coalesce(position(words[3] in u.path) > 0, true)
      and coalesce(position(words[4] in u.path) > 0, true) and coalesce(position(words[5] in u.path) > 0, true)
      and coalesce(position(words[6] in u.path) > 0, true)
  ), ranked as (
    select c.key, c.hits, c.begins, length(c.own) as letters, c.own from candidate c where c.hits > 0
    order by c.hits desc, c.begins desc, length(c.own), c.own, c.key offset 0
  ), found as (
    select r.* from ranked r
    where (select f.said -> 'active' is distinct from 'false' from registries.unit_fact f
           where f.unit = r.key and f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to and f.said is not null)
    limit row_limit
  )
  select o.key, o.id, o.name, o.sor, array(
    select x.name from unnest(o.places) with ordinality p(key, n) join registries.organisation x on x.key = p.key where p.n > 1 order by p.n)
  from found f join registries.organisation o on o.key = f.key
  order by f.hits desc, f.begins desc, f.letters, f.own, f.key
$$;

do $$
declare signature regprocedure;
begin
  alter table registries.unit_fact owner to helhed_registries;
  alter table registries.unit_plan owner to helhed_registries;
  alter table registries.unit_name owner to helhed_registries;
  for signature in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('assert_unit', 'units_as_of', 'unit_history', 'units_beneath', 'state_units', 'may_arrange', 'plan_unit',
                        'withdraw_unit_plan', 'due_unit_plans', 'note_unit_plan', 'unit_plans', 'grams', 'find_units', 'folded', 'keep_unit_name') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
  revoke execute on function registries.may_arrange(fhir.ask, bigint), registries.grams(text), registries.folded(text), registries.keep_unit_name(), registries.assert_unit(bigint, date, date, jsonb, bigint, text, bigint)
    from helhed_app;
end $$;
