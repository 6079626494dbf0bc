-- Phase: pre. Messages on the rest of their way: handed to the receiver's own system, answered, escalated, followed, mended. New functions,
-- a new column and a new table; older code goes on keeping messages without them.
grant execute on function trust.may_see(fhir.ask, bigint, smallint) to helhed_exchange;
grant select on fhir.purged_row to helhed_exchange;

alter table exchange.delivery add column escalated_at timestamptz;
create index delivery_to_escalate on exchange.delivery (changed_at) where state in ('refused', 'given-up', 'withheld') and escalated_at is null;

create function exchange.step(of_message uuid, moment timestamptz, what text, who bigint, more text) returns void language sql as $$
  insert into exchange.trace (message, at, step, organisation, detail) values (of_message, moment, what, who, left(more, 500))
$$;

-- Whether a unit is the asker's organisation or beneath it. What the asker is otherwise is asked once, before.
create function exchange.beneath(asker fhir.ask, unit bigint) returns boolean language sql stable as $$
  select exists (select from registries.organisation o where o.key = unit and asker.organisation = any(o.places))
$$;

-- Somebody who keeps the network running, at work.
create function exchange.keeps_running(asker fhir.ask) returns boolean language sql stable as $$
  select asker.kind = 2 and asker.role = 'operator' and trust.stands(asker)
$$;

-- Whether the citizen blocks a place from one of these rows, by its author, its time or itself: who holds a copy of it has no look left
-- that could be refused.
create function fhir.blocks_any(ids uuid[], place bigint, moment timestamptz) returns boolean
language sql stable security definer set search_path = fhir, pg_temp as $$
  select exists (
    select from unnest(ids) i(id)
    join fhir.resource r on r.bucket = fhir.bucket(i.id) and r.id = i.id and r.citizen is not null
    join trust.block b on b.citizen = any(trust.keys_of(array[r.citizen])) and b.valid_from <= moment and moment < b.valid_to
    where b.narrow and b.who_professional is null
      and (b.who_organisation is null or b.who_organisation = place or (not b.who_alone and exists (
        select from registries.organisation o where o.key = place and b.who_organisation = any(o.places))))
      and trust.reaches(b, r.origin, r.id, r.authors, r.contents, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)))
$$;
alter function fhir.blocks_any(uuid[], bigint, timestamptz) owner to helhed_fhir;
revoke execute on function fhir.blocks_any(uuid[], bigint, timestamptz) from public;
grant execute on function fhir.blocks_any(uuid[], bigint, timestamptz) to helhed_exchange;

-- Whether no copy of a message goes to a receiver now.
create function exchange.closed_to(of_message uuid, citizen_key bigint, receiver bigint, origin bigint, moment timestamptz) returns boolean
language sql stable as $$
  select exchange.blocked(citizen_key, receiver, origin, moment)
    or fhir.blocks_any(array(select w.id from exchange.message_row w where w.message = of_message), receiver, moment)
$$;

-- --- to the receiver's own system -----------------------------------------------------------------------------------------------

-- The copies that wait for the asker's organisation, each in a new envelope; what nobody answered comes again. The citizen's block and a
-- purge hold here as well: then the copy is withheld. Who has sent often enough gives up. Each citizen's log says that it was handed over.
create function exchange.hand_over(asker fhir.ask, way text, at_most int, patience interval, most_attempts int)
returns table (delivery uuid, envelope uuid, message uuid, type text, header text, sender text, sent_at timestamptz, attempt int, address text, body bytea)
language plpgsql security definer set search_path = exchange, pg_temp as $$
declare
  due record;
