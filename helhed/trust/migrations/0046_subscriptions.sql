-- Phase: pre. Subscriptions: who is told of what is created and changed, where, and how far they were told. New tables and functions
-- only; older code serves none.

create table trust.subscription (
  id uuid primary key,
  -- whose it is: the ask of whoever made it, as it is put again at each delivery
  kind smallint not null,
  actor bigint not null,
  organisation bigint,
  role text not null,
  purpose smallint not null,
  client text not null,
  read_types smallint[],             -- as the token's scopes let it read; null: every type
  authorisation uuid,                -- what the person allowed the app; null for a system, and for the demo's tokens
  -- what it is about
  type smallint not null,
  citizen bigint,                    -- whom its criteria name
  criteria text not null,            -- a search of that type, without the type
  body bytea not null,               -- the Subscription as it is told, without what changes by itself and without the values of its headers
  -- where it is told, and how
  endpoint text not null,
  headers bytea,                     -- sealed
  content text not null check (content in ('empty', 'id-only', 'full-resource')),
  heartbeat interval,
  patience interval not null,        -- how long an answer may take
  most int not null,                 -- events in one notification
  ends_at timestamptz not null,
  -- how it is
  version int not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  status text not null check (status in ('requested', 'active', 'error', 'off')),
  error text,
  position bigint not null,          -- how far in fhir.change it was looked
  told bigint not null,              -- the highest number that was given to an event
  attempts int not null,             -- that failed since one did not
  not_before timestamptz not null,
  leased_until timestamptz not null, -- somebody is at it
  said_at timestamptz                -- when the other side last took a notification
);
create index subscription_owner on trust.subscription (actor, kind);

-- Events that were sent, or are about to be: what $events tells again.
create table trust.subscription_event (
  subscription uuid not null references trust.subscription on delete cascade,
  number bigint not null,
  id uuid not null,
  version int not null,
  at timestamptz not null,
  taken boolean not null,            -- the other side said that it has it
  primary key (subscription, number)
);
create unique index subscription_event_row on trust.subscription_event (subscription, id, version);
create index subscription_event_at on trust.subscription_event (at);

-- The owner's ask, now.
create function trust.ask_of_subscription(s trust.subscription, moment timestamptz, trace uuid) returns fhir.ask language sql immutable
return row(s.kind, s.actor, s.organisation, s.role, s.purpose, s.client, s.read_types, '{}', moment, trace)::fhir.ask;

create function trust.owns_subscription(asker fhir.ask, s trust.subscription) returns boolean language sql immutable
return s.kind = asker.kind and s.actor = asker.actor and s.organisation is not distinct from asker.organisation and s.role = asker.role
   and s.client = asker.client;

-- Why it may go on no more; null while it may. A client that is not registered is the demo's.
create function trust.subscription_ended(s trust.subscription, moment timestamptz, demo boolean) returns text language sql stable as $$
  select coalesce(
    case when moment >= s.ends_at then 'It has come to its end.' end,
    (select case
       when c.id is null then case when demo and s.authorisation is null then null else 'There is no such app.' end
       when moment >= c.ended_at then 'The app was retired.'
       when s.authorisation is null and s.kind <> 3 then 'It takes an app that the person allowed something that lasts.' end
     from (select 1) one left join trust.client c on c.id = s.client),
    case when s.authorisation is not null and not exists (
      select from trust.authorisation a where a.id = s.authorisation and moment < least(a.ended_at, a.valid_to))
      then 'What the app was allowed has ended.' end,
    case when not coalesce((select t.active from trust.standing_of(trust.ask_of_subscription(s, moment, null)) t), false)
      then 'Its owner is not at work there any more.' end)
$$;

-- How somebody may see a subscription as such: whoever made it, and the network's operator.
create function trust.sees_subscription(asker fhir.ask, s trust.subscription) returns boolean language sql stable as $$
  select coalesce((select t.active from trust.standing_of(asker) t), false)
     and (trust.owns_subscription(asker, s) or (asker.kind = 2 and asker.role = 'operator'))
$$;

-- --- its owner ----------------------------------------------------------------------------------------------------------------

-- What keeps a subscription from being made or changed; null when it is done.
create function trust.put_subscription(asker fhir.ask, new trust.subscription, known_version int, at_most int, demo boolean) returns text
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.subscription;
  problem text;
