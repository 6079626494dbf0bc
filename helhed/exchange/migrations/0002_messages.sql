-- Phase: first. Messages between organisations: kept as they came, acknowledged once, delivered, followed. New tables and functions only;
-- older code knows nothing of them.
grant usage on schema foundation, fhir, registries, trust to helhed_exchange;
grant insert on foundation.access_log to helhed_exchange;
grant select on registries.organisation, registries.citizen, registries.citizen_identifier to helhed_exchange;
grant select on fhir.key_set to helhed_exchange;
grant select on trust.block to helhed_exchange;
grant execute on function trust.stands(fhir.ask), foundation.proven(text[]) to helhed_exchange;
grant execute on function registries.units_as_of(bigint[], date, timestamptz) to helhed_exchange;

-- One message, whatever number of envelopes it came in. Its sender calls it by MessageHeader.id.
create table exchange.message (
  number bigint generated always as identity primary key,
  id uuid not null unique,
  sender bigint not null,            -- the unit that wrote it
  header text not null,
  submitted_by bigint not null,      -- the organisation whose system or staff handed it in: origin of the rows
  receiver bigint,                   -- the unit it is for; null when nobody knows it
  citizen bigint,
  type text not null,                -- event code
  activity text not null,
  thread text,                       -- Communication.identifier: what belongs together
  occurred timestamptz not null,     -- as its sender says
  received_at timestamptz not null,
  digest bytea not null,             -- SHA-256 of the content without its envelope
  body bytea,                        -- as it came first; null once what it brought was purged
  code text not null check (code in ('ok', 'transient-error', 'fatal-error')),
  problem text,
  ack bytea not null,                -- as it was answered
  sender_mode text not null,
  receiver_mode text not null,
  late boolean not null default false,  -- newer was here already: its rows were left as they were
  messaged bytea,                    -- SHA-256 of what was messaged and is shared, in canonical form
  shared bytea,                      -- the same of the rows
  unique (sender, header)
);
create index message_citizen on exchange.message (citizen, number desc);
create index message_receiver on exchange.message (receiver, number desc);
create index message_submitted on exchange.message (submitted_by, number desc);
create index message_thread on exchange.message (thread) where thread is not null;

-- Bundle.id, which a sender never uses again.
create table exchange.envelope (
  sender bigint not null,
  envelope text not null,
  message uuid not null,
  at timestamptz not null,
  ack bytea not null,
  primary key (sender, envelope)
);

-- What a message wrote.
create table exchange.message_row (message uuid not null, id uuid not null, type smallint not null, primary key (message, id));
create index message_row_id on exchange.message_row (id);

-- What later messages of the same origin go on about: a stay, a report; how far it has come.
create table exchange.known_row (
  origin bigint not null,
  key text not null,
  id uuid not null,
  occurred timestamptz not null,
  primary key (origin, key)
);

-- Messages that were taken back, also before they came.
create table exchange.retraction (sender bigint not null, header text not null, by_message uuid not null, primary key (sender, header, by_message));

create table exchange.message_task (task uuid primary key, message uuid not null);
create index message_task_message on exchange.message_task (message);

-- One copy on its way to the receiver's own system.
create table exchange.delivery (
  id uuid primary key,
  message uuid not null,
  receiver bigint not null,
  channel text not null check (channel in ('rest', 'queue', 'file')),
  address text,
  state text not null check (state in ('waiting', 'sent', 'acknowledged', 'refused', 'withheld', 'given-up')),
  attempts int not null default 0,
  envelope uuid,                     -- of the last attempt
  not_before timestamptz not null,
  changed_at timestamptz not null,
  said text                          -- what the other side answered
);
create index delivery_due on exchange.delivery (not_before) where state in ('waiting', 'sent');
create index delivery_message on exchange.delivery (message);
create index delivery_receiver on exchange.delivery (receiver, not_before) where state in ('waiting', 'sent');

-- What became of a message, step by step, from the sender to who acted on it. No content.
create table exchange.trace (
  number bigint generated always as identity primary key,
  message uuid not null,
  at timestamptz not null,
  step text not null,
  organisation bigint,               -- who did it
  detail text not null default ''
);
create index trace_message on exchange.trace (message, number);

-- What could not be taken: as it came, and why.
create table exchange.parked (
  id uuid primary key,
  at timestamptz not null,
  organisation bigint not null,      -- whose system handed it in
  channel text not null,
  reason text not null,
  problem text not null,
  message uuid,                      -- where it could be told whose it is
  body bytea,
  state text not null default 'waiting' check (state in ('waiting', 'taken', 'dismissed')),
  moved_at timestamptz,
  moved_by bigint
);
create index parked_waiting on exchange.parked (at) where state = 'waiting';

-- How an organisation sends and takes messages of a type; without a row: shared.
create table exchange.mode (
  organisation bigint not null,
  type text not null,
  mode text not null check (mode in ('message', 'shared', 'both')),
  channel text not null check (channel in ('rest', 'queue', 'file')),
  address text,
  since timestamptz not null,
  set_by bigint not null,
  primary key (organisation, type)
);