begin
  perform exchange.only_for_the_network();
  if asker.kind <> 3 or not trust.stands(asker) then
    return;
  end if;
  for due in
    select d.id, d.attempts, d.receiver, d.address as where_to, m.id as of_message, m.submitted_by, m.citizen, m.body as content, m.type as family,
           m.header as called, o.sor
    from exchange.delivery d join exchange.message m on m.id = d.message join registries.organisation o on o.key = m.sender
    where d.channel = way and d.state in ('waiting', 'sent') and d.not_before <= asker.at
      and d.receiver in (select u.key from registries.organisation u where asker.organisation = any(u.places))
    order by m.number limit at_most for update of d skip locked
  loop
    if due.content is null or exchange.closed_to(due.of_message, due.citizen, due.receiver, due.submitted_by, asker.at) then
      update exchange.delivery d set state = 'withheld', changed_at = asker.at where d.id = due.id;
      perform exchange.step(due.of_message, asker.at, 'withheld', null, '');
      continue;
    elsif due.attempts > most_attempts then
      update exchange.delivery d set state = 'given-up', changed_at = asker.at where d.id = due.id;
      perform exchange.step(due.of_message, asker.at, 'given-up', null, '');
      continue;
    end if;
    delivery := due.id; envelope := gen_random_uuid(); message := due.of_message; type := due.family; header := due.called; sender := due.sor;
    sent_at := asker.at; attempt := due.attempts + 1; address := due.where_to; body := due.content;
    update exchange.delivery d set state = 'sent', attempts = attempt, envelope = hand_over.envelope, not_before = asker.at + patience, changed_at = asker.at
    where d.id = due.id;
    perform exchange.step(due.of_message, asker.at, case when attempt = 1 then 'delivered' else 'delivered-again' end, asker.organisation, '');
    perform exchange.note_look(asker, 191::smallint, true, 18::smallint, due.citizen, array[due.of_message]);
    return next;
  end loop;
end $$;

-- The receivers for whom something waits to be carried to them: keys, and nothing of what it is.
create function exchange.due_receivers(way text, moment timestamptz) returns setof bigint
language sql security definer set search_path = exchange, pg_temp as $$
  select distinct d.receiver from exchange.delivery d where d.channel = way and d.state in ('waiting', 'sent') and d.not_before <= moment
$$;

-- What the receiver's own system answered. Answered again, it changes nothing.
create function exchange.settle(asker fhir.ask, header_id text, from_sor text, answer text, what text, again_at timestamptz) returns text
language plpgsql security definer set search_path = exchange, pg_temp as $$
declare
  d exchange.delivery;
  told text;
begin
  perform exchange.only_for_the_network();
  if asker.kind <> 3 or not trust.stands(asker) then
    return 'unknown';
  end if;
  select x.* into d from exchange.delivery x join exchange.message m on m.id = x.message join registries.organisation o on o.key = m.sender
  where m.header = header_id and (from_sor = '' or o.sor = from_sor) and exchange.beneath(asker, x.receiver) for update of x;
  if d.id is null then
    return 'unknown';
  elsif d.state not in ('waiting', 'sent', 'given-up') then
    return 'again';
  end if;
  told := case answer when 'ok' then 'acknowledged' when 'transient-error' then 'waiting' else 'refused' end;
  update exchange.delivery x set state = told, said = left(what, 500), changed_at = asker.at,
    not_before = case when told = 'waiting' then again_at else x.not_before end where x.id = d.id;
  perform exchange.step(d.message, asker.at, case told when 'acknowledged' then 'receiver-acknowledged' when 'waiting' then 'receiver-not-yet'
    else 'receiver-refused' end, asker.organisation, what);
  return told;
end $$;

-- A carrier did not reach the receiver: it is tried again.
create function exchange.not_reached(of_delivery uuid, moment timestamptz, again_at timestamptz, what text) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  update exchange.delivery d set state = 'waiting', not_before = again_at, said = left(what, 500), changed_at = moment
  where d.id = of_delivery and d.state = 'sent';
end $$;

-- --- nobody took it: the sender's move ------------------------------------------------------------------------------------------

-- What came to an end without reaching its receiver, and was not told to its sender yet.
create function exchange.to_escalate(at_most int)
returns table (delivery uuid, message uuid, organisation bigint, sender_id uuid, receiver_id uuid, patient uuid, state text)
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  return query
    select d.id, m.id, m.submitted_by, s.id, r.id, c.patient, d.state
    from exchange.delivery d join exchange.message m on m.id = d.message
    join registries.organisation s on s.key = m.sender join registries.organisation r on r.key = d.receiver
    join registries.citizen c on c.key = m.citizen
    where d.state in ('refused', 'given-up', 'withheld') and d.escalated_at is null order by d.changed_at limit at_most;
end $$;

-- Told, by this Task; false when somebody else was quicker.
create function exchange.escalated(of_delivery uuid, task uuid, moment timestamptz) returns boolean
language plpgsql security definer set search_path = exchange, pg_temp as $$
declare
  of_message uuid;