begin
  perform pg_advisory_xact_lock(hashtext('trust.subscription'), hashtext(asker.actor::text));
  select s.* into old from trust.subscription s where s.id = new.id and trust.owns_subscription(asker, s) for update;
  new.kind := asker.kind; new.actor := asker.actor; new.organisation := asker.organisation; new.role := asker.role;
  new.purpose := asker.purpose; new.client := asker.client; new.read_types := asker.read_types;
  new.changed_at := asker.at; new.attempts := 0; new.not_before := '-infinity'; new.leased_until := '-infinity'; new.error := null;
  if new.headers = '' then
    new.headers := old.headers;  -- as they were
  end if;
  new.position := (select coalesce(max(c.number), 0) from fhir.change c);
  problem := trust.subscription_ended(new, asker.at, demo);
  if problem is null and known_version is not null and (old.id is null or not trust.sees_subscription(asker, old)) then
    problem := 'unknown';
  elsif problem is null and known_version is null and (
    select count(*) from trust.subscription s where s.kind = asker.kind and s.actor = asker.actor) >= at_most then
    problem := 'many';
  elsif problem is null and known_version > 0 and known_version <> old.version then
    problem := 'version';
  end if;
  perform trust.note(asker, 125::smallint, new.citizen, case when problem is null then case
    when new.citizen is null then 7::smallint else trust.may_see(asker, new.citizen, new.type) end end, new.id);
  if problem is not null then
    return problem;
  end if;
  insert into fhir.followed (type) values (new.type) on conflict do nothing;
  if known_version is null then
    new.version := 1; new.created_at := asker.at; new.told := 0; new.said_at := null;
    insert into trust.subscription select new.*;
    return null;
  end if;
  new.version := old.version + 1; new.created_at := old.created_at; new.told := old.told; new.said_at := old.said_at;
  if old.status <> 'off' and old.type = new.type and old.criteria = new.criteria then
    new.position := old.position;  -- nothing is lost between an error and its mending
  else
    delete from trust.subscription_event e where e.subscription = new.id and not e.taken;
  end if;
  update trust.subscription s set (authorisation, read_types, type, citizen, criteria, body, endpoint, headers, content, heartbeat, patience, most, ends_at,
    version, changed_at, status, error, position, attempts, not_before, leased_until) = (new.authorisation, new.read_types, new.type, new.citizen,
    new.criteria, new.body, new.endpoint, new.headers, new.content, new.heartbeat, new.patience, new.most, new.ends_at, new.version,
    new.changed_at, new.status, new.error, new.position, new.attempts, new.not_before, new.leased_until)
  where s.id = new.id;
  return null;
end $$;

-- False when there is none that the asker may end.
create function trust.drop_subscription(asker fhir.ask, wanted uuid, known_version int) returns text
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.subscription;
  seen boolean;
begin
  select s.* into old from trust.subscription s where s.id = wanted for update;
  seen := old.id is not null and trust.sees_subscription(asker, old);
  perform trust.note(asker, 126::smallint, case when seen then old.citizen end, case when seen then 7::smallint end, wanted);
  if not seen then
    return 'unknown';
  elsif known_version <> old.version then
    return 'version';
  end if;
  delete from trust.subscription s where s.id = wanted;
  return null;
end $$;

-- The asker's own, or those of everybody for the operator; a look. Headers stay sealed where they are, and are told to nobody.
create function trust.subscriptions_seen(asker fhir.ask, wanted uuid, type_number smallint, action smallint, at_most int)
returns table (id uuid, body bytea, version int, changed_at timestamptz, status text, error text, type smallint, criteria text, content text, told bigint, own boolean)
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  return query
  with found as materialized (
    select s.* from trust.subscription s
    where (wanted is null or s.id = wanted) and (asker.read_types is null or type_number = any(asker.read_types))
      and trust.sees_subscription(asker, s)
    order by s.changed_at desc, s.id desc limit at_most
  ), named as (
    select f.citizen, array_agg(f.id) as ids from found f where f.citizen is not null group by f.citizen
    union all
    select null, coalesce(array[wanted], '{}') where not exists (select from found f where f.citizen is not null)
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action,
           wanted is null or exists (select from found), case when wanted is null or exists (select from found) then 7 end,
           n.citizen, type_number, array_remove(n.ids, null), '{}', asker.trace
    from named n where action is not null
  )
  select f.id, f.body, f.version, f.changed_at, f.status, f.error, f.type, f.criteria, f.content, f.told, trust.owns_subscription(asker, f) from found f
  order by f.changed_at desc, f.id desc;
