-- Phase: pre. The log of looks, taken in step by step for those who watch over the network: who looked at how many, when and on what
-- standing, never at what. Older code neither writes nor reads here.

-- One professional in one job. Whoever scores knows the number alone.
create table trust.watch_subject (
  id bigint generated always as identity primary key,
  actor bigint not null,
  organisation bigint not null,
  role text not null,
  due_at timestamptz,               -- looks were taken in that nobody has scored yet
  cleared_until date not null default '-infinity',  -- a case about what was before is closed
  unique (actor, organisation, role)
);
create index watch_subject_due on trust.watch_subject (due_at) where due_at is not null;

-- What one of them looked at of one citizen on one Danish day.
create table trust.watch_look (
  subject bigint not null,
  day date not null,
  citizen bigint not null,
  looks int not null,
  refused int not null,
  hours int not null,               -- a bit for each hour of the day
  lookups int not null,             -- of the identity minimum
  firm boolean not null,            -- at least once by a registered relation, or a consent
  declared boolean not null,        -- by a relation that the professional declared
  override boolean not null,        -- the glass was broken
  afterwards boolean not null,      -- by a contact that had ended
  ties smallint not null,           -- trust.watch_ties
  confirmed boolean,                -- whether a registered relation came in time; null: not decided yet
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (subject, day, citizen)
) with (fillfactor = 80);
create index watch_look_citizen on trust.watch_look (citizen, day) where not firm;
create index watch_look_open on trust.watch_look (last_at) where confirmed is null;

create table trust.watch_day (
  subject bigint not null,
  day date not null,
  hours int not null,
  misses int not null,              -- look-ups that found nobody
  citizens int,                     -- once the day is over
  primary key (subject, day)
) with (fillfactor = 80);
create index watch_day_day on trust.watch_day (day);

-- How much comes through each client of each organisation, hour by hour.
create table trust.watch_traffic (
  client text not null,
  organisation bigint not null,
  hour timestamptz not null,
  asks int not null,
  refused int not null,
  primary key (client, organisation, hour)
) with (fillfactor = 80);
create index watch_traffic_hour on trust.watch_traffic using brin (hour);

-- How far the log was taken in. Rows commit in another order than that of their moments: what the statement that took the last ones in
-- did not see yet, and came within the overlap before them, is taken in too. In another cluster (a restored copy) transactions are
-- counted anew, and nothing was under way.
create table trust.watch_position (
  single boolean primary key default true check (single),
  at timestamptz not null,
  refreshed date not null default '-infinity',
  rows bigint not null default 0,
  snapshot pg_snapshot,             -- of that statement
  system_id bigint                  -- the cluster whose transactions it counts
);

-- Who a professional is as a citizen, and where they live, as far as the registers say so.
create table trust.watch_identity (
  actor bigint primary key,
  citizen bigint,
  surname text not null,
  street text, house int, postcode text
);
create index watch_identity_citizen on trust.watch_identity (citizen) where citizen is not null;

-- Surnames of professionals that many citizens have say nothing.
create table trust.watch_surname (surname text primary key, share real not null);

-- Citizens at whom others are known to be curious. Only security officers of the network's office put somebody here.
create table trust.watch_vip (
  citizen bigint primary key,
  reason text not null,
  put_by bigint not null,
  put_at timestamptz not null
);