begin
  perform exchange.only_for_the_network();
  update exchange.delivery d set escalated_at = moment where d.id = of_delivery and d.escalated_at is null returning d.message into of_message;
  if of_message is null then
    return false;
  end if;
  insert into exchange.message_task values (task, of_message) on conflict do nothing;
  perform exchange.step(of_message, moment, 'escalated', null, '');
  return true;
end $$;

-- --- what becomes of it ---------------------------------------------------------------------------------------------------------

-- Pieces of work that messages asked for have moved.
create function exchange.note_tasks(tasks uuid[], statuses text[], writers bigint[]) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  insert into exchange.trace (message, at, step, organisation)
  select t.message, clock_timestamp(), q.step, q.writer
  from (select u.task, u.writer, case u.status when 'accepted' then 'task-accepted' when 'in-progress' then 'task-begun' when 'completed' then 'acted-on'
          when 'rejected' then 'task-declined' when 'failed' then 'task-failed' when 'cancelled' then 'task-cancelled' end as step
        from unnest(tasks, statuses, writers) u(task, status, writer)) q
  join exchange.message_task t on t.task = q.task
  where q.step is not null and not exists (
    select from exchange.trace x where x.message = t.message and x.step = q.step
      and x.number = (select max(y.number) from exchange.trace y where y.message = t.message and y.step like 'task-%' or y.step = 'acted-on' and y.message = t.message));
end $$;

-- Somebody of the receiver has the thread before them.
create function exchange.note_seen(asker fhir.ask, rows uuid[]) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  insert into exchange.trace (message, at, step, organisation)
  select distinct m.id, asker.at, 'seen', asker.organisation
  from exchange.message_row r join exchange.message m on m.id = r.message
  where r.id = any(rows) and asker.kind = 2 and exchange.acts_for(asker, m.receiver)
    and not exists (select from exchange.trace t where t.message = m.id and t.step = 'seen');
end $$;

-- Whether one of these rows about a citizen is hidden from an asker who else sees rows of its type about them: by a block of that part of the
-- record, or by a mask. What is left of a row that is masked in part is seen.
create function fhir.hides_any(asker fhir.ask, ids uuid[]) returns boolean
language sql stable security definer set search_path = fhir, pg_temp as $$
  select exists (
    select from fhir.footing_of(asker) s cross join unnest(ids) i(id)
    join fhir.resource r on r.bucket = fhir.bucket(i.id) and r.id = i.id and r.citizen is not null
    cross join lateral fhir.whole_basis(asker, s, r.citizen, r.type) whole
    where not exists (
      select from fhir.resource x
      cross join lateral fhir.basis(asker, s, x.citizen, x.origin, x.type, x.ownership, x.id, x.authors, x.contents, x.concerns,
                                    coalesce(x.clinical_lo, x.date_lo), coalesce(x.clinical_hi, x.date_hi)) b
      where x.bucket in (fhir.bucket(i.id), fhir.part_bucket(i.id)) and x.id = i.id))
$$;
alter function fhir.hides_any(fhir.ask, uuid[]) owner to helhed_fhir;
revoke execute on function fhir.hides_any(fhir.ask, uuid[]) from public;
grant execute on function fhir.hides_any(fhir.ask, uuid[]) to helhed_exchange;

-- Whether it may be told that there is a message. What it shared has to be seen as any row is, also where it shared nothing; the system of
-- a receiver whom the citizen blocks learns of none. A sender's own system follows what it sent.
create function exchange.may_follow(asker fhir.ask, m exchange.message, type_number smallint) returns boolean language sql stable as $$
  select case asker.kind
    when 3 then exchange.beneath(asker, m.sender) or m.submitted_by = asker.organisation or m.citizen is null
      or not exchange.closed_to(m.id, m.citizen, m.receiver, m.submitted_by, asker.at)
    when 2 then trust.may_see(asker, m.citizen, type_number) is not null
      and not exchange.blocked(m.citizen, asker.organisation, m.submitted_by, asker.at) else true end
    and (asker.kind = 3 or not fhir.hides_any(asker, array(select w.id from exchange.message_row w where w.message = m.id)))
$$;

-- Messages and their way, newest first, without a word of what they say: the citizen's own; those that the asker's organisation sent or is
-- to get, about citizens whom the asker may see, as exchange.may_follow says. A look at each citizen who is told.
create function exchange.messages_seen(asker fhir.ask, patient uuid, wanted uuid, before bigint, at_most int, type_number smallint)
returns table (number bigint, id uuid, citizen bigint, type text, activity text, thread text, occurred timestamptz, received_at timestamptz, code text,
               problem text, sender text, sender_id uuid, receiver text, receiver_id uuid, sender_mode text, receiver_mode text, late boolean,
               equal boolean, steps jsonb, rows uuid[])