-- --- who is asking ------------------------------------------------------------------------------------------------------------

-- Whether the asker stands where it says, and a unit is its organisation or one beneath.
create function exchange.acts_for(asker fhir.ask, unit bigint) returns boolean language sql stable as $$
  select asker.kind in (2, 3) and exists (select from registries.organisation o where o.key = unit and asker.organisation = any(o.places))
     and trust.stands(asker)
$$;

-- The nearest mode of a unit: its own, or that of a unit above it.
create function exchange.mode_of(unit bigint, type_name text) returns exchange.mode language sql stable as $$
  select m.* from registries.organisation o cross join lateral unnest(o.places) with ordinality p(place, depth)
  join exchange.mode m on m.organisation = p.place and m.type in (type_name, '')
  where o.key = unit order by p.depth, m.type desc limit 1
$$;

-- Whether the citizen blocks the receiver for what comes from the sender. A block of one person's looks decides at the
-- look instead; one of a part of the record does too, and at the hand-over (0003).
create function exchange.blocked(citizen_key bigint, receiver bigint, origin bigint, moment timestamptz) returns boolean language sql stable as $$
  select exists (
    select from trust.block b
    where b.citizen in (select citizen_key union all select unnest(k.keys) from fhir.key_set k where k.key = citizen_key)
      and b.valid_from <= moment and moment < b.valid_to and b.who_professional is null and not b.narrow
      and (b.who_organisation is null or b.who_organisation = receiver or (not b.who_alone and exists (
        select from registries.organisation o where o.key = receiver and b.who_organisation = any(o.places))))
      and (b.what_organisation is null or b.what_organisation = origin or (not b.what_alone and exists (
        select from registries.organisation o where o.key = origin and b.what_organisation = any(o.places)))))
$$;

create function exchange.note_look(asker fhir.ask, action smallint, permitted boolean, given smallint, citizen_key bigint, about uuid[])
returns void language sql as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action, permitted, given,
          citizen_key, about, '{}', asker.trace)
$$;

create function exchange.only_for_the_network() returns void language plpgsql as $$
begin
  if session_user = 'helhed_app' and not foundation.proven(array['store']) then
    raise exception 'no proof that this was asked for' using errcode = '42501';
  end if;
end $$;

-- --- taking a message ----------------------------------------------------------------------------------------------------------

-- What is known before a message is judged: who the parties are, whose it is, and whether it was here before. Messages of one name
-- take turns. The envelope and the content of another sender are nobody's business: only the asker's own are looked at.
create function exchange.begin_message(asker fhir.ask, sender_sor text, receiver_sor text, header_id text, envelope_id text, type_name text,
                                       systems text[], numbers text[], sors text[], keys text[])
returns table (stands boolean, own boolean, sender bigint, sender_id uuid, receiver bigint, receiver_id uuid, closed boolean, blocked boolean,
               patients uuid[], organisations jsonb, known jsonb, message uuid, code text, digest bytea, ack bytea, envelope_message uuid,
               envelope_ack bytea, sender_mode text, receiver_mode text, channel text, address text, retracted boolean)
language plpgsql security definer set search_path = exchange, pg_temp as $$
declare
  there exchange.message;
  kept exchange.envelope;
  way exchange.mode;
begin
  select o.key, o.id into sender, sender_id from registries.organisation o where o.sor = sender_sor
  order by (asker.organisation = any(o.places)) desc, o.key limit 1;
  stands := trust.stands(asker) and asker.kind in (2, 3);
  own := sender is not null and exists (select from registries.organisation o where o.key = sender and asker.organisation = any(o.places));
  if not stands or not own then
    return next; return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended(sender || ' ' || header_id, 6));
  select o.key, o.id into receiver, receiver_id from registries.organisation o where o.sor = receiver_sor order by o.key limit 1;
  closed := coalesce((select u.said ->> 'active' = 'false' from registries.units_as_of(array[receiver], (asker.at at time zone 'Europe/Copenhagen')::date, 'now') u), false);
  select array_agg(distinct c.patient) into patients
  from unnest(systems, numbers) q(system, value)
  join registries.citizen_identifier i on i.system = q.system and i.value = q.value
  join registries.citizen c on c.key = coalesce((select k.head from fhir.key_set k where k.key = i.citizen), i.citizen);
  organisations := (select jsonb_object_agg(q.sor, q.id) from (
    select distinct on (o.sor) o.sor, o.id from registries.organisation o where o.sor = any(sors) order by o.sor, o.key) q);
  known := (select jsonb_object_agg(k.key, jsonb_build_object('id', k.id, 'occurred', k.occurred))
            from exchange.known_row k where k.origin = asker.organisation and k.key = any(keys));
  select m.* into there from exchange.message m where m.sender = begin_message.sender and m.header = header_id;
  message := there.id; code := there.code; digest := there.digest; ack := there.ack;
  select e.* into kept from exchange.envelope e where e.sender = begin_message.sender and e.envelope = envelope_id;
  envelope_message := kept.message; envelope_ack := kept.ack;
  sender_mode := coalesce((exchange.mode_of(sender, type_name)).mode, 'shared');
  way := exchange.mode_of(receiver, type_name);
  receiver_mode := coalesce(way.mode, 'shared'); channel := way.channel; address := way.address;
  retracted := exists (select from exchange.retraction r where r.sender = begin_message.sender and r.header = header_id);
  blocked := cardinality(patients) = 1 and receiver is not null
    and exchange.blocked(fhir.key(patients[1]), receiver, asker.organisation, asker.at);
  return next;
