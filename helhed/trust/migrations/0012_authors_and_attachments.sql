-- Phase: pre. Blocks by author and by period hold on to what they hide. Who was behind a PractitionerRole, for good: a job ends, and what was recorded in it goes on being what its holder
-- recorded. Older code writes trust.employment only; a trigger takes up what it writes.
create table trust.recorder (
  key bigint not null,               -- of the PractitionerRole
  professional bigint not null,      -- whom it has named: whoever it names later is one more
  primary key (professional, key)
);
alter table trust.recorder owner to helhed_trust;
grant select on trust.recorder to helhed_fhir, helhed_registries;

create function trust.put_recorders(sources uuid[], professionals bigint[]) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.recorder (key, professional)
  select fhir.key(q.source), q.professional from unnest(sources, professionals) as q(source, professional)
  on conflict do nothing
$$;

create function trust.note_recorder() returns trigger language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  insert into trust.recorder (key, professional) values (fhir.key(new.source), new.professional) on conflict do nothing;
  return new;
end $$;
create trigger employment_recorder after insert or update on trust.employment
  for each row execute function trust.note_recorder();

alter function trust.put_recorders(uuid[], bigint[]) owner to helhed_trust;
alter function trust.note_recorder() owner to helhed_trust;
grant execute on function trust.put_recorders(uuid[], bigint[]) to helhed_app;

-- What every PractitionerRole (type 109) that is stored, or once was, says.
insert into trust.recorder (key, professional)
select distinct fhir.key(w.id), fhir.key(w.named[1]::uuid) from (
  select r.id, regexp_match(convert_from(r.body, 'UTF8')::jsonb #>> '{practitioner,reference}',
                            '^Practitioner/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)') as named
  from fhir.resource r where r.type = 109 and not r.deleted
  union all
  select v.id, regexp_match(convert_from(v.body, 'UTF8')::jsonb #>> '{practitioner,reference}',
                            '^Practitioner/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)')
  from fhir.version v where v.type = 109 and not v.deleted
) w where w.named is not null
on conflict do nothing;
insert into trust.recorder (key, professional) select fhir.key(e.source), e.professional from trust.employment e on conflict do nothing;

-- As before, but an author is known by every job that was ever registered.
create or replace function trust.covers(b trust.block, origin_key bigint, row_id uuid, authors bigint[], lo timestamptz, hi timestamptz)
returns boolean language sql stable as $$
  select (b.what_organisation is null or case when b.what_alone then b.what_organisation = origin_key else exists (
      select from registries.organisation x where x.key = origin_key and b.what_organisation = any(x.places)) end)
    and (b.what_author is null or authors is null or authors && (array[b.what_author] || array(
      select x.key from trust.recorder x where x.professional = b.what_author)))
    and ((b.what_from is null and b.what_to is null) or authors is null
      or (lo < coalesce(b.what_to, 'infinity') and hi >= coalesce(b.what_from, '-infinity') and hi > '-infinity'))
    and (b.what_document is null or row_id = b.what_document)
$$;

-- The rows that present an attachment (Binary, type 9). Its bytes are their content, with nothing of its own that says who recorded
-- it or when.
create function trust.presenting(row_id uuid)
returns table (id uuid, origin bigint, authors bigint[], contents uuid[], lo timestamptz, hi timestamptz) language sql stable as $$
  select d.id, d.origin, d.authors, d.contents, coalesce(d.clinical_lo, d.date_lo), coalesce(d.clinical_hi, d.date_hi)
  from fhir.resource r join fhir.resource d on d.citizen = r.citizen and d.contents @> array[row_id]
  where r.bucket = fhir.bucket(row_id) and r.id = row_id and r.type = 9
$$;

-- As before, and an attachment is reached with what presents it.
create or replace function trust.reaches(b trust.block, origin_key bigint, row_id uuid, authors bigint[], contents uuid[], lo timestamptz, hi timestamptz)
returns boolean language sql stable as $$
  select trust.covers(b, origin_key, row_id, authors, lo, hi)
    or (contents is not null and exists (
      select from trust.within(contents) c where trust.covers(b, c.origin, c.id, c.authors, c.lo, c.hi)))
    or (b.what_document is not null and row_id <> b.what_document and row_id in (select c.id from trust.within(array[b.what_document]) c)
      and trust.covers(jsonb_populate_record(b, '{"what_document": null}'), origin_key, row_id, authors, lo, hi))
    or exists (select from trust.presenting(row_id) d where trust.reaches(b, d.origin, d.id, d.authors, d.contents, d.lo, d.hi))
$$;

create or replace function trust.is_masked(keys bigint[], row_id uuid, contents uuid[], moment timestamptz, from_citizen_too boolean)
returns boolean language sql stable as $$
  select exists (
    select from trust.mask m
    where m.citizen = any(keys) and m.valid_from <= moment and moment < m.valid_to and (m.from_citizen or not from_citizen_too)
      and (m.resource = row_id or (contents is not null and m.resource in (select c.id from trust.within(contents) c))
        or exists (select from trust.presenting(row_id) d where m.resource = d.id or m.resource in (select c.id from trust.within(d.contents) c))))
$$;
alter function trust.presenting(uuid) owner to helhed_trust;
grant execute on function trust.presenting(uuid) to helhed_fhir, helhed_registries;
