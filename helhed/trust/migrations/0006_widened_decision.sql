-- Phase: pre. The decision, widened, under the names that every reading function calls. trust/reference says the same.
-- What is met on every row stands in fhir.basis and becomes part of the statement that reads; what is rare stands in
-- functions of its own, which are called only for citizens of whom such a fact is known.

-- The types in both lists, null being every type; the first list alone unless both count.
create function trust.both_types(these smallint[], others smallint[], both_count boolean) returns smallint[] language sql immutable
return case when not coalesce(both_count, false) or others is null then these when these is null then others
            else array(select unnest(these) intersect select unnest(others)) end;

-- The professional under whom an assistant acts now, and what that leaves the assistant; null where nobody is responsible. It stands by
-- itself, as nearly everybody acts for themselves: what becomes part of a statement is made ready in each, needed or not.
create type trust.responsible as (principal bigint, delegated smallint[], read_types smallint[], write_types smallint[]);
create function trust.responsible_for(asker fhir.ask) returns trust.responsible language sql stable as $$
  select row(newest.principal, newest.write_types, p.read_types, p.write_types)::trust.responsible
  from (
    select a.* from trust.assistance a
    where a.assistant = asker.actor and a.organisation = asker.organisation and a.valid_from <= asker.at and asker.at < a.valid_to
    order by a.valid_from desc, a.id limit 1
  ) newest
  join trust.role p on p.role = newest.role and not p.assists
  where exists (
    select from trust.employment x
    where x.professional = newest.principal and x.organisation = newest.organisation and x.role = newest.role
      and x.valid_from <= asker.at and asker.at < x.valid_to)
$$;

-- Asked once for each asker (offset 0), however many rows are decided by it.
create or replace function fhir.footing_of(asker fhir.ask) returns setof fhir.footing language sql stable
as $$
  select case
           when asker.kind = 2 and r.role is not null  -- a role nobody defined allows nothing
             and (not r.assists or (u.under).principal is not null) and exists (
             select from trust.employment x
             where x.professional = asker.actor and x.organisation = asker.organisation and x.role = asker.role
               and x.valid_from <= asker.at and asker.at < x.valid_to) then true
           when asker.kind = 3 and exists (
             select from trust.system_client c
             where c.organisation = asker.organisation and c.organisation = asker.actor
               and c.registered_at <= asker.at and asker.at < c.ended_at) then true end,
         o.places, case when r.assists then trust.both_types(r.read_types, (u.under).read_types, true) else r.read_types end,
         case when r.assists then trust.both_types((u.under).delegated, (u.under).write_types, true) else r.write_types end,
         (u.under).principal
  from (select 1) one
  left join registries.organisation o on o.key = asker.organisation
  left join trust.role r on r.role = asker.role and asker.kind = 2
  left join lateral (select trust.responsible_for(asker) as under where r.assists offset 0) u on true
  offset 0
$$;

create or replace function fhir.stand(asker fhir.ask) returns setof fhir.standing language sql stable as $$
  select p.active, p.places, p.read_types, p.write_types from fhir.footing_of(asker) p
$$;

-- --- blocks ---------------------------------------------------------------------------------------------------------------

-- Whether what a block is about covers one row.
create function trust.covers(b trust.block, origin_key bigint, row_id uuid, authors bigint[], lo timestamptz, hi timestamptz)
returns boolean language sql stable as $$
  select (b.what_organisation is null or case when b.what_alone then b.what_organisation = origin_key else exists (
      select from registries.organisation x where x.key = origin_key and b.what_organisation = any(x.places)) end)
    and (b.what_author is null or authors is null or authors && (array[b.what_author] || array(
      select fhir.key(x.source) from trust.employment x where x.professional = b.what_author)))
    and ((b.what_from is null and b.what_to is null) or authors is null
      or (lo < coalesce(b.what_to, 'infinity') and hi >= coalesce(b.what_from, '-infinity') and hi > '-infinity'))
    and (b.what_document is null or row_id = b.what_document)
$$;