do $$
declare name text;
begin
  foreach name in array array['watch_subject', 'watch_look', 'watch_day', 'watch_traffic', 'watch_position', 'watch_identity',
                              'watch_surname', 'watch_vip'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
  end loop;
end $$;

-- The home of whoever a resource (Patient, Practitioner) describes: "Nygade 12, 2. tv" is street, house 12.
create function trust.watch_home(body bytea, out street text, out house int, out postcode text) language plpgsql immutable as $$
declare
  told jsonb := convert_from(body, 'utf8')::jsonb;
  home jsonb := (select a from jsonb_array_elements(case jsonb_typeof(told -> 'address') when 'array' then told -> 'address' else '[]' end) a
                 where coalesce(a ->> 'use', 'home') = 'home' limit 1);
  parts text[] := regexp_match(lower(coalesce(home -> 'line' ->> 0, '')), '^\s*(.+?)\s+(\d{1,4})\D?');
begin
  street := parts[1];
  house := parts[2]::int;
  postcode := home ->> 'postalCode';
exception when others then
  return;  -- an address that cannot be read ties nobody to anybody
end $$;

create function trust.watch_surname_of(name text) returns text language sql immutable
return lower(split_part(btrim(name), ' ', -1));

-- Who the professionals with a job are, so many at a time; how many were found out.
create function trust.watch_identify(most int) returns int language plpgsql security definer set search_path = trust, pg_temp as $$
declare many int;
begin
  with unknown as materialized (
    select p.key, p.id, p.name from registries.professional p
    where exists (select from trust.employment e where e.professional = p.key)
      and not exists (select from trust.watch_identity i where i.actor = p.key) limit most
  ), described as materialized (
    select u.key, u.name, r.body,
      (select i.citizen from jsonb_array_elements(coalesce(convert_from(r.body, 'utf8')::jsonb -> 'identifier', '[]')) n
       join registries.citizen_identifier i on i.system = n ->> 'system' and i.value = n ->> 'value' limit 1) as citizen
    from unknown u left join fhir.resource r on r.bucket = fhir.bucket(u.id) and r.id = u.id and not r.deleted
  )
  insert into trust.watch_identity (actor, citizen, surname, street, house, postcode)
  select d.key, d.citizen, trust.watch_surname_of(d.name), h.street, h.house, h.postcode
  from described d
  left join registries.citizen c on c.key = d.citizen
  left join fhir.resource own on own.bucket = fhir.bucket(c.patient) and own.id = c.patient and not own.deleted
  left join lateral trust.watch_home(coalesce(own.body, d.body)) h on true
  on conflict do nothing;
  get diagnostics many = row_count;
  return many;
end $$;

-- What ties a professional to a citizen beside work: 1 oneself, 2 somebody they act for or who acts for them, 4 the same home,
-- 8 a neighbour, 16 a colleague, 32 an uncommon surname, 64 a citizen on the list of those others are curious about.
create function trust.watch_ties(me trust.watch_identity, organisation_key bigint, looked_at bigint) returns smallint
language plpgsql stable as $$
declare
  ties int := 0;
  their record;
begin
  if exists (select from trust.watch_vip v where v.citizen = looked_at) then
    ties := 64;
  end if;
  if exists (
    select from trust.watch_identity i join trust.employment e on e.professional = i.actor
    join registries.organisation mine on mine.key = organisation_key
    join registries.organisation theirs on theirs.key = e.organisation
    where i.citizen = looked_at and i.actor <> me.actor
      and coalesce(mine.places[2], mine.key) = any(theirs.places)) then
    ties := ties | 16;
  end if;
  if me.actor is null then
    return ties;
  end if;
  if me.citizen = looked_at then
    return ties | 1;
  end if;
  if me.citizen is not null and exists (
    select from trust.acting a where (a.actor = me.citizen and a.citizen = looked_at) or (a.citizen = me.citizen and a.actor = looked_at)) then
    ties := ties | 2;
  end if;
  if me.street is not null then
    select h.* into their from registries.citizen c
      join fhir.resource r on r.bucket = fhir.bucket(c.patient) and r.id = c.patient and not r.deleted
      cross join lateral trust.watch_home(r.body) h where c.key = looked_at;
    if their.street = me.street and their.postcode = me.postcode then
      ties := ties | case when their.house = me.house then 4 when abs(their.house - me.house) <= 6 then 8 else 0 end;
    end if;
  end if;
  if exists (
    select from trust.watch_surname s join registries.citizen c on c.key = looked_at
    where s.surname = me.surname and s.share < 0.002 and trust.watch_surname_of(c.name) = s.surname) then
    ties := ties | 32;
  end if;
  return ties;
end $$;

-- Take the next stretch of the log in; how many rows it had, and until when all is taken in. One worker at a time.
create function trust.watch_take_in(moment timestamptz, stretch interval, overlap interval, out taken int, out until timestamptz)
language plpgsql security definer set search_path = trust, pg_temp set enable_seqscan = off as $$
declare
  since timestamptz;
  earlier pg_snapshot;
begin
  taken := 0;
  if not pg_try_advisory_xact_lock(hashtext('trust.watch_take_in')) then
    return;
  end if;
  select p.at, case when p.system_id = c.system_identifier then p.snapshot end into since, earlier
    from trust.watch_position p cross join pg_control_system() c;
  if since is null then
    select coalesce(min(l.at), moment) - interval '1 microsecond' into since from foundation.access_log l;
    insert into trust.watch_position (at) values (since);
  end if;
  until := least(moment, since + stretch);
  if until < moment and not exists (select from foundation.access_log l where l.at > since and l.at <= until) then
    select least(moment, coalesce(min(l.at), moment) + stretch) into until from foundation.access_log l where l.at > until;  -- a quiet time
  end if;
  if until <= since - overlap then
    return;
  end if;
  until := greatest(until, since);
  with fresh as materialized (
    select l.id, l.at, l.kind, l.actor, coalesce(l.organisation, 0) as organisation, l.role, l.client, l.action, l.permitted, l.basis, l.citizen,
           (l.at at time zone 'Europe/Copenhagen')::date as day, 1 << extract(hour from l.at at time zone 'Europe/Copenhagen')::int as hour,
           l.kind = 2 and l.action in (1, 2, 3, 4, 8, 9, 10, 14) as look
    from (
      select * from foundation.access_log n where n.at > since and n.at <= until
      union all
      select * from foundation.access_log n  -- by the index on transactions: "is true" keeps the one on moments from being taken
      where n.transaction >= pg_snapshot_xmin(earlier) and not pg_visible_in_snapshot(n.transaction, earlier)
        and (n.at > since - overlap and n.at <= since) is true
    ) l
  ), seen as (
    update trust.watch_position p set snapshot = pg_current_snapshot(), system_id = c.system_identifier from pg_control_system() c
  ), counted as (
    insert into trust.watch_traffic as t
    select f.client, f.organisation, date_trunc('hour', f.at), count(*), count(*) filter (where not f.permitted) from fresh f group by 1, 2, 3
    on conflict (client, organisation, hour) do update set asks = t.asks + excluded.asks, refused = t.refused + excluded.refused
  ), subjects as (
    insert into trust.watch_subject as s (actor, organisation, role, due_at)
    select distinct f.actor, f.organisation, f.role, moment from fresh f where f.look
    on conflict (actor, organisation, role) do update set due_at = excluded.due_at
    returning s.id, s.actor, s.organisation, s.role
  ), days as (
    insert into trust.watch_day as d (subject, day, hours, misses)
    select s.id, f.day, bit_or(f.hour), count(*) filter (where f.citizen is null and f.action = 8 and not f.permitted)
    from fresh f join subjects s using (actor, organisation, role) where f.look group by 1, 2
    on conflict (subject, day) do update set hours = d.hours | excluded.hours, misses = d.misses + excluded.misses, citizens = null
  ), pairs as (
    select s.id, s.actor, s.organisation, f.day, f.citizen, count(*) as looks, count(*) filter (where not f.permitted) as refused,
           bit_or(f.hour) as hours, count(*) filter (where f.action = 8) as lookups,
           coalesce(bool_or(f.permitted and f.action <> 8 and f.basis in (2, 3, 13)), false) as firm,
           coalesce(bool_or(f.permitted and f.basis = 4), false) as declared,
           coalesce(bool_or(f.permitted and f.action <> 8 and f.basis = 8), false) as override,
           coalesce(bool_or(f.permitted and f.basis in (15, 16)), false) as afterwards,
           min(f.at) as first_at, max(f.at) as last_at
    from fresh f join subjects s using (actor, organisation, role) where f.look and f.citizen is not null group by 1, 2, 3, 4, 5
  ), looked as (
    insert into trust.watch_look as w
    select p.id, p.day, p.citizen, p.looks, p.refused, p.hours, p.lookups, p.firm, p.declared, p.override, p.afterwards,
           trust.watch_ties(i, p.organisation, p.citizen), case when p.firm or p.afterwards then true end, p.first_at, p.last_at
    from pairs p left join trust.watch_identity i on i.actor = p.actor
    on conflict (subject, day, citizen) do update set
      looks = w.looks + excluded.looks, refused = w.refused + excluded.refused, hours = w.hours | excluded.hours,
      lookups = w.lookups + excluded.lookups, firm = w.firm or excluded.firm, declared = w.declared or excluded.declared,
      override = w.override or excluded.override, afterwards = w.afterwards or excluded.afterwards, ties = excluded.ties,
      confirmed = coalesce(excluded.confirmed, w.confirmed), first_at = least(w.first_at, excluded.first_at),
      last_at = greatest(w.last_at, excluded.last_at)
  )
  select count(*) into taken from fresh;
  update trust.watch_position p set at = watch_take_in.until, rows = p.rows + taken;
end $$;

-- Looks that stood on no registered relation, and the days in which one could have come are over: whether it came. How many.
create function trust.watch_confirm(moment timestamptz, grace interval, most int) returns int
language plpgsql security definer set search_path = trust, pg_temp as $$
declare many int;
begin
  with due as materialized (
    select l.subject, l.day, l.citizen, l.first_at, l.last_at, coalesce(o.places, array[s.organisation]) as places
    from trust.watch_look l join trust.watch_subject s on s.id = l.subject left join registries.organisation o on o.key = s.organisation
    where l.confirmed is null and l.last_at < moment - grace order by l.last_at limit most
  ), decided as (
    select d.*,
      exists (select from trust.relation r where r.citizen = d.citizen and r.organisation = any(d.places) and r.class in (2, 3)
              and r.valid_from <= d.last_at + grace and r.valid_to >= d.first_at - interval '30 days')
      or exists (select from trust.past_contact p where p.citizen = d.citizen and p.organisation = any(d.places)
                 and p.ended_at between d.first_at - interval '30 days' and d.last_at + interval '30 days') as came
    from due d
  ), told as (
    update trust.watch_look l set confirmed = d.came from decided d
    where l.subject = d.subject and l.day = d.day and l.citizen = d.citizen
    returning l.subject, d.came
  ), again as (
    update trust.watch_subject s set due_at = moment where s.id in (select t.subject from told t where not t.came)
  )
  select count(*) into many from told;
  return many;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'trust'::regnamespace and p.proname like 'watch\_%' loop
    execute format('alter function %s owner to helhed_trust', signature);
  end loop;
end $$;
grant execute on function trust.watch_identify(int), trust.watch_take_in(timestamptz, interval, interval),
  trust.watch_confirm(timestamptz, interval, int) to helhed_app;
