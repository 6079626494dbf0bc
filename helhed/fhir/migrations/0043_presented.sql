-- Phase: pre. What a document that a source answered presents is remembered for as long as the document, a part of it or a block on either is
-- here: a block on a document holds for its parts also when the source has stopped sending the document, or its answer ended before theirs.
-- A new table and functions of the same shapes; older code keeps and reads answers through them.

-- Ids alone, to the end: what a part presents is a part too.
create table fhir.live_presented (
  part uuid not null,
  document uuid not null,
  citizen bigint not null,
  source uuid not null,
  primary key (part, document)
);
create index live_presented_document on fhir.live_presented (document);
create index live_presented_citizen on fhir.live_presented (citizen, source);
create trigger only_proven before insert or update on fhir.live_presented for each statement execute function foundation.only_proven('store');

create function fhir.remember_presented(source_id uuid, citizen_key bigint) returns void language sql set search_path = fhir, pg_temp as $$
  insert into fhir.live_presented (part, document, citizen, source)
  with recursive pair as materialized (
    select c as part, r.id as document from fhir.live_row r cross join unnest(r.contents) c
    where r.contents is not null and r.citizen = citizen_key and r.source = source_id
    union
    select p.part, p.document from fhir.live_presented p where p.citizen = citizen_key and p.source = source_id
  ), whole as (
    select x.part, x.document from pair x
    union
    select deeper.part, w.document from whole w join pair deeper on deeper.document = w.part
  )
  select w.part, w.document, citizen_key, source_id from whole w where w.part <> w.document
  on conflict do nothing
$$;

-- As before, and what is presented is remembered.
create or replace function fhir.put_live_answer(source_id uuid, citizen_key bigint, answered smallint[], moment timestamptz, ends timestamptz, not_used int,
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
  if exists (select from jsonb_array_elements(labels) l(label) where jsonb_array_length(l.label -> 'contents') > 0) then
    perform fhir.remember_presented(source_id, citizen_key);
  end if;
  insert into fhir.live_answer (citizen, source, type, at, expires, dropped)
  select citizen_key, source_id, t, moment, ends, case when n = 1 then not_used else 0 end from unnest(answered) with ordinality u(t, n)
  on conflict (citizen, source, type) do update set at = excluded.at, expires = excluded.expires, dropped = excluded.dropped;
  return true;
end $$;

-- The decision on a row that a source answered. It is hidden with what it presents, to the end: by that one's labels while it lies here, else
-- by its own, which hold those of all it presents. And it is hidden with a document that a block names and that presents it, or did, by the
-- labels of the row itself, as what is stored is (trust.reaches).
create or replace function fhir.live_basis(asker fhir.ask, stand fhir.footing, r fhir.live_row) returns smallint
language sql stable set search_path = fhir, pg_temp as $$
  select b.basis from fhir.basis(asker, stand, r.citizen, r.origin, r.type, 1::smallint, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
  where (r.contents is null or not exists (
      select from (
        select c from unnest(r.contents) c union select p.part from fhir.live_presented p where p.document = any(r.contents)) part(id)
      left join fhir.live_row o on o.id = part.id and o.citizen = r.citizen and o.source = r.source
      cross join lateral (select case when o.id is null then r else o end as labels) l
      where not exists (select from fhir.basis(asker, stand, r.citizen, r.origin, r.type, 1::smallint, part.id,
        (l.labels).authors, (l.labels).contents, r.concerns, (l.labels).lo, (l.labels).hi))))
    and not exists (
      select from fhir.live_presented p
      where p.part = r.id and p.citizen = r.citizen and p.source = r.source and not exists (select from
        fhir.basis(asker, stand, r.citizen, r.origin, r.type, 1::smallint, p.document, r.authors, r.contents, r.concerns, r.lo, r.hi)))
$$;

-- What has come to its end goes; answers how many rows. What presented what goes with the last of them, unless a block may still ask.
create or replace function fhir.purge_live_rows(moment timestamptz) returns bigint
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare gone bigint;
begin
  delete from fhir.live_answer a where a.expires <= moment;
  delete from fhir.live_row r where r.expires <= moment;
  get diagnostics gone = row_count;
  delete from fhir.live_presented p
  where not exists (select from fhir.live_row r where r.id in (p.part, p.document)) and not trust.is_blocked_by_name(array[p.part, p.document], moment);
  return gone;
end $$;

-- For the citizen who blocks one document: whether a source answered it about them.
create function fhir.was_answered(row_id uuid, keys bigint[]) returns boolean
language sql stable security definer set search_path = fhir, pg_temp as $$
  select exists (select from fhir.live_row l where l.id = row_id and l.citizen = any(keys))
      or exists (select from fhir.live_presented p where p.document = row_id and p.citizen = any(keys))
$$;

do $$
begin
  alter table fhir.live_presented owner to helhed_fhir;
  alter function fhir.remember_presented(uuid, bigint) owner to helhed_fhir;
  alter function fhir.was_answered(uuid, bigint[]) owner to helhed_fhir;
  revoke execute on function fhir.remember_presented(uuid, bigint) from public;
  revoke execute on function fhir.was_answered(uuid, bigint[]) from public;
  grant execute on function fhir.was_answered(uuid, bigint[]) to helhed_trust;
end $$;

insert into fhir.live_presented (part, document, citizen, source)
select distinct on (c, r.id) c, r.id, r.citizen, r.source from fhir.live_row r cross join unnest(r.contents) c where r.contents is not null
on conflict do nothing;