-- The rows that these rows present, and what those present, to the end; the rows themselves among them.
create function trust.within(ids uuid[])
returns table (id uuid, origin bigint, authors bigint[], lo timestamptz, hi timestamptz) language sql stable as $$
  with recursive reached as (
    select u.id from unnest(ids) u(id)
    union
    select c.id from reached w
    join fhir.resource r on r.bucket = fhir.bucket(w.id) and r.id = w.id
    cross join lateral unnest(r.contents) c(id)
  )
  select r.id, r.origin, r.authors, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)
  from reached w join fhir.resource r on r.bucket = fhir.bucket(w.id) and r.id = w.id
$$;

-- Whether a block reaches a row: it covers the row, or something that the row presents, or the row is a part of the document.
create function trust.reaches(b trust.block, origin_key bigint, row_id uuid, authors bigint[], contents uuid[], lo timestamptz, hi timestamptz)
returns boolean language sql stable as $$
  select trust.covers(b, origin_key, row_id, authors, lo, hi)
    or (contents is not null and exists (
      select from trust.within(contents) c where trust.covers(b, c.origin, c.id, c.authors, c.lo, c.hi)))
    or (b.what_document is not null and row_id <> b.what_document and row_id in (select c.id from trust.within(array[b.what_document]) c)
      and trust.covers(jsonb_populate_record(b, '{"what_document": null}'), origin_key, row_id, authors, lo, hi))
$$;

-- Blocks of these citizens that hold now for somebody: everybody's, a place they act from, or the person or their principal.
create function trust.blocks_against(asker fhir.ask, stand fhir.footing, citizens bigint[]) returns setof trust.block language sql stable as $$
  select b.* from trust.block b
  where b.citizen = any(citizens) and b.valid_from <= asker.at and asker.at < b.valid_to
    and (b.who_organisation is null or case when b.who_alone then b.who_organisation = asker.organisation
                                            else b.who_organisation = any(stand.places) end)
    and (b.who_professional is null or b.who_professional in (asker.actor, stand.principal))
$$;

-- --- exceptions -----------------------------------------------------------------------------------------------------------

-- Consents and tickets of a citizen that hold for the asker. A ticket is for one person in one place, and never for an
-- assistant; a consent to a professional serves the assistant as well, one to an organisation those who act from it.
create function trust.openings_for(asker fhir.ask, stand fhir.footing, citizen_key bigint) returns setof trust.opening language sql stable as $$
  select o.* from trust.opening o
  where o.citizen = citizen_key and o.valid_from <= asker.at and asker.at < o.valid_to and case o.basis
    when 8 then stand.principal is null and o.professional = asker.actor and o.organisation = asker.organisation
    else (o.professional is null or o.professional = coalesce(stand.principal, asker.actor))
      and (o.organisation is null or o.organisation = any(stand.places)) end
$$;

-- The basis of a professional whom a citizen has named: what stood in the way may be lifted, and what was missing given.
create function trust.named_basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, row_id uuid,
                                  authors bigint[], contents uuid[], lo timestamptz, hi timestamptz)
returns smallint language sql stable as $$
  with opened as materialized (select * from trust.openings_for(asker, stand, citizen_key))
  select coalesce(
    case when not exists (
      select from trust.blocks_against(asker, stand, array[citizen_key]) b
      where trust.reaches(b, origin_key, row_id, authors, contents, lo, hi)
        and not exists (select from opened o where o.basis = 13 and o.block = b.id))
    then coalesce((
      select min(t.class) from trust.relation t
      where t.citizen = citizen_key and t.organisation = any(stand.places)
        and (t.professional is null or t.professional = coalesce(stand.principal, asker.actor))
        and t.valid_from <= asker.at and asker.at < t.valid_to),
      (select 13::smallint from opened o where o.basis = 13 and o.block is null limit 1)) end,
    (select 8::smallint from opened o where o.basis = 8 limit 1))
$$;

-- Whether a citizen whom the row concerns beside its own stands in the way.
create function trust.others_object(asker fhir.ask, stand fhir.footing, others bigint[], origin_key bigint, row_id uuid,
                                    authors bigint[], contents uuid[], lo timestamptz, hi timestamptz)
returns boolean language sql stable as $$
  select exists (
    select from trust.blocks_against(asker, stand, others) b
    where trust.reaches(b, origin_key, row_id, authors, contents, lo, hi)
      and not exists (select from trust.openings_for(asker, stand, b.citizen) o where o.basis = 8 or o.block = b.id))