end $$;

-- --- delivery -----------------------------------------------------------------------------------------------------------------

-- Turns off what may go on no more; how many.
create function trust.stop_subscriptions(moment timestamptz, demo boolean) returns int
language plpgsql security definer set search_path = trust, pg_temp as $$
declare stopped int;
begin
  update trust.subscription s set status = 'off', error = trust.subscription_ended(s, moment, demo), version = s.version + 1, changed_at = moment
  where s.status <> 'off' and trust.subscription_ended(s, moment, demo) is not null;
  get diagnostics stopped = row_count;
  return stopped;
end $$;

-- Takes those where there may be something to do, for a while: nobody else takes them until then. Of one owner no more are looked after
-- at once than one may have, so that whoever answers slowly, at however many endpoints, keeps nobody else waiting.
create function trust.claim_subscriptions(moment timestamptz, lease interval, at_most int, of_one_owner int)
returns table (id uuid, type smallint, criteria text, endpoint text, headers bytea, content text, patience interval, most int, status text,
               told bigint, attempts int, beat boolean)
language sql security definer set search_path = trust, pg_temp as $$
  with wanting as materialized (
    select s.id, row_number() over (partition by s.kind, s.actor order by s.not_before, s.leased_until, s.id) + (
             select count(*) from trust.subscription o where o.kind = s.kind and o.actor = s.actor and o.leased_until > moment) as place
    from trust.subscription s
    where s.status in ('requested', 'active') and s.not_before <= moment and s.leased_until <= moment and (
      s.status = 'requested' or moment >= s.said_at + s.heartbeat
      or exists (select from fhir.change c where c.type = s.type and c.number > s.position)
      or exists (select from trust.subscription_event e where e.subscription = s.id and not e.taken))
  ), due as (
    select s.id, s.heartbeat is not null and moment >= s.said_at + s.heartbeat as beat
    from trust.subscription s join wanting w on w.id = s.id
    where w.place <= of_one_owner and s.status in ('requested', 'active') and s.not_before <= moment and s.leased_until <= moment
    order by s.not_before, s.leased_until, s.id limit at_most for update of s skip locked
  )
  update trust.subscription s set leased_until = moment + lease + s.patience from due d where s.id = d.id
  returning s.id, s.type, s.criteria, s.endpoint, s.headers, s.content, s.patience, s.most, s.status, s.told, s.attempts, coalesce(d.beat, false)
$$;

-- What comes next of what changed, as far as its owner may see it now: at most so many rows, looking at most so far. Of everything else
-- nothing is told but how far was looked.
create function trust.next_changes(s trust.subscription, asker fhir.ask, plan jsonb, most int)
returns table (place bigint, id uuid, type smallint, version int, updated timestamptz, citizen bigint, concerns bigint[], basis smallint,
               body bytea, at timestamptz, looked bigint)
language sql stable as $$
  with part as materialized (
    select c.number, c.id, c.at from fhir.change c where c.type = s.type and c.number > s.position order by c.number limit 500
  ), seen as materialized (
    select t.* from fhir.tellable(asker, plan, array(select p.id from part p)) t
    where not exists (select from trust.subscription_event e where e.subscription = s.id and e.id = t.id and e.version = t.version)
  ), first as (
    select min(p.number) as place, min(p.at) as at, p.id from part p join seen x on x.id = p.id group by p.id
  ), page as (
    select f.place, x.id, x.type, x.version, x.updated, x.citizen, x.concerns, x.basis, x.body, f.at
    from first f join seen x on x.id = f.id order by f.place limit most
  ), reached as (
    select case when (select count(*) from first) > most then (select max(p.place) from page p) else (select max(p.number) from part p) end as looked
  )
  select p.place, p.id, p.type, p.version, p.updated, p.citizen, p.concerns, p.basis, p.body, p.at, r.looked
  from reached r left join page p on true where r.looked is not null
$$;