language plpgsql security definer set search_path = exchange, pg_temp as $$
declare
  keys bigint[] := case when asker.kind = 1 then array(select asker.actor union select unnest(k.keys) from fhir.key_set k where k.key = asker.actor) end;
  about bigint := fhir.key(patient);
begin
  if asker.kind <> 1 and not trust.stands(asker) then
    return;
  end if;
  return query
  with mine as materialized (
    select m.* from exchange.message m
    where (before is null or m.number < before) and (wanted is null or m.id = wanted)
      and (about is null or m.citizen = about or m.citizen in (select unnest(k.keys) from fhir.key_set k where k.key = about))
      and case when asker.kind = 1 then m.citizen = any(keys)
               else (exchange.beneath(asker, m.sender) or exchange.beneath(asker, m.receiver) or m.submitted_by = asker.organisation) end
    order by m.number desc limit at_most * 4
  ), told as materialized (
    select m.* from mine m where exchange.may_follow(asker, m::exchange.message, type_number) order by m.number desc limit at_most
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           case when asker.kind = 1 then 193 else 192 end, true,
           case asker.kind when 1 then 1 when 2 then trust.may_see(asker, t.citizen, type_number) else 18 end,
           t.citizen, array_agg(t.id), '{}', asker.trace
    from told t where t.citizen is not null group by t.citizen
  )
  select t.number, t.id, t.citizen, t.type, t.activity, t.thread, t.occurred, t.received_at, t.code, t.problem, s.name, s.id, r.name, r.id, t.sender_mode,
         t.receiver_mode, t.late, t.messaged = t.shared,
         (select jsonb_agg(jsonb_build_object('step', x.step, 'at', x.at, 'by', o.name, 'detail', x.detail) order by x.number)
          from exchange.trace x left join registries.organisation o on o.key = x.organisation where x.message = t.id),
         array(select w.id from exchange.message_row w where w.message = t.id)
  from told t join registries.organisation s on s.key = t.sender left join registries.organisation r on r.key = t.receiver
  order by t.number desc;
end $$;

-- --- what could not be taken ----------------------------------------------------------------------------------------------------

-- For whoever keeps the network running: why, from whom, how large; never what it says.
create function exchange.parked_seen(asker fhir.ask, at_most int)
returns table (id uuid, at timestamptz, organisation text, channel text, reason text, problem text, size int, state text)
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  if not exchange.keeps_running(asker) then
    return;
  end if;
  return query select p.id, p.at, o.name, p.channel, p.reason, p.problem, length(p.body), p.state
    from exchange.parked p join registries.organisation o on o.key = p.organisation where p.state = 'waiting' order by p.at desc limit at_most;
end $$;

-- Take it up again, or put it away. What it says goes to the network's own hands, in the transaction that proved that it stores.
create function exchange.move_parked(asker fhir.ask, wanted uuid, new_state text) returns table (organisation bigint, channel text, body bytea)
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  if not exchange.keeps_running(asker) or new_state not in ('taken', 'dismissed', 'waiting') then
    return;
  end if;
  update exchange.parked p set state = new_state, moved_at = asker.at, moved_by = asker.actor
  where p.id = wanted and (p.state = 'waiting') <> (new_state = 'waiting')
  returning p.organisation, p.channel, p.body into organisation, channel, body;
  perform exchange.note_look(asker, 195::smallint, organisation is not null, case when organisation is not null then 7::smallint end, null, array[wanted]);
  if organisation is not null then
    return next;
  end if;
end $$;

-- --- how organisations send and take --------------------------------------------------------------------------------------------

-- By the system of the organisation or of one above it, or by whoever keeps the network running. A type of '' is every type.
create function exchange.set_mode(asker fhir.ask, unit bigint, type_name text, new_mode text, way text, where_to text) returns boolean
language plpgsql security definer set search_path = exchange, pg_temp as $$
declare
  may boolean := exchange.keeps_running(asker) or (asker.kind = 3 and exchange.acts_for(asker, unit));
