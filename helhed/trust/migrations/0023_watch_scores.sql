-- Phase: pre. What scores are made of: what is usual among those with the same work, and figures for each professional without a name,
-- a place or a citizen in them; and the cases that scores open. Older code neither writes nor reads here.

-- What is usual in a day for a role at an organisation, and (organisation 0) anywhere.
create table trust.watch_peer (
  organisation bigint not null,
  role text not null,
  people int not null,
  days int not null,
  middle real not null,             -- median of citizens in a day
  spread real not null,             -- median distance from it
  primary key (organisation, role)
);

-- A case: one professional in one job, or a client, or a place from which somebody tries.
create table trust.watch_case (
  id uuid primary key default gen_random_uuid(),
  number bigint generated always as identity,
  kind text not null,               -- person, traffic, credentials
  subject bigint,
  what text not null,               -- what it is about where it is no person: never a token or an address
  organisation bigint,
  score int not null,
  state text not null,
  owner bigint,                     -- the security officer who has it
  due_at timestamptz not null,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  opened_at timestamptz not null,
  secret uuid not null default gen_random_uuid()  -- what the marks of its citizens follow from
);
create unique index watch_case_open on trust.watch_case (kind, coalesce(subject, 0), what, coalesce(organisation, 0)) where state <> 'closed';

create table trust.watch_signal (
  of_case uuid not null references trust.watch_case on delete cascade,
  signal text not null,             -- of trust/policy/watch.json
  points int not null,
  figures jsonb not null,           -- the numbers of its sentence
  seen_at timestamptz not null,
  primary key (of_case, signal)
);

-- Each change of a case, with its author; the state that a case has is its last row's.
create table trust.watch_move (
  id bigint generated always as identity primary key,
  of_case uuid not null references trust.watch_case on delete cascade,
  at timestamptz not null,
  state text not null,
  owner bigint,
  author bigint,                    -- null: the network itself
  author_organisation bigint,
  note text not null
);
create index watch_move_case on trust.watch_move (of_case, id);

