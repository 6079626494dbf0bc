-- Phase: pre. What sources that are asked when somebody looks have answered: rows with the labels of stored ones and with an end, in tables
-- of their own, so that nothing stored is slower for them. Older code asks nobody.

-- That a source answered about a citizen, of a type: from when the answer is, and until when it is kept.
create table fhir.live_answer (
  citizen bigint not null,
  source uuid not null,
  type smallint not null,
  at timestamptz not null,
  expires timestamptz not null,
  dropped int not null,             -- parts of it that could not be used
  primary key (citizen, source, type)
);
create table fhir.live_row (
  id uuid primary key,              -- follows from the source and its own id: the same each time it answers
  citizen bigint not null,
  source uuid not null,
  type smallint not null,
  origin bigint not null,           -- the organisation of the source
  authors bigint[],                 -- null: it names somebody whom nobody here knows, and every block by author or period covers it
  contents uuid[],
  concerns bigint[],
  lo timestamptz not null,
  hi timestamptz not null,
  sort timestamptz not null,        -- the primary date, as fhir.resource.date_lo
  at timestamptz not null,
  expires timestamptz not null,
  body bytea not null,
  addresses text[] not null         -- where the source has its attachments; the body names them by their place here
);
create index live_row_citizen on fhir.live_row (citizen, type);
create index live_row_presents on fhir.live_row (citizen) where contents is not null;
create index live_row_expires on fhir.live_row (expires);
create index live_answer_expires on fhir.live_answer (expires);

-- Which sources are asked about a citizen now, of which types, decided and logged before anything leaves. A reader without a ground asks
-- nobody. A ground is a basis for the citizen, or a relation that a block stands in the way of: the page of a record that is all blocked
-- is the page of an empty one, so a block changes neither who is asked nor how long it takes; what is answered passes the decision.
-- tells: whether the asker sees what the source's organisation has at all: what is said of an answer's content (how much of it could not be
-- used) is said to nobody else, who has an empty one before them.
-- state: 'ask' now, 'fresh' enough, 'resting' after failures, 'paused' by the operator.
create function fhir.ask_live(asker fhir.ask, citizen_key bigint, wanted smallint[], trial interval)
returns table (source uuid, organisation uuid, name text, kind text, withholds boolean, state text, types smallint[], answered timestamptz,
               dropped bigint, reason text, terms jsonb, patient uuid, number text, replacement boolean, tells boolean)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  allowed smallint[];
  grounds smallint;
begin
  select array_agg(t.type), min(t.basis) into allowed, grounds from (
    select w.type, coalesce(b.basis, h.class) as basis
    from fhir.footing_of(asker) f
    cross join unnest(wanted) w(type)
    left join lateral fhir.whole_basis(asker, f, citizen_key, w.type) b on true
    left join lateral (
      select r.class from trust.held_relation(asker, citizen_key) r
      where f.active and (asker.read_types is null or w.type = any(asker.read_types)) and (f.read_types is null or w.type = any(f.read_types))
    ) h on b.basis is null
    where b.basis is not null or h.class is not null) t;
  return query
  with one as materialized (
    select s.*, coalesce(k.failures, 0) as failures, coalesce(k.closed_until, '-infinity') as closed_until, k.reason,
      array(select x.t from unnest(s.types) x(t) where x.t = any(allowed)) as may,
      exists (select from fhir.footing_of(asker) f cross join unnest(s.types) x(t) cross join lateral fhir.basis(
        asker, f, citizen_key, s.organisation, x.t, 1::smallint, null, '{}', null, null, '-infinity', '-infinity') b where x.t = any(allowed)) as tells
    from registries.source s left join registries.source_health k on k.source = s.id
    where s.way = 'live' and s.types && allowed
  ), known as materialized (
    select o.id, min(a.at) as answered, sum(a.dropped) as dropped, count(a.at) as types
    from one o left join fhir.live_answer a on a.source = o.id and a.citizen = citizen_key and a.type = any(o.may) and a.expires > asker.at
    group by o.id
  ), due as materialized (
    select o.id, o.closed_until > '-infinity' as tried
    from one o join known n on n.id = o.id
    where o.active and o.closed_until <= asker.at
      and not (n.types = cardinality(o.may) and n.answered > asker.at - make_interval(secs => (o.terms ->> 'fresh_seconds')::float))
  ), trial_of as (  -- of all who come when it has rested, one tries
    update registries.source_health k set closed_until = asker.at + least(trial, interval '1 minute')
    from due d where k.source = d.id and d.tried and k.closed_until <= asker.at returning k.source
  ), asked as materialized (
    select d.id from due d where not d.tried or d.id in (select t.source from trial_of t)
  ), logged as (
    insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 200, grounds is not null, grounds,
           citizen_key, coalesce((select array_agg(a.id) from asked a), '{}'), '{}', asker.trace
    where grounds is null or exists (select from asked)
  )
  select o.id, g.id, o.name, o.kind, o.withholds,
    case when not o.active then 'paused' when a.id is not null then 'ask' when o.closed_until > asker.at or d.id is not null then 'resting' else 'fresh' end,
    o.may, n.answered, case when o.tells then coalesce(n.dropped, 0) else 0 end, o.reason,
    case when a.id is not null then o.terms end, c.patient, case when a.id is not null then c.cpr end, c.replacement, o.tells
  from one o
  join known n on n.id = o.id
  join registries.organisation g on g.key = o.organisation
  left join due d on d.id = o.id
  left join asked a on a.id = o.id
  join registries.citizen c on c.key = citizen_key
  order by o.name, o.id;