end $$;

-- A message with all that came of it, in the transaction that wrote its rows.
create function exchange.keep_message(asker fhir.ask, m exchange.message, envelope_id text, rows uuid[], types smallint[], keys text[],
                                      known uuid[], tasks uuid[], taken_back text[], way text, where_to text, steps text[], given smallint)
returns void language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  if not exchange.acts_for(asker, m.sender) then
    raise exception 'not its message' using errcode = '42501';
  end if;
  insert into exchange.message (id, sender, header, submitted_by, receiver, citizen, type, activity, thread, occurred, received_at, digest, body,
                                code, problem, ack, sender_mode, receiver_mode, late, messaged, shared)
  values (m.id, m.sender, m.header, asker.organisation, m.receiver, m.citizen, m.type, m.activity, m.thread, m.occurred, asker.at, m.digest,
          m.body, m.code, m.problem, m.ack, m.sender_mode, m.receiver_mode, m.late, m.messaged, m.shared)
  on conflict (sender, header) do update set received_at = excluded.received_at, receiver = excluded.receiver, citizen = excluded.citizen,
    digest = excluded.digest, body = excluded.body, code = excluded.code, problem = excluded.problem, ack = excluded.ack,
    sender_mode = excluded.sender_mode, receiver_mode = excluded.receiver_mode, late = excluded.late, messaged = excluded.messaged,
    shared = excluded.shared
    where exchange.message.code = 'transient-error';
  insert into exchange.envelope values (m.sender, envelope_id, m.id, asker.at, m.ack)
  on conflict (sender, envelope) do update set ack = excluded.ack, at = excluded.at;
  insert into exchange.message_row select m.id, q.id, q.type from unnest(rows, types) q(id, type) on conflict do nothing;
  insert into exchange.known_row select asker.organisation, q.key, q.id, m.occurred from unnest(keys, known) q(key, id)
  on conflict (origin, key) do update set occurred = excluded.occurred where exchange.known_row.occurred <= excluded.occurred;
  insert into exchange.message_task select t, m.id from unnest(tasks) t on conflict do nothing;
  insert into exchange.retraction select m.sender, h, m.id from unnest(taken_back) h on conflict do nothing;
  insert into exchange.trace (message, at, step, organisation, detail)
  select m.id, asker.at, s, case when s = 'acknowledged' then null else asker.organisation end, case when s = 'refused' then coalesce(m.problem, '') else '' end
  from unnest(steps) s;
  if way is not null and m.code = 'ok' then
    insert into exchange.delivery (id, message, receiver, channel, address, state, not_before, changed_at)
    values (gen_random_uuid(), m.id, m.receiver, way, where_to, 'waiting', asker.at, asker.at);
  end if;
  if m.citizen is not null then
    perform exchange.note_look(asker, 190::smallint, m.code = 'ok', case when m.code = 'ok' then given end, m.citizen, array[m.id]);
  end if;
end $$;

-- The same message in another envelope: the answer it got, under another name.
create function exchange.keep_again(asker fhir.ask, of_message uuid, envelope_id text, new_ack bytea) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  if not exists (select from exchange.message m where m.id = of_message and exchange.acts_for(asker, m.sender)) then
    raise exception 'not its message' using errcode = '42501';
  end if;
  insert into exchange.envelope select m.sender, envelope_id, m.id, asker.at, new_ack from exchange.message m where m.id = of_message
  on conflict do nothing;
  insert into exchange.trace (message, at, step, organisation) values (of_message, asker.at, 'duplicate', asker.organisation);
end $$;

-- What could not be taken is kept as it came.
create function exchange.park(asker fhir.ask, parked uuid, way text, why text, what text, of_message uuid, content bytea) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  if asker.organisation is null or not trust.stands(asker) then
    return;
  end if;
  insert into exchange.parked (id, at, organisation, channel, reason, problem, message, body)
  values (parked, asker.at, asker.organisation, way, why, what, of_message, content);
  perform exchange.note_look(asker, 194::smallint, false, null, null, array[parked]);
end $$;

do $$
declare name text;
begin
  foreach name in array array['message', 'envelope', 'message_row', 'known_row', 'retraction', 'message_task', 'delivery', 'trace', 'parked', 'mode'] loop
    execute format('alter table exchange.%I owner to helhed_exchange', name);
  end loop;
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace loop
    execute format('alter function %s owner to helhed_exchange', name);
  end loop;
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace
    and p.proname in ('begin_message', 'keep_message', 'keep_again', 'park') loop
    execute format('grant execute on function %s to helhed_app', name);
  end loop;
end $$;
grant execute on function fhir.key(uuid), fhir.bucket(uuid) to helhed_exchange;
