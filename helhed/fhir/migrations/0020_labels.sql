-- Phase: pre. What a decision may ask of a row beyond its citizen, its origin and its type. New columns that older code neither
-- reads nor writes, and new functions beside the old ones.
--
-- authors: the professionals who recorded it; null in rows of older code: then its labels are not known, and every block
-- that could depend on them holds. contents: the rows it presents (a document its sections, a report its results).
-- concerns: the citizens it names beside its own. clinical_lo, clinical_hi: when what it tells took place, where that is not
-- its primary date.
alter table fhir.resource add column authors bigint[], add column contents uuid[], add column concerns bigint[],
  add column clinical_lo timestamptz, add column clinical_hi timestamptz;
alter table fhir.version add column authors bigint[], add column contents uuid[], add column concerns bigint[],
  add column clinical_lo timestamptz, add column clinical_hi timestamptz;
create index resource_concerns on fhir.resource using gin (concerns) where concerns is not null;

-- What holds for an asker whatever the row: fhir.standing, and the professional under whom an assistant acts.
create type fhir.footing as (active boolean, places bigint[], read_types smallint[], write_types smallint[], principal bigint);
alter type fhir.footing owner to helhed_fhir;
create function fhir.footing_of(asker fhir.ask) returns setof fhir.footing language sql stable as $$
  select s.active, s.places, s.read_types, s.write_types, null::bigint from fhir.stand(asker) s
$$;

-- Why the asker may see a row with these labels, a citizen as such, and why it may write; no row when it may not. Until the
-- trust package says more, by what it said before.
create function fhir.whole_basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, type_number smallint)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.stand(asker) s cross join lateral fhir.basis(asker, s, citizen_key, null, type_number, 1::smallint) b
$$;
create function fhir.write_basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.stand(asker) s cross join lateral fhir.write_basis(asker, s, citizen_key, origin_key, type_number, owned) b
$$;
create function fhir.basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint,
                           row_id uuid, authors bigint[], contents uuid[], concerns bigint[], lo timestamptz, hi timestamptz)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.stand(asker) s cross join lateral fhir.basis(asker, s, citizen_key, origin_key, type_number, owned) b
$$;

-- Whether rows of a citizen with the same type, owner and origin may be decided differently.
create function fhir.told_apart(citizen_key bigint) returns boolean language sql stable as $$ select false $$;

-- A row takes its next version: the standing one goes to fhir.version with the labels it had. A deleted row keeps its labels.
create function fhir.put_version(type_number smallint, resource_id uuid, expected_version int, at timestamptz, new_code bigint,
                                 new_lo timestamptz, new_hi timestamptz, new_tokens bigint[], new_digest bytea, new_body bytea,
                                 new_numbers float8[], new_authors bigint[], new_contents uuid[], new_concerns bigint[],
                                 new_clinical_lo timestamptz, new_clinical_hi timestamptz)
returns void language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  insert into fhir.version (bucket, type, ownership, deleted, version, id, citizen, origin, updated, digest, body,
                            authors, contents, concerns, clinical_lo, clinical_hi)
    select r.bucket, r.type, r.ownership, r.deleted, r.version, r.id, r.citizen, r.origin, r.updated, r.digest, r.body,
           r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)
    from fhir.resource r
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version;
  update fhir.resource r set
      version = r.version + 1, updated = at, deleted = new_body is null, code = new_code, date_lo = new_lo, date_hi = new_hi,
      tokens = new_tokens, digest = new_digest, body = coalesce(new_body, ''), numbers = new_numbers,
      authors = case when new_body is null then r.authors else new_authors end,
      contents = case when new_body is null then r.contents else new_contents end,
      concerns = case when new_body is null then r.concerns else new_concerns end,
      clinical_lo = case when new_body is null then coalesce(r.clinical_lo, r.date_lo) else coalesce(
        new_clinical_lo, case when new_lo = '-infinity' then coalesce(r.clinical_lo, nullif(r.date_lo, '-infinity'), r.updated) end) end,
      clinical_hi = case when new_body is null then coalesce(r.clinical_hi, r.date_hi) else coalesce(
        new_clinical_hi, case when new_lo = '-infinity' then coalesce(r.clinical_hi, nullif(r.date_hi, '-infinity'), r.updated) end) end
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version;
  if not found then
    raise exception 'version moved' using errcode = '40001';
  end if;
  delete from fhir.resource_string s where s.bucket = fhir.bucket(resource_id) and s.id = resource_id;
  delete from fhir.resource_date d where d.bucket = fhir.bucket(resource_id) and d.id = resource_id;
end $$;

-- Older code writes versions by this shape. It knows no labels, so theirs are unknown until the row is indexed again.
create or replace function fhir.put_version(type_number smallint, resource_id uuid, expected_version int, at timestamptz, new_code bigint,
                                            new_lo timestamptz, new_hi timestamptz, new_tokens bigint[], new_digest bytea, new_body bytea,
                                            new_numbers float8[])
returns void language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  perform fhir.put_version(type_number, resource_id, expected_version, at, new_code, new_lo, new_hi, new_tokens, new_digest, new_body,
                           new_numbers, null, null, null, null, null);
  if new_body is not null then
    update fhir.index_work w set done_at = null, bucket = -1 where w.name = 'labels' and w.done_at is not null;
  end if;
end $$;
insert into fhir.index_work (name, done_at)
  select 'labels', case when exists (select from fhir.resource) then null else clock_timestamp() end;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('basis', 'whole_basis', 'write_basis', 'footing_of', 'told_apart', 'put_version')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
grant execute on function fhir.put_version(smallint, uuid, int, timestamptz, bigint, timestamptz, timestamptz, bigint[], bytea, bytea, float8[],
                                           bigint[], uuid[], bigint[], timestamptz, timestamptz) to helhed_app;
grant execute on function fhir.footing_of(fhir.ask), fhir.told_apart(bigint),
  fhir.whole_basis(fhir.ask, fhir.footing, bigint, smallint),
  fhir.basis(fhir.ask, fhir.footing, bigint, bigint, smallint, smallint, uuid, bigint[], uuid[], bigint[], timestamptz, timestamptz),
  fhir.write_basis(fhir.ask, fhir.footing, bigint, bigint, smallint, smallint) to helhed_fhir, helhed_registries, helhed_trust;