$$;

-- --- those who act for a citizen --------------------------------------------------------------------------------------------

-- The first moment of a birthday in Denmark. Whoever was born on 29 February has it on 1 March in years without one.
create function trust.birthday(born date, age int) returns timestamptz language sql immutable
return (case when extract(month from born) = 2 and extract(day from born) = 29 and extract(day from born + make_interval(years => age)) <> 29
             then (born + make_interval(years => age))::date + 1 else (born + make_interval(years => age))::date end
       )::timestamp at time zone 'Europe/Copenhagen';

create function trust.is_masked(citizen_key bigint, row_id uuid, contents uuid[], moment timestamptz, from_citizen_too boolean)
returns boolean language sql stable as $$
  select exists (
    select from trust.mask m
    where m.citizen = citizen_key and m.valid_from <= moment and moment < m.valid_to and (m.from_citizen or not from_citizen_too)
      and (m.resource = row_id or (contents is not null and m.resource in (select c.id from trust.within(contents) c))))
$$;

-- The basis of a citizen who acts for another.
create function trust.acting_basis(asker fhir.ask, citizen_key bigint, type_number smallint, origin_key bigint, row_id uuid, authors bigint[],
                                   contents uuid[], lo timestamptz, hi timestamptz)
returns smallint language sql stable as $$
  select min(a.basis) from trust.acting a
  where a.citizen = citizen_key and a.actor = asker.actor and a.valid_from <= asker.at and asker.at < a.valid_to
    and (a.types is null or type_number = any(a.types))
    and not exists (
      select from trust.age_limit g left join registries.citizen c on c.key = citizen_key
      where g.basis = a.basis and not coalesce(asker.at < trust.birthday(c.birth_date, g.ends_at_age), false))
    and not (a.obeys_blocks and exists (
      select from trust.block b
      where b.citizen = citizen_key and b.valid_from <= asker.at and asker.at < b.valid_to
        and b.who_organisation is null and b.who_professional is null
        and trust.reaches(b, origin_key, row_id, authors, contents, lo, hi)))
    and not trust.is_masked(citizen_key, row_id, contents, asker.at, false)
$$;

-- --- the decision -----------------------------------------------------------------------------------------------------------

create or replace function fhir.basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint,
                                      row_id uuid, authors bigint[], contents uuid[], concerns bigint[], lo timestamptz, hi timestamptz)
returns table (basis smallint) language sql stable as $$
  select decided.basis from (
    select case
      when asker.read_types is not null and not type_number = any(asker.read_types) then null
      when owned = 3 then 6
      when asker.kind = 1 and owned = 1 then case
        when asker.actor = citizen_key then case
          when exists (select from trust.mask m where m.citizen = citizen_key and m.from_citizen)
            and trust.is_masked(citizen_key, row_id, contents, asker.at, true) then null
          else 1 end
        when exists (select from trust.acting a where a.citizen = citizen_key and a.actor = asker.actor)
          then trust.acting_basis(asker, citizen_key, type_number, origin_key, row_id, authors, contents, lo, hi)
        end
      when asker.kind = 2 and stand.active and (stand.read_types is null or type_number = any(stand.read_types)) then case
        when owned = 2 then case when origin_key = any(stand.places) then 7 end
        when concerns is not null
          and trust.others_object(asker, stand, concerns, origin_key, row_id, authors, contents, lo, hi) then null
        else coalesce(
          case when not exists (
            select from trust.block b
            where b.citizen = citizen_key and b.valid_from <= asker.at and asker.at < b.valid_to
              and (b.who_organisation is null or case when b.who_alone then b.who_organisation = asker.organisation
                                                      else b.who_organisation = any(stand.places) end)
              and (b.who_professional is null or b.who_professional in (asker.actor, stand.principal))
              and case when b.narrow or b.what_alone or contents is not null
                       then trust.reaches(b, origin_key, row_id, authors, contents, lo, hi)
                       else b.what_organisation is null or exists (
                         select from registries.organisation x where x.key = origin_key and b.what_organisation = any(x.places)) end)
          then (
            select min(t.class) from trust.relation t
            where t.citizen = citizen_key and t.organisation = any(stand.places)
              and (t.professional is null or t.professional = coalesce(stand.principal, asker.actor))
              and t.valid_from <= asker.at and asker.at < t.valid_to) end,
          case when exists (
            select from trust.opening o where o.citizen = citizen_key and o.valid_from <= asker.at and asker.at < o.valid_to)
          then trust.named_basis(asker, stand, citizen_key, origin_key, row_id, authors, contents, lo, hi) end)
        end
    end::smallint as basis offset 0
  ) decided where decided.basis is not null