end $$;

-- An answer takes the place of the one before, of these types and this citizen; an older one that comes late changes nothing.
create function fhir.put_live_answer(source_id uuid, citizen_key bigint, answered smallint[], moment timestamptz, ends timestamptz, not_used int,
  ids uuid[], row_types smallint[], labels jsonb, los timestamptz[], his timestamptz[], sorts timestamptz[], bodies bytea[])
returns boolean language plpgsql security definer set search_path = fhir, pg_temp as $$
declare whose bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('live ' || source_id || citizen_key, 0));
  select s.organisation into whose from registries.source s where s.id = source_id and s.way = 'live';
  if whose is null or exists (select from fhir.live_answer a
      where a.source = source_id and a.citizen = citizen_key and a.type = any(answered) and a.at > moment) then
    return false;
  end if;
  delete from fhir.live_row r where r.source = source_id and r.citizen = citizen_key and r.type = any(answered);
  insert into fhir.live_row (id, citizen, source, type, origin, authors, contents, concerns, lo, hi, sort, at, expires, body, addresses)
  select q.id, citizen_key, source_id, q.type, whose,
    case when l.label -> 'authors' is distinct from 'null' then array(select x::bigint from jsonb_array_elements_text(l.label -> 'authors') x) end,
    nullif(array(select x::uuid from jsonb_array_elements_text(l.label -> 'contents') x), '{}'),
    nullif(array(select x::bigint from jsonb_array_elements_text(l.label -> 'concerns') x), '{}'),
    q.lo, q.hi, q.sort, moment, ends, q.body, array(select x from jsonb_array_elements_text(l.label -> 'addresses') x)
  from unnest(ids, row_types, los, his, sorts, bodies) with ordinality q(id, type, lo, hi, sort, body, n)
  join jsonb_array_elements(labels) with ordinality l(label, n) on l.n = q.n
  where q.type = any(answered)
  on conflict (id) do nothing;
  insert into fhir.live_answer (citizen, source, type, at, expires, dropped)
  select citizen_key, source_id, t, moment, ends, case when n = 1 then not_used else 0 end from unnest(answered) with ordinality u(t, n)
  on conflict (citizen, source, type) do update set at = excluded.at, expires = excluded.expires, dropped = excluded.dropped;
  return true;
end $$;

