-- Phase: pre. Messages that wait at the same time are begun and kept together: as many statements for all of them as one took. New types and
-- functions only; older code goes on calling begin_message and keep_message, which take the same locks on the names of messages.

-- A message as it is begun: what it says of itself, and by what its rows may be known already.
create type exchange.incoming as (
  asker fhir.ask, sender_sor text, receiver_sor text, header_id text, envelope_id text, type_name text, systems text[], numbers text[], sors text[],
  keys text[]
);

-- A message with all that came of it.
create type exchange.outcome as (
  asker fhir.ask, id uuid, sender bigint, header text, receiver bigint, citizen bigint, type text, activity text, thread text, occurred timestamptz,
  digest bytea, body bytea, code text, problem text, ack bytea, sender_mode text, receiver_mode text, late boolean, messaged bytea, shared bytea,
  envelope text, row_ids uuid[], row_types smallint[], keys text[], known uuid[], tasks uuid[], taken_back text[], way text, where_to text,
  steps text[], given smallint
);

-- What is known before messages are judged: who the parties are, whose each is, and whether it was here before. Messages of one name take
-- turns, and so do messages of one organisation about the same stay or report: each sees what the one before it left. Everybody takes all
-- locks in one order. The envelope and the content of another sender are nobody's business: only the asker's own are looked at.
create function exchange.begin_messages(many exchange.incoming[])
returns table (place bigint, stands boolean, own boolean, sender bigint, sender_id uuid, receiver bigint, receiver_id uuid, closed boolean,
               blocked boolean, patients uuid[], organisations jsonb, known jsonb, message uuid, code text, digest bytea, ack bytea,
               envelope_message uuid, envelope_ack bytea, sender_mode text, receiver_mode text, channel text, address text, retracted boolean)
language plpgsql security definer set search_path = exchange, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  standing boolean[];
  senders bigint[];  -- null: none of the asker's
begin
  select array_agg(trust.stands(asker) order by q.n), array_agg(s.key order by q.n) into standing, senders
  from unnest(many) with ordinality q(asker, sender_sor, receiver_sor, header_id, envelope_id, type_name, systems, numbers, sors, keys, n)
  left join lateral (
    select o.key from registries.organisation o where o.sor = q.sender_sor and (q.asker).organisation = any(o.places) order by o.key limit 1) s on true;
  perform pg_advisory_xact_lock(l.name) from (
    select distinct x.name
    from unnest(many) with ordinality q(asker, sender_sor, receiver_sor, header_id, envelope_id, type_name, systems, numbers, sors, keys, n)
    cross join lateral (
      select hashtextextended(senders[q.n] || ' ' || q.header_id, 6) union all
      select hashtextextended((q.asker).organisation || ' ' || k, 7) from unnest(q.keys) k) x(name)
    where standing[q.n] and senders[q.n] is not null order by x.name) l;
  return query  -- by a statement of its own: it sees what those left who held the locks before
  select q.n, standing[q.n], true, senders[q.n], s.id, r.key, r.id,
    coalesce((select u.said ->> 'active' = 'false'
              from registries.units_as_of(array[r.key], ((q.asker).at at time zone 'Europe/Copenhagen')::date, now()) u), false),
    cardinality(p.patients) = 1 and r.key is not null
      and exchange.blocked(fhir.key(p.patients[1]), r.key, (q.asker).organisation, (q.asker).at),
    p.patients,
    (select jsonb_object_agg(o.sor, o.id) from (
       select distinct on (o.sor) o.sor, o.id from registries.organisation o where o.sor = any(q.sors) order by o.sor, o.key) o),
    (select jsonb_object_agg(k.key, jsonb_build_object('id', k.id, 'occurred', k.occurred))
     from exchange.known_row k where k.origin = (q.asker).organisation and k.key = any(q.keys)),
    m.id, m.code, m.digest, m.ack, e.message, e.ack,
    coalesce((select w.mode from exchange.mode_of(senders[q.n], q.type_name) w), 'shared'),
    coalesce(w.mode, 'shared'), w.channel, w.address,
    exists (select from exchange.retraction t where t.sender = senders[q.n] and t.header = q.header_id)
  from unnest(many) with ordinality q(asker, sender_sor, receiver_sor, header_id, envelope_id, type_name, systems, numbers, sors, keys, n)
  join registries.organisation s on s.key = senders[q.n]
  left join lateral (select o.key, o.id from registries.organisation o where o.sor = q.receiver_sor order by o.key limit 1) r on true
  left join lateral (
    select array_agg(distinct c.patient) as patients from unnest(q.systems, q.numbers) i(system, value)
    join registries.citizen_identifier i2 on i2.system = i.system and i2.value = i.value
    join registries.citizen c on c.key = coalesce((select k.head from fhir.key_set k where k.key = i2.citizen), i2.citizen)) p on true
  left join exchange.message m on m.sender = senders[q.n] and m.header = q.header_id
  left join exchange.envelope e on e.sender = senders[q.n] and e.envelope = q.envelope_id
  left join lateral exchange.mode_of(r.key, q.type_name) w on true
  where standing[q.n] and senders[q.n] is not null;