begin
  perform exchange.only_for_the_network();
  may := may and exists (select from registries.organisation o where o.key = unit);
  perform exchange.note_look(asker, 196::smallint, may, case when may then 7::smallint end, null, array[(select o.id from registries.organisation o where o.key = unit)]);
  if may then
    insert into exchange.mode values (unit, type_name, new_mode, way, where_to, asker.at, asker.actor)
    on conflict (organisation, type) do update set mode = excluded.mode, channel = excluded.channel, address = excluded.address, since = excluded.since,
      set_by = excluded.set_by;
  end if;
  return may;
end $$;

-- How far each organisation has come, of each type: counts, and no citizen. For whoever keeps the network running.
create function exchange.migration(asker fhir.ask)
returns table (organisation text, type text, mode text, since timestamptz, sent bigint, received bigint, equal bigint, differing bigint, refused bigint,
               waiting bigint, last_failure timestamptz, failure text)
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  if not exchange.keeps_running(asker) then
    return;
  end if;
  return query
  with sides as (
    select m.sender as unit, m.type, 1 as sent, 0 as received, (m.messaged = m.shared)::int as equal, (m.messaged <> m.shared)::int as differing,
           (m.code <> 'ok')::int as refused, 0 as waiting, case when m.code <> 'ok' then m.received_at end as failed, m.problem from exchange.message m
    union all
    select m.receiver, m.type, 0, 1, 0, 0, 0, (d.state in ('waiting', 'sent'))::int, case when d.state in ('refused', 'given-up', 'withheld') then d.changed_at end, d.state
    from exchange.message m left join exchange.delivery d on d.message = m.id where m.receiver is not null and m.code = 'ok'
  ), counted as (
    select s.unit, s.type, sum(s.sent) as sent, sum(s.received) as received, coalesce(sum(s.equal), 0) as equal, coalesce(sum(s.differing), 0) as differing,
           sum(s.refused) as refused, coalesce(sum(s.waiting), 0) as waiting, max(s.failed) as last_failure,
           (array_agg(s.problem order by s.failed desc nulls last))[1] as problem
    from sides s group by s.unit, s.type
    union
    select x.organisation, x.type, 0, 0, 0, 0, 0, 0, null, null from exchange.mode x
    where not exists (select from sides s where s.unit = x.organisation and (x.type = '' or s.type = x.type))
  )
  select o.name, c.type, coalesce((exchange.mode_of(c.unit, c.type)).mode, 'shared'), (exchange.mode_of(c.unit, c.type)).since, c.sent, c.received, c.equal,
         c.differing, c.refused, c.waiting, c.last_failure, case when c.last_failure is not null then c.problem end
  from counted c join registries.organisation o on o.key = c.unit order by o.name, c.type;
end $$;

-- What waits for somebody, in numbers.
create function exchange.state() returns table (parked bigint, oldest_parked timestamptz, waiting bigint, stuck bigint, differing bigint)
language sql stable security definer set search_path = exchange, pg_temp as $$
  select (select count(*) from exchange.parked p where p.state = 'waiting'), (select min(p.at) from exchange.parked p where p.state = 'waiting'),
         (select count(*) from exchange.delivery d where d.state in ('waiting', 'sent')),
         (select count(*) from exchange.delivery d where d.state in ('refused', 'given-up', 'withheld') and d.escalated_at is null),
         (select count(*) from exchange.message m where m.messaged <> m.shared)
$$;

-- --- what was purged is nowhere -------------------------------------------------------------------------------------------------

create function exchange.forget_purged() returns trigger language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  if new.done_at is not null then
    update exchange.message m set body = null, problem = null where m.id in (
      select r.message from fhir.purged_row p join exchange.message_row r on r.id = p.id where p.purge = new.id);
    update exchange.parked p set body = null where p.message in (
      select r.message from fhir.purged_row q join exchange.message_row r on r.id = q.id where q.purge = new.id);
  end if;
  return null;
end $$;

do $$
declare name text;
begin
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace loop
    execute format('alter function %s owner to helhed_exchange', name);
  end loop;
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace
    and p.proname in ('hand_over', 'due_receivers', 'settle', 'not_reached', 'to_escalate', 'escalated', 'note_tasks', 'note_seen', 'messages_seen',
                      'parked_seen', 'move_parked', 'set_mode', 'migration', 'state') loop
    execute format('grant execute on function %s to helhed_app', name);
  end loop;
end $$;
create trigger forget_purged after insert or update of done_at on fhir.purge for each row execute function exchange.forget_purged();
