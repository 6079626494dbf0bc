-- Phase: pre. The log that can be proved: every row of the access log becomes a leaf of a Merkle tree, after its transaction and
-- in a process of its own. Older code writes rows as before; the column it does not know fills itself. docs/reference/log-format.md
-- has the format.
do $$ begin
  perform pg_advisory_xact_lock(hashtext('helhed roles'));
  if not exists (select from pg_roles where rolname = 'helhed_log') then
    create role helhed_log nologin;
  end if;
  if not (select rolsuper from pg_roles where rolname = current_user) then
    grant helhed_log to current_user with set true, inherit true;
  end if;
end $$;
grant usage on schema foundation to helhed_log;

-- By which transaction a row was written: what a later snapshot sees and an earlier one did not is new, in whichever order rows
-- commit. Rows from before have none. The default is set apart from the column, so that nothing is rewritten.
alter table foundation.access_log add column transaction xid8;
alter table foundation.access_log alter column transaction set default pg_current_xact_id();
create index access_log_transaction on foundation.access_log (transaction);

-- Whose log it is, and how far it has come. One row.
create table foundation.log_state (
  one boolean primary key default true check (one),
  log bytea not null,            -- its id: SHA-256 of the first key
  system_id bigint not null,     -- the cluster whose transactions the snapshot counts
  snapshot pg_snapshot,          -- what it saw has been sequenced; null while older rows are being caught up with
  reached bigint not null,       -- while catching up: the highest id
  size bigint not null
);

-- Keys that sign heads; each after the first is endorsed by an earlier one.
create table foundation.log_key (number int primary key, public bytea not null unique, endorser int not null, endorsement bytea not null);

create table foundation.log_head (
  number bigint primary key,
  size bigint not null,
  at bigint not null,            -- microseconds since 1970
  key int not null,
  body text not null,            -- canonical JSON, as it is signed
  signature bytea not null
);
create index log_head_at on foundation.log_head (at);

-- Complete subtrees of height 8 x level, 256 to a row. Hashes do not compress.
create table foundation.log_tile (level smallint, number bigint, hashes bytea not null, primary key (level, number));
alter table foundation.log_tile alter column hashes set storage external;
-- Which rows the leaves of a tile of level 0 are.
create table foundation.log_rows (tile bigint primary key, events bigint[] not null);

-- What the salts of the rows of one head follow from: whoever has not this cannot guess what a leaf says.
create table foundation.log_secret (first bigint primary key, at bigint not null, secret bytea not null);

-- Every row that names a citizen, counted.
create table foundation.log_chain (
  citizen bigint primary key,
  counter bigint not null,
  head bytea not null,
  map_key bytea not null,
  bucket int not null            -- the first 16 bits of the key
) with (fillfactor = 80);
create index log_chain_bucket on foundation.log_chain (bucket);
create table foundation.log_entry (
  citizen bigint not null, first bigint not null, positions bigint[] not null, events bigint[] not null, primary key (citizen, first)
);
-- The upper 16 levels of the map: 256 buckets to a row, each a byte of kind and a hash.
create table foundation.log_map (number int primary key, nodes bytea not null);
alter table foundation.log_map alter column nodes set storage external;

create table foundation.log_witness (name text primary key, public bytea not null unique);
create table foundation.log_cosignature (
  head bigint not null references foundation.log_head, witness text not null references foundation.log_witness,
  at bigint not null, signature bytea not null, primary key (head, witness, signature)  -- a false one takes no true one's place
);
create index log_cosignature_witness on foundation.log_cosignature (witness, head desc);

-- What is committed to, and not written out, in an event: SHA-256(5, salt, value). Place is 0 for the actor, 1 for the principal,
-- 2 for the citizens, 3 for the resources, 4 for what a source says. As stable as what calls it: so it is part of the statement,
-- instead of a call for each value.
create function foundation.log_salt(salts bytea, place int) returns bytea language sql immutable
return case when place < 4 then substring(salts from 1 + 16 * place for 16) else substring(sha256(salts) from 1 for 16) end;
create function foundation.log_commitment(salts bytea, place int, value text) returns text language sql stable
return encode(sha256('\x05'::bytea || foundation.log_salt(salts, place) || convert_to(value, 'UTF8')), 'hex');
create function foundation.log_salts(secret bytea, id bigint) returns bytea language sql immutable
return sha512(secret || int8send(id));

create function foundation.log_citizens(l foundation.access_log) returns bigint[] language sql immutable
return case when l.concerned is null then case when l.citizen is not null then array[l.citizen] end
  else array_remove(array_remove(l.concerned, l.citizen) || l.citizen, null) end;
-- Mostly there is one.
create function foundation.log_citizens_text(l foundation.access_log) returns text language sql stable
return case when l.concerned is null then '["' || l.citizen || '"]'
  else '["' || array_to_string(foundation.log_citizens(l), '","') || '"]' end;
create function foundation.log_local_text(l foundation.access_log) returns text language sql stable
return to_json(concat(l.local_id, ' ', l.local::text))::text;
create function foundation.log_resources_text(l foundation.access_log) returns text language sql stable
return '{"resources":["' || array_to_string(l.resources, '","') || '"],"versions":[' || array_to_string(l.versions, ',', 'null') || ']}';