end $$;

-- Messages with all that came of them, in the transaction that wrote their rows, in the order in which they stand.
create function exchange.keep_messages(many exchange.outcome[]) returns void
language plpgsql security definer set search_path = exchange, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  perform exchange.only_for_the_network();
  if exists (select from unnest(many) m where exchange.acts_for(asker, m.sender) is not true) then
    raise exception 'not its message' using errcode = '42501';
  end if;
  insert into exchange.message (id, sender, header, submitted_by, receiver, citizen, type, activity, thread, occurred, received_at, digest, body,
                                code, problem, ack, sender_mode, receiver_mode, late, messaged, shared)
  select m.id, m.sender, m.header, (m.asker).organisation, m.receiver, m.citizen, m.type, m.activity, m.thread, m.occurred, (m.asker).at, m.digest,
         m.body, m.code, m.problem, m.ack, m.sender_mode, m.receiver_mode, m.late, m.messaged, m.shared from unnest(many) m
  on conflict (sender, header) do update set received_at = excluded.received_at, receiver = excluded.receiver, citizen = excluded.citizen,
    digest = excluded.digest, body = excluded.body, code = excluded.code, problem = excluded.problem, ack = excluded.ack,
    sender_mode = excluded.sender_mode, receiver_mode = excluded.receiver_mode, late = excluded.late, messaged = excluded.messaged,
    shared = excluded.shared
    where exchange.message.code = 'transient-error';
  insert into exchange.envelope select m.sender, m.envelope, m.id, (m.asker).at, m.ack from unnest(many) m
  on conflict (sender, envelope) do update set ack = excluded.ack, at = excluded.at;
  insert into exchange.message_row select m.id, q.id, q.type from unnest(many) m cross join lateral unnest(m.row_ids, m.row_types) q(id, type)
  on conflict do nothing;
  insert into exchange.known_row select (m.asker).organisation, q.key, q.id, m.occurred
  from unnest(many) m cross join lateral unnest(m.keys, m.known) q(key, id)
  on conflict (origin, key) do update set occurred = excluded.occurred where exchange.known_row.occurred <= excluded.occurred;
  insert into exchange.message_task select t, m.id from unnest(many) m cross join lateral unnest(m.tasks) t on conflict do nothing;
  insert into exchange.retraction select m.sender, h, m.id from unnest(many) m cross join lateral unnest(m.taken_back) h on conflict do nothing;
  insert into exchange.trace (message, at, step, organisation, detail)
  select m.id, (m.asker).at, s, case when s = 'acknowledged' then null else (m.asker).organisation end,
         case when s = 'refused' then coalesce(m.problem, '') else '' end
  from unnest(many) m cross join lateral unnest(m.steps) s;
  insert into exchange.delivery (id, message, receiver, channel, address, state, not_before, changed_at)
  select gen_random_uuid(), m.id, m.receiver, m.way, m.where_to, 'waiting', (m.asker).at, (m.asker).at from unnest(many) m
  where m.way is not null and m.code = 'ok';
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  select (m.asker).at, (m.asker).kind, (m.asker).actor, (m.asker).organisation, (m.asker).role, (m.asker).client, (m.asker).purpose, 190,
         m.code = 'ok', case when m.code = 'ok' then m.given end, m.citizen, array[m.id], '{}', (m.asker).trace
  from unnest(many) m where m.citizen is not null;
end $$;

do $$
declare name text;
begin
  foreach name in array array['incoming', 'outcome'] loop
    execute format('alter type exchange.%I owner to helhed_exchange', name);
  end loop;
  foreach name in array array['begin_messages(exchange.incoming[])', 'keep_messages(exchange.outcome[])'] loop
    execute format('alter function exchange.%s owner to helhed_exchange', name);
    execute format('revoke execute on function exchange.%s from public', name);
    execute format('grant execute on function exchange.%s to helhed_app', name);
  end loop;
end $$;