$$;

-- The same about a citizen as such: no block on a part of a record stands in the way of the whole.
create or replace function fhir.whole_basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, type_number smallint)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.basis(asker, stand, citizen_key, null::bigint, type_number, 1::smallint, null::uuid, '{}'::bigint[], null::uuid[],
                                 null::bigint[], '-infinity'::timestamptz, '-infinity'::timestamptz) b
$$;

-- Writing. A block on a part of a record by author, period or document stops nobody from adding to it: what one is about to
-- record was never hidden from the one who records it. Changing a row takes seeing it as well (fhir.claim).
create or replace function fhir.write_basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select decided.basis from (
    select case
      when asker.write_types is not null and not type_number = any(asker.write_types) then null
      when not coalesce(stand.active, false) then null
      when asker.kind = 3 then case when exists (
          select from registries.organisation x where x.key = origin_key and asker.organisation = any(x.places))
          or origin_key = asker.organisation then 5 end
      when asker.kind = 2 and origin_key = asker.organisation
        and (stand.write_types is null or type_number = any(stand.write_types)) then case
        when owned = 2 then 7
        when owned = 1 then coalesce(
          case when not exists (
            select from trust.block b
            where b.citizen = citizen_key and b.valid_from <= asker.at and asker.at < b.valid_to and not b.narrow
              and (b.who_organisation is null or case when b.who_alone then b.who_organisation = asker.organisation
                                                      else b.who_organisation = any(stand.places) end)
              and (b.who_professional is null or b.who_professional in (asker.actor, stand.principal))
              and (b.what_organisation is null or case when b.what_alone then b.what_organisation = origin_key else exists (
                select from registries.organisation x where x.key = origin_key and b.what_organisation = any(x.places)) end))
          then (
            select min(t.class) from trust.relation t
            where t.citizen = citizen_key and t.organisation = any(stand.places)
              and (t.professional is null or t.professional = coalesce(stand.principal, asker.actor))
              and t.valid_from <= asker.at and asker.at < t.valid_to) end,
          case when exists (
            select from trust.opening o where o.citizen = citizen_key and o.valid_from <= asker.at and asker.at < o.valid_to)
          then trust.named_basis(asker, stand, citizen_key, origin_key, null, '{}', null, '-infinity', '-infinity') end)
        end
    end::smallint as basis offset 0
  ) decided where decided.basis is not null
$$;

-- What calls the decision by its earlier shape gets this one.
create or replace function fhir.basis(asker fhir.ask, stand fhir.standing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.footing_of(asker) p
  cross join lateral fhir.basis(asker, p, citizen_key, origin_key, type_number, owned, null::uuid, '{}'::bigint[], null::uuid[],
                                null::bigint[], '-infinity'::timestamptz, '-infinity'::timestamptz) b
$$;
create or replace function fhir.write_basis(asker fhir.ask, stand fhir.standing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.footing_of(asker) p cross join lateral fhir.write_basis(asker, p, citizen_key, origin_key, type_number, owned) b
$$;

create or replace function fhir.told_apart(citizen_key bigint) returns boolean language sql stable as $$
  select exists (select from trust.block b where b.citizen = citizen_key and (b.narrow or b.what_organisation is not null))
    or exists (select from trust.mask m where m.citizen = citizen_key)
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'both_types', 'covers', 'within', 'reaches', 'blocks_against', 'openings_for', 'named_basis', 'others_object', 'birthday',
      'is_masked', 'acting_basis', 'responsible_for')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_fhir, helhed_registries', signature);
  end loop;
end $$;
alter type trust.responsible owner to helhed_trust;