do $$
declare name text;
begin
  foreach name in array array['watch_peer', 'watch_case', 'watch_signal', 'watch_move'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
  end loop;
end $$;

-- Once a day: how many citizens each had in the days that are over, what is usual, which surnames are uncommon; and what is older
-- than is kept goes. True when it was done now.
create function trust.watch_refresh(moment timestamptz, keep_looks interval, keep_events interval) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare today date := (moment at time zone 'Europe/Copenhagen')::date;
begin
  if not pg_try_advisory_xact_lock(hashtext('trust.watch_take_in')) then
    return false;
  end if;
  update trust.watch_position p set refreshed = today where p.refreshed < today and p.at > moment - interval '1 hour';
  if not found then
    return false;
  end if;
  update trust.watch_day d set citizens = (
    select count(*) from trust.watch_look l where l.subject = d.subject and l.day = d.day) where d.day < today and d.citizens is null;
  delete from trust.watch_peer;
  with days as materialized (
    select s.organisation, s.role, d.subject, d.citizens
    from trust.watch_day d join trust.watch_subject s on s.id = d.subject
    where d.day >= today - 28 and d.day < today and d.citizens > 0
  ), grouped as materialized (
    select d.organisation, d.role, d.subject, d.citizens from days d union all select 0, d.role, d.subject, d.citizens from days d
  ), middles as (
    select g.organisation, g.role, count(distinct g.subject) as people, count(*) as days,
           percentile_cont(0.5) within group (order by g.citizens) as middle
    from grouped g group by 1, 2
  )
  insert into trust.watch_peer
  select m.organisation, m.role, m.people, m.days, m.middle, percentile_cont(0.5) within group (order by abs(g.citizens - m.middle))
  from middles m join grouped g using (organisation, role) group by 1, 2, 3, 4, 5;
  delete from trust.watch_surname;
  insert into trust.watch_surname
  select n.surname, count(*) / greatest(1, (select count(*) from registries.citizen))::real
  from (select distinct i.surname from trust.watch_identity i) n
  join registries.citizen c on trust.watch_surname_of(c.name) = n.surname group by 1;
  delete from trust.watch_look l where l.day < (moment - keep_looks)::date;
  delete from trust.watch_day d where d.day < (moment - keep_looks)::date;
  delete from trust.watch_traffic t where t.hour < moment - keep_looks;
  delete from trust.watch_event e where e.at < moment - keep_events;
  return true;
end $$;

-- The hours of a day beside these, too: an hour more or less is overtime.
create function trust.watch_near(hours int) returns int language sql immutable
return (hours | hours << 1 | hours >> 1 | hours << 23 | hours >> 23) & 16777215;

-- In which hours somebody is at work otherwise, and on how many days that rests. An hour counts from one day in twenty.
create function trust.watch_usual(who bigint, before date, out days int, out hours int) language sql stable as $$
  with known as materialized (
    select d.hours from trust.watch_day d where d.subject = who and d.day < before and d.day >= before - 42
  ), counted as (
    select h.hour, count(*) as times from known k cross join generate_series(0, 23) h(hour) where k.hours >> h.hour & 1 = 1 group by 1
  )
  select (select count(*)::int from known), coalesce(bit_or(1 << c.hour), 0) from counted c
  where c.times >= greatest(1, (select count(*) from known) * 0.05)
$$;

-- One day of one professional.
create function trust.watch_day_figures(who bigint, of_day date) returns jsonb language sql stable as $$
  with usual as materialized (select u.days, trust.watch_near(u.hours) as hours from trust.watch_usual(who, of_day) u),
  looks as materialized (select l.* from trust.watch_look l where l.subject = who and l.day = of_day),
  loose as (select l.* from looks l where not l.firm and l.confirmed is distinct from true)
  select jsonb_build_object(
    'citizens', (select count(*) from looks),
    'lookups_only', (select count(*) from looks l where l.lookups = l.looks and l.refused < l.looks),
    'refused', (select count(*) from looks l where l.refused > 0),
    'misses', (select coalesce(max(d.misses), 0) from trust.watch_day d where d.subject = who and d.day = of_day),
    'same_birthday', (select coalesce(max(x.many), 0) from (
      select count(*) as many from loose l join registries.citizen c on c.key = l.citizen group by c.birth_date) x),
    'usual_days', (select u.days from usual u),
    'off_hours', (select count(*) from looks l, usual u where l.hours & u.hours = 0),
    'off_hours_loose', (select count(*) from loose l, usual u where l.hours & u.hours = 0),
    'crowd', (select coalesce(max(x.many), 0) from loose l cross join lateral (
      select count(distinct o.subject) as many from trust.watch_look o
      where o.citizen = l.citizen and not o.firm and o.confirmed is distinct from true and o.day > of_day - 7 and o.day <= of_day) x))
$$;

-- A month of one professional, since the last case about them was closed; and a quarter, of what is looked at again and again.
create function trust.watch_month_figures(who bigint, of_day date, since date) returns jsonb language sql stable as $$
  with quarter as materialized (
    select l.* from trust.watch_look l
    where l.subject = who and l.day > greatest(since, of_day - 90) and l.day <= of_day and (not l.firm or l.ties <> 0)
  ), month as (select q.* from quarter q where q.day > of_day - 30),
  loose as materialized (select m.* from month m where not m.firm and m.confirmed is distinct from true),
  tie as (select * from (values ('self', 1), ('family', 2), ('household', 4), ('neighbour', 8), ('colleague', 16), ('surname', 32), ('vip', 64)) t(name, bit))
  select jsonb_build_object(
    'overrides', (select count(distinct m.citizen) from month m where m.override and m.day > of_day - 14),
    'declared', (select count(distinct m.citizen) from month m where m.declared),
    'unconfirmed', (select count(distinct m.citizen) from month m where m.confirmed = false and m.looks > m.lookups),
    'judged', (select count(distinct m.citizen) from month m where m.confirmed is not null and m.looks > m.lookups and not m.firm and not m.afterwards),
    'tied', (select coalesce(jsonb_object_agg(t.name, x.many), '{}') from tie t cross join lateral (
      select count(distinct l.citizen) as many from loose l where l.ties & t.bit > 0 and l.confirmed is null) x where x.many > 0),
    'tied_unconfirmed', (select coalesce(jsonb_object_agg(t.name, x.many), '{}') from tie t cross join lateral (
      select count(distinct l.citizen) as many from loose l where l.ties & t.bit > 0 and not l.confirmed) x where x.many > 0),
    'tied_firm', (select coalesce(jsonb_object_agg(t.name, x.many), '{}') from tie t cross join lateral (
      select count(distinct m.citizen) as many from month m where m.ties & t.bit > 0 and m.confirmed) x where x.many > 0),
    'after_days', (select coalesce(max(x.days), 0) from (
      select count(*) as days from month m where m.afterwards and not m.firm group by m.citizen) x),
    'drip_weeks', (select coalesce(max(x.weeks), 0) from (
      select count(distinct date_trunc('week', q.day)) as weeks from quarter q where q.confirmed = false group by q.citizen) x),
    'first_at', (select min(q.first_at) from quarter q where not q.firm))
$$;

-- The figures of professionals whom nobody has scored since their last looks, so many at a time. Who reads them knows a number alone.
create function trust.watch_figures(moment timestamptz, most int) returns table (subject bigint, role text, last_at timestamptz, figures jsonb)
language sql security definer set search_path = trust, pg_temp as $$
  with due as materialized (
    select s.* from trust.watch_subject s where s.due_at is not null order by s.due_at, s.id limit most
  ), done as (
    update trust.watch_subject s set due_at = null from due d where s.id = d.id
  )
  select d.id, d.role, coalesce(t.last_at, moment),
         trust.watch_day_figures(d.id, y.day) || trust.watch_month_figures(d.id, y.day, d.cleared_until)
         || coalesce((
           select jsonb_build_object('peer_people', q.people, 'peer_middle', q.middle, 'peer_spread', q.spread) from trust.watch_peer q
           where q.role = d.role and (q.organisation = d.organisation and q.people >= 5 or q.organisation = 0) order by q.organisation = 0 limit 1), '{}')
  from due d
  cross join lateral (
    select max(x.day) as day from trust.watch_day x
    where x.subject = d.id and x.day > d.cleared_until and x.day <= (moment at time zone 'Europe/Copenhagen')::date) y
  left join lateral (select max(l.last_at) as last_at from trust.watch_look l where l.subject = d.id and l.day = y.day) t on true
  where y.day is not null
$$;

-- Open a case, or add to the one that is open: a signal is there once, with the most points it ever had. True when it is new.
create function trust.watch_raise(what_kind text, subject_id bigint, about text, organisation_key bigint, moment timestamptz, first_seen timestamptz,
                                  points int, signals jsonb, due timestamptz)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  known uuid;
  place bigint := coalesce(organisation_key, (select s.organisation from trust.watch_subject s where s.id = subject_id));
  fresh boolean;
begin
  select c.id into known from trust.watch_case c
    where c.kind = what_kind and c.subject is not distinct from subject_id and c.what = about and c.organisation is not distinct from place
      and c.state <> 'closed' for update;
  fresh := known is null;
  if fresh then
    insert into trust.watch_case (kind, subject, what, organisation, score, state, due_at, first_seen, last_seen, opened_at)
    values (what_kind, subject_id, about, place, points, 'new', due, watch_raise.first_seen, moment, moment) returning id into known;
    insert into trust.watch_move (of_case, at, state, note) values (known, moment, 'new', '');
  else
    update trust.watch_case c set score = greatest(c.score, points), last_seen = greatest(c.last_seen, moment),
      first_seen = least(c.first_seen, watch_raise.first_seen) where c.id = known;
  end if;
  insert into trust.watch_signal as s (of_case, signal, points, figures, seen_at)
  select known, x.signal, x.points, x.figures, moment from jsonb_to_recordset(signals) x(signal text, points int, figures jsonb)
  on conflict (of_case, signal) do update set points = greatest(s.points, excluded.points), seen_at = excluded.seen_at,
    figures = case when excluded.points >= s.points then excluded.figures else s.figures end;
  return fresh;
end $$;

-- The last whole hour of each client of each organisation beside the same hour of other such days (working days, or weekends).
create function trust.watch_hours(moment timestamptz)
returns table (client text, organisation bigint, hour timestamptz, asks int, refused int, days int, middle real, spread real)
language sql stable security definer set search_path = trust, pg_temp as $$
  with place as (select date_trunc('hour', moment) - interval '1 hour' as hour),
  earlier as materialized (
    select t.client, t.organisation, t.asks from trust.watch_traffic t cross join place p
    where t.hour < p.hour and t.hour >= p.hour - interval '28 days'
      and extract(hour from t.hour at time zone 'Europe/Copenhagen') = extract(hour from p.hour at time zone 'Europe/Copenhagen')
      and (extract(isodow from t.hour at time zone 'Europe/Copenhagen') > 5) = (extract(isodow from p.hour at time zone 'Europe/Copenhagen') > 5)
  ), usual as (
    select e.client, e.organisation, count(*)::int as days, percentile_cont(0.5) within group (order by e.asks) as middle from earlier e group by 1, 2
  ), spread as (
    select u.client, u.organisation, u.days, u.middle, percentile_cont(0.5) within group (order by abs(e.asks - u.middle)) as spread
    from usual u join earlier e using (client, organisation) group by 1, 2, 3, 4
  ), now as (select t.client, t.organisation, t.asks, t.refused from trust.watch_traffic t join place p on t.hour = p.hour)
  select client, organisation, (select p.hour from place p), coalesce(n.asks, 0), coalesce(n.refused, 0), coalesce(s.days, 0),
         coalesce(s.middle, 0)::real, coalesce(s.spread, 0)::real
  from now n full join spread s using (client, organisation)
$$;

-- Events at the doors in the last stretch, by where they came from or by the session they name: how many kinds of trouble.
create function trust.watch_doors(moment timestamptz, stretch interval)
returns table (about text, kind text, times bigint, places bigint, clients bigint, organisation bigint, first_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  with recent as materialized (select e.* from trust.watch_event e where e.at > moment - stretch and e.at <= moment)
  select 'place ' || left(encode(r.place, 'hex'), 12), r.kind, sum(r.times), 1, count(distinct r.client), null::bigint, min(r.at)
  from recent r where r.place is not null and r.kind in ('login-refused', 'token-refused', 'lookups-refused') group by r.place, r.kind
  union all
  select 'session ' || left(encode(r.session, 'hex'), 12), r.kind, sum(r.times), count(distinct r.place), count(distinct r.client),
         min(r.organisation), min(r.at)
  from recent r where r.session is not null and r.kind in ('login', 'token-used', 'token-after-revocation', 'replay') group by r.session, r.kind
  union all
  select '', r.kind, sum(r.times), count(distinct r.place), count(distinct r.client), null, min(r.at)
  from recent r where r.kind in ('login-refused', 'token-refused') group by r.kind
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'trust'::regnamespace and p.proname like 'watch\_%' loop
    execute format('alter function %s owner to helhed_trust', signature);
  end loop;
end $$;
grant execute on function trust.watch_refresh(timestamptz, interval, interval), trust.watch_figures(timestamptz, int),
  trust.watch_raise(text, bigint, text, bigint, timestamptz, timestamptz, int, jsonb, timestamptz), trust.watch_hours(timestamptz),
  trust.watch_doors(timestamptz, interval) to helhed_app;