-- What was numbered, was not taken, and may be seen no more: it is not sent again.
create function trust.withdraw_events(s trust.subscription, asker fhir.ask, plan jsonb) returns void language sql as $$
  delete from trust.subscription_event e
  where e.subscription = s.id and not e.taken and e.id not in (
    select t.id from fhir.tellable(asker, plan, array(select w.id from trust.subscription_event w where w.subscription = s.id and not w.taken)) t)
$$;

-- Whether there is anything to tell. Nobody is told anything by it, and what may not be seen is left behind: no connection is opened for it.
create function trust.has_events(wanted uuid, moment timestamptz, plan jsonb) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  s trust.subscription;
  asker fhir.ask;
  one record;
begin
  select x.* into s from trust.subscription x where x.id = wanted for update;
  asker := trust.ask_of_subscription(s, moment, gen_random_uuid());
  perform trust.withdraw_events(s, asker, plan);
  if exists (select from trust.subscription_event e where e.subscription = s.id and not e.taken) then
    return true;
  end if;
  loop
    select n.* into one from trust.next_changes(s, asker, plan, 1) n;
    if not found then
      return false;
    elsif one.id is not null then
      return true;
    end if;
    s.position := one.looked;
    update trust.subscription x set position = s.position where x.id = s.id;
  end loop;
end $$;

-- The second decision: what is told now, by the facts of now. Numbers and log rows are there before a byte leaves; what was not taken
-- before comes again under its number. Nothing when there is nothing, or when the subscription may not go on.
create function trust.tell_events(wanted uuid, moment timestamptz, trace uuid, plan jsonb, demo boolean)
returns table (number bigint, type smallint, id uuid, version int, updated timestamptz, at timestamptz, body bytea)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  s trust.subscription;
  asker fhir.ask;
begin
  select x.* into s from trust.subscription x where x.id = wanted and x.status = 'active' for update;
  if s.id is null or trust.subscription_ended(s, moment, demo) is not null then
    return;
  end if;
  asker := trust.ask_of_subscription(s, moment, trace);
  perform trust.withdraw_events(s, asker, plan);
  if not exists (select from trust.subscription_event e where e.subscription = s.id and not e.taken) then
    with next as materialized (
      select * from trust.next_changes(s, asker, plan, s.most)
    ), numbered as (
      insert into trust.subscription_event (subscription, number, id, version, at, taken)
      select s.id, s.told + row_number() over (order by n.place), n.id, n.version, n.at, false from next n where n.id is not null
      returning 1
    )
    update trust.subscription x set position = (select max(n.looked) from next n), told = s.told + (select count(*) from numbered)
    where x.id = s.id and exists (select from next);
  end if;
  return query select * from trust.events_told(s, asker, plan,
    array(select e.number from trust.subscription_event e where e.subscription = s.id and not e.taken));
end $$;

-- Numbered events as they are told now: decided, and logged as delivered, one row for each citizen.
create function trust.events_told(s trust.subscription, asker fhir.ask, plan jsonb, numbers bigint[])
returns table (number bigint, type smallint, id uuid, version int, updated timestamptz, at timestamptz, body bytea)
language plpgsql as $$
begin
  return query
  with event as materialized (
    select e.number, e.id, e.at from trust.subscription_event e where e.subscription = s.id and e.number = any(numbers)
  ), seen as materialized (
    select t.* from fhir.tellable(asker, plan, array(select e.id from event e)) t
  ), looked as (
    select x.citizen, array_agg(x.id) as ids, array_agg(x.version) as versions, min(x.basis) as basis,
           (select array_agg(distinct k) from seen y cross join unnest(y.concerns) k where y.citizen is not distinct from x.citizen) as concerned
    from seen x group by x.citizen
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 98, true, l.basis, l.citizen,
           s.type, l.ids, l.versions, asker.trace, l.concerned
    from looked l
  )
  select e.number, x.type, x.id, x.version, x.updated, e.at, case when s.content = 'full-resource' then x.body end
  from event e join seen x on x.id = e.id order by e.number;
end $$;