-- The event of a row in canonical JSON (RFC 8785): what it has not, it does not name. A column that is added later is named where
-- it has a value, so that the events of older rows stay what they are.
create function foundation.log_event(l foundation.access_log, salts bytea) returns text language sql stable
return concat('{"action":', l.action, ',"actor":"', foundation.log_commitment(salts, 0, '"' || l.actor || '"'), '"',
  ',"at":', (extract(epoch from l.at) * 1000000)::bigint, ',"basis":' || l.basis,
  ',"citizens":"' || case when l.citizen is not null or l.concerned is not null
                     then foundation.log_commitment(salts, 2, foundation.log_citizens_text(l)) end || '"',
  ',"client":', to_json(l.client), case when l.source is null then ',"event":"look","id":"' else ',"event":"delivered","id":"' end, l.id, '","kind":', l.kind,
  ',"local":"' || case when l.source is not null then foundation.log_commitment(salts, 4, foundation.log_local_text(l)) end || '"',
  ',"occurred":' || (extract(epoch from l.occurred_at) * 1000000)::bigint, ',"organisation":"' || l.organisation || '"',
  ',"permitted":', case when l.permitted then 'true' else 'false' end,
  ',"principal":"' || foundation.log_commitment(salts, 1, '"' || l.principal || '"') || '"', ',"purpose":', l.purpose,
  ',"resources":"' || case when l.resources <> '{}' then foundation.log_commitment(salts, 3, foundation.log_resources_text(l)) end || '"',
  ',"role":', to_json(l.role), ',"source":"' || l.source || '"', ',"trace":"', l.trace, '"', ',"type":' || l.type, ',"v":1}');

-- Rows that this snapshot sees and an earlier one did not, as leaves: what they say does not leave the database. Without an
-- earlier snapshot: the next rows in the order of their ids that are not among the leaves.
-- By the index, however large the log is: what a planner knows of transactions is always behind, and a third of the log is what it
-- expects.
create function foundation.log_new(earlier pg_snapshot, secret bytea) returns table (id bigint, leaf bytea, citizens bigint[])
language sql stable security definer set search_path = foundation, pg_temp set enable_seqscan = off as $$
  select l.id, sha256('\x00'::bytea || convert_to(foundation.log_event(l, s.salts), 'UTF8')), foundation.log_citizens(l)
  from foundation.access_log l cross join lateral (select foundation.log_salts(secret, l.id) as salts offset 0) s
  where l.transaction >= pg_snapshot_xmax(earlier)
     or l.transaction = any(array(select x from pg_snapshot_xip(earlier) x))
  order by l.id
$$;
create function foundation.log_left_behind(above bigint, at_most int, secret bytea) returns table (id bigint, leaf bytea, citizens bigint[])
language sql stable security definer set search_path = foundation, pg_temp as $$
  select l.id, sha256('\x00'::bytea || convert_to(foundation.log_event(l, s.salts), 'UTF8')), foundation.log_citizens(l)
  from (select * from foundation.access_log x where x.id > above
        and not exists (select from (select unnest(r.events) as id from foundation.log_rows r) known where known.id = x.id)
        order by x.id limit at_most) l
  cross join lateral (select foundation.log_salts(secret, l.id) as salts offset 0) s
$$;

-- How long the oldest row waits to be sequenced, and how many heads there are: for those who watch.
create function foundation.log_waits_since() returns timestamptz language sql stable security definer set search_path = foundation, pg_temp as $$
  select l.at from foundation.access_log l
  where l.transaction >= coalesce((select pg_snapshot_xmax(s.snapshot) from foundation.log_state s), '0'::xid8)
  order by l.transaction limit 1
$$;

-- What a witness signed. The table takes no other head or witness than those there are; who reads it checks the signature.
create function foundation.put_cosignature(of_head bigint, by_witness text, at bigint, signature bytea) returns void
language sql security definer set search_path = foundation, pg_temp as $$
  insert into foundation.log_cosignature values (of_head, by_witness, at, signature) on conflict do nothing
$$;

do $$
declare name text;
begin
  foreach name in array array['log_state', 'log_key', 'log_head', 'log_tile', 'log_rows', 'log_secret', 'log_chain', 'log_entry', 'log_map',
                              'log_witness', 'log_cosignature'] loop
    execute format('alter table foundation.%I owner to helhed_foundation', name);
  end loop;
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'foundation'::regnamespace and p.proname ~ '^log_|^put_cosignature$' loop
    execute format('alter function %s owner to helhed_foundation', name);
  end loop;
end $$;
grant select, insert, update on foundation.log_state, foundation.log_tile, foundation.log_rows, foundation.log_chain, foundation.log_map to helhed_log;
grant select, insert on foundation.log_key, foundation.log_head, foundation.log_secret, foundation.log_entry to helhed_log;
grant execute on function foundation.log_new(pg_snapshot, bytea), foundation.log_left_behind(bigint, int, bytea) to helhed_log;
grant select on foundation.log_key, foundation.log_head, foundation.log_tile, foundation.log_witness to helhed_app;
grant select on foundation.log_cosignature to helhed_app;
grant execute on function foundation.put_cosignature(bigint, text, bigint, bytea) to helhed_app;
grant execute on function foundation.log_waits_since() to helhed_app;
grant select on foundation.log_chain, foundation.log_entry, foundation.log_secret, foundation.log_map to helhed_trust;
grant execute on function foundation.log_event(foundation.access_log, bytea), foundation.log_salts(bytea, bigint), foundation.log_salt(bytea, int), foundation.log_commitment(bytea, int, text),
  foundation.log_citizens(foundation.access_log), foundation.log_citizens_text(foundation.access_log),
  foundation.log_resources_text(foundation.access_log), foundation.log_local_text(foundation.access_log) to helhed_trust;