-- The decision on a row that a source answered. What it presents, and what presents it, lies here too: it is hidden with a row of the same
-- answer that it presents, and with a document that a block names, by the labels of the row itself, as what is stored is (trust.reaches).
create function fhir.live_basis(asker fhir.ask, stand fhir.footing, r fhir.live_row) returns smallint
language sql stable set search_path = fhir, pg_temp as $$
  select b.basis from fhir.basis(asker, stand, r.citizen, r.origin, r.type, 1::smallint, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
  where not exists (
      select from fhir.live_row o
      where o.id = any(r.contents) and o.citizen = r.citizen and o.source = r.source and not exists (select from
        fhir.basis(asker, stand, r.citizen, o.origin, r.type, 1::smallint, o.id, o.authors, o.contents, r.concerns, o.lo, o.hi)))
    and not exists (
      select from fhir.live_row o
      where o.contents is not null and o.citizen = r.citizen and o.source = r.source and r.id = any(o.contents) and not exists (select from
        fhir.basis(asker, stand, r.citizen, r.origin, r.type, 1::smallint, o.id, r.authors, r.contents, r.concerns, r.lo, r.hi)))
$$;

-- What the asker may see of what sources have answered about a citizen, of these types, newest first: one look, one log row. Nothing that
-- has come to its end, whoever has purged it or not, and nothing of a source that an operator has paused.
create function fhir.live_rows_of(asker fhir.ask, citizen_key bigint, wanted smallint[], row_limit int)
returns table (type smallint, id uuid, source uuid, at timestamptz, origin bigint, lo timestamptz, hi timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.*, b.basis
    from fhir.footing_of(asker) f
    cross join lateral (select x as whole, x.* from fhir.live_row x join registries.source s on s.id = x.source
                        where s.active and x.citizen = citizen_key and x.type = any(wanted) and x.expires > asker.at order by x.sort desc, x.id offset 0) r
    cross join lateral (select fhir.live_basis(asker, f, r.whole) as basis offset 0) b
    where b.basis is not null
    limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 201, true, min(s.basis), citizen_key, null,
           array_agg(s.id), array_agg(1), asker.trace, (select array_agg(distinct k) from seen x cross join unnest(x.concerns) k)
    from seen s having count(*) > 0
  )
  select s.type, s.id, s.source, s.at, s.origin, s.lo, s.hi, s.body from seen s order by s.sort desc, s.id;
end $$;

-- One of them, by its id; a row of the log whether it is there or not, as fhir.read_many writes it.
create function fhir.read_live(asker fhir.ask, type_number smallint, resource_id uuid)
returns table (source uuid, at timestamptz, origin bigint, citizen bigint, body bytea, addresses text[], terms jsonb)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.*, b.basis
    from fhir.footing_of(asker) f
    left join (select x as whole, x.*, s.terms from fhir.live_row x join registries.source s on s.id = x.source and s.active) r
      on r.id = resource_id and r.type = type_number and r.expires > asker.at
    left join lateral (select fhir.live_basis(asker, f, r.whole) as basis offset 0) b on r.id is not null
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 201, s.basis is not null, s.basis, s.citizen,
           type_number, array[resource_id], case when s.id is null then '{}'::int[] else '{1}' end, asker.trace,
           case when s.basis is not null then s.concerns end
    from seen s
  )
  select s.source, s.at, s.origin, s.citizen, s.body, s.addresses, s.terms from seen s where s.basis is not null;
end $$;

-- What has come to its end goes; answers how many rows.
create function fhir.purge_live_rows(moment timestamptz) returns bigint
language sql security definer set search_path = fhir, pg_temp as $$
  delete from fhir.live_answer a where a.expires <= moment;
  with gone as (delete from fhir.live_row r where r.expires <= moment returning 1) select count(*) from gone;
$$;

create trigger only_proven before insert or update on fhir.live_row for each statement execute function foundation.only_proven('store');
create trigger only_proven before insert or update on fhir.live_answer for each statement execute function foundation.only_proven('store');

do $$
declare signature regprocedure;
begin
  alter table fhir.live_answer owner to helhed_fhir;
  alter table fhir.live_row owner to helhed_fhir;
  alter function fhir.live_basis(fhir.ask, fhir.footing, fhir.live_row) owner to helhed_fhir;
  revoke execute on function fhir.live_basis(fhir.ask, fhir.footing, fhir.live_row) from public;
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'fhir'::regnamespace
    and p.proname in ('ask_live', 'put_live_answer', 'live_rows_of', 'read_live', 'purge_live_rows') loop
    execute format('alter function %s owner to helhed_fhir', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