-- The other side has it: these events, a handshake, or a heartbeat. Whoever is at it goes on for a while.
create function trust.events_taken(wanted uuid, moment timestamptz, numbers bigint[], lease interval) returns void
language sql security definer set search_path = trust, pg_temp as $$
  update trust.subscription_event e set taken = true where e.subscription = wanted and e.number = any(numbers);
  update trust.subscription s set said_at = moment, attempts = 0, error = null, leased_until = moment + lease + s.patience,
    version = s.version + (s.status = 'requested')::int, changed_at = case when s.status = 'requested' then moment else s.changed_at end,
    status = case when s.status = 'requested' then 'active' else s.status end
  where s.id = wanted
$$;

-- The other side did not take it: it is tried again then, and set aside after so many times.
create function trust.events_refused(wanted uuid, moment timestamptz, why text, again timestamptz, at_most int) returns boolean
language sql security definer set search_path = trust, pg_temp as $$
  update trust.subscription s set attempts = s.attempts + 1, not_before = again, leased_until = '-infinity', error = why,
    version = s.version + (s.attempts + 1 >= at_most)::int, changed_at = case when s.attempts + 1 >= at_most then moment else s.changed_at end,
    status = case when s.attempts + 1 >= at_most and s.status <> 'off' then 'error' else s.status end
  where s.id = wanted returning s.status = 'error'
$$;

-- There was nothing to do.
create function trust.release_subscription(wanted uuid) returns void
language sql security definer set search_path = trust, pg_temp as $$
  update trust.subscription s set leased_until = '-infinity' where s.id = wanted
$$;

-- Events that were sent before, told again to the owner who asks: by the facts of now.
create function trust.events_again(asker fhir.ask, wanted uuid, first bigint, last bigint, plan jsonb, most int, with_body boolean)
returns table (number bigint, type smallint, id uuid, version int, updated timestamptz, at timestamptz, body bytea)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare s trust.subscription;
begin
  select x.* into s from trust.subscription x where x.id = wanted and trust.owns_subscription(asker, x);
  if s.id is not null then
    s.content := case when with_body then 'full-resource' else 'id-only' end;
    return query select * from trust.events_told(s, asker, plan, array(
      select e.number from trust.subscription_event e where e.subscription = s.id and e.number between first and last order by e.number limit most));
  end if;
end $$;

-- Lets go of events that are old, of what is off and old, and of types that nobody follows.
create function trust.forget_subscriptions(before timestamptz, off_before timestamptz) returns void
language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.subscription s where s.status = 'off' and s.changed_at < off_before;
  delete from trust.subscription_event e where e.at < before;
  delete from fhir.followed f where not exists (select from trust.subscription s where s.type = f.type and s.status <> 'off');
  delete from fhir.change c where c.at < before or not exists (select from fhir.followed f where f.type = c.type);
$$;

do $$
declare
  signature regprocedure;
begin
  alter table trust.subscription owner to helhed_trust;
  alter table trust.subscription_event owner to helhed_trust;
  foreach signature in array array[
    'trust.ask_of_subscription(trust.subscription, timestamptz, uuid)', 'trust.owns_subscription(fhir.ask, trust.subscription)',
    'trust.subscription_ended(trust.subscription, timestamptz, boolean)', 'trust.sees_subscription(fhir.ask, trust.subscription)',
    'trust.next_changes(trust.subscription, fhir.ask, jsonb, int)', 'trust.withdraw_events(trust.subscription, fhir.ask, jsonb)',
    'trust.events_told(trust.subscription, fhir.ask, jsonb, bigint[])']::regprocedure[] loop
    execute format('alter function %s owner to helhed_trust', signature);
  end loop;
  foreach signature in array array[
    'trust.put_subscription(fhir.ask, trust.subscription, int, int, boolean)', 'trust.drop_subscription(fhir.ask, uuid, int)',
    'trust.subscriptions_seen(fhir.ask, uuid, smallint, smallint, int)', 'trust.stop_subscriptions(timestamptz, boolean)',
    'trust.claim_subscriptions(timestamptz, interval, int, int)', 'trust.has_events(uuid, timestamptz, jsonb)',
    'trust.tell_events(uuid, timestamptz, uuid, jsonb, boolean)', 'trust.events_taken(uuid, timestamptz, bigint[], interval)',
    'trust.events_refused(uuid, timestamptz, text, timestamptz, int)', 'trust.release_subscription(uuid)',
    'trust.events_again(fhir.ask, uuid, bigint, bigint, jsonb, int, boolean)', 'trust.forget_subscriptions(timestamptz, timestamptz)']::regprocedure[] loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
