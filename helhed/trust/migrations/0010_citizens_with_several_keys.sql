-- Phase: pre. The decision about citizens with several keys (fhir.key_set): relations, blocks, consents, tickets, masks and those who
-- act are the citizen's under whichever key they stand. trust/reference says the same. Those with one key, as nearly all
-- have, pay for it with a look into a small table, and where there are none, with nothing: that is asked once a
-- statement. Functions under their old signatures, or taken over by ones that take
-- keys: only the decision calls those.

-- All keys of these citizens.
create function trust.keys_of(citizens bigint[]) returns bigint[] language sql stable as $$
  select array_agg(distinct k.key) from unnest(citizens) c
  cross join lateral (select c as key union all select unnest(s.keys) from fhir.key_set s where s.key = c) k
$$;

create function trust.openings_for(asker fhir.ask, stand fhir.footing, keys bigint[]) returns setof trust.opening language sql stable as $$
  select o.* from trust.opening o
  where o.citizen = any(keys) and o.valid_from <= asker.at and asker.at < o.valid_to and case o.basis
    when 8 then stand.principal is null and o.professional = asker.actor and o.organisation = asker.organisation
    else (o.professional is null or o.professional = coalesce(stand.principal, asker.actor))
      and (o.organisation is null or o.organisation = any(stand.places)) end
$$;

create function trust.named_basis(asker fhir.ask, stand fhir.footing, keys bigint[], origin_key bigint, row_id uuid,
                                  authors bigint[], contents uuid[], lo timestamptz, hi timestamptz)
returns smallint language sql stable as $$
  with opened as materialized (
    select * from trust.openings_for(asker, stand, keys)
  ), free as materialized (
    select not exists (
      select from trust.blocks_against(asker, stand, keys) b
      where trust.reaches(b, origin_key, row_id, authors, contents, lo, hi)
        and not exists (select from opened o where o.basis = 13 and o.block = b.id)) as of_blocks
  )
  select coalesce(
    case when f.of_blocks then coalesce((
      select min(t.class) from trust.relation t
      where t.citizen = any(keys) and t.organisation = any(stand.places)
        and (t.professional is null or t.professional = coalesce(stand.principal, asker.actor))
        and t.valid_from <= asker.at and asker.at < t.valid_to),
      case when trust.was_in_contact(asker, stand, keys, 15::smallint) then 15::smallint end,
      (select 13::smallint from opened o where o.basis = 13 and o.block is null limit 1)) end,
    (select 8::smallint from opened o where o.basis = 8 limit 1),
    case when f.of_blocks and trust.was_in_contact(asker, stand, keys, 16::smallint) then 16::smallint end)
  from free f
$$;

create or replace function trust.others_object(asker fhir.ask, stand fhir.footing, others bigint[], origin_key bigint, row_id uuid,
                                    authors bigint[], contents uuid[], lo timestamptz, hi timestamptz)
returns boolean language sql stable as $$
  select exists (
    select from trust.blocks_against(asker, stand, trust.keys_of(others)) b
    where trust.reaches(b, origin_key, row_id, authors, contents, lo, hi)
      and not exists (select from trust.openings_for(asker, stand, trust.keys_of(array[b.citizen])) o where o.basis = 8 or o.block = b.id))
$$;

create function trust.is_masked(keys bigint[], row_id uuid, contents uuid[], moment timestamptz, from_citizen_too boolean)
returns boolean language sql stable as $$
  select exists (
    select from trust.mask m
    where m.citizen = any(keys) and m.valid_from <= moment and moment < m.valid_to and (m.from_citizen or not from_citizen_too)
      and (m.resource = row_id or (contents is not null and m.resource in (select c.id from trust.within(contents) c))))
$$;

-- Of several dates of birth the earliest counts: no merge keeps a basis alive that age has ended.
create function trust.acting_basis(asker fhir.ask, keys bigint[], type_number smallint, origin_key bigint, row_id uuid, authors bigint[],
                                   contents uuid[], lo timestamptz, hi timestamptz)
returns smallint language sql stable as $$
  select min(a.basis) from trust.acting a
  where a.citizen = any(keys) and a.actor = any(trust.keys_of(array[asker.actor])) and a.valid_from <= asker.at and asker.at < a.valid_to
    and (a.types is null or type_number = any(a.types))
    and not exists (
      select from trust.age_limit g
      cross join (select min(c.birth_date) as birth_date from registries.citizen c where c.key = any(keys)) c
      where g.basis = a.basis and not coalesce(asker.at < trust.birthday(c.birth_date, g.ends_at_age), false))
    and not (a.obeys_blocks and exists (
      select from trust.block b
      where b.citizen = any(keys) and b.valid_from <= asker.at and asker.at < b.valid_to
        and b.who_organisation is null and b.who_professional is null
        and trust.reaches(b, origin_key, row_id, authors, contents, lo, hi)))
    and not trust.is_masked(keys, row_id, contents, asker.at, false)
$$;

-- The basis for a row of a citizen with several keys. What depends on the asker alone, the caller has asked.
create function trust.basis_by_keys(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, row_id uuid,
                                    authors bigint[], contents uuid[], concerns bigint[], lo timestamptz, hi timestamptz)
returns smallint language sql stable as $$
  select case
    when asker.kind = 1 then case
      when not asker.actor = any(s.keys) then trust.acting_basis(asker, s.keys, type_number, origin_key, row_id, authors, contents, lo, hi)
      when not trust.is_masked(s.keys, row_id, contents, asker.at, true) then 1 end
    when concerns is not null
      and trust.others_object(asker, stand, concerns, origin_key, row_id, authors, contents, lo, hi) then null
    else trust.named_basis(asker, stand, s.keys, origin_key, row_id, authors, contents, lo, hi) end::smallint
  from fhir.key_set s where s.key = citizen_key
$$;

-- Whether a row of an organisation is about those whom it names, so that their blocks hold: an implant is, and the list of one
-- patient's problems, but not a ward's list of its patients. (Group, List and Schedule, of several.)
create function trust.about_them(type_number smallint, concerns bigint[]) returns boolean language sql immutable
return cardinality(concerns) = 1 or type_number not in (58, 70, 122);

-- Of what belongs to an organisation and is about somebody, the somebody's block holds too.
create or replace function fhir.basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint,
                                      row_id uuid, authors bigint[], contents uuid[], concerns bigint[], lo timestamptz, hi timestamptz)
returns table (basis smallint) language sql stable as $$
  select decided.basis from (
    select case
      when asker.read_types is not null and not type_number = any(asker.read_types) then null
      when owned = 3 then 6
      when owned = 1 and (select exists (select from fhir.key_set)) and exists (select from fhir.key_set k where k.key = citizen_key) then case
        when asker.kind = 1 or (asker.kind = 2 and stand.active and (stand.read_types is null or type_number = any(stand.read_types)))
          then trust.basis_by_keys(asker, stand, citizen_key, origin_key, type_number, row_id, authors, contents, concerns, lo, hi) end
      when asker.kind = 1 and owned = 1 then case
        when asker.actor = citizen_key then case
          when exists (select from trust.mask m where m.citizen = citizen_key and m.from_citizen)
            and trust.is_masked(array[citizen_key], row_id, contents, asker.at, true) then null
          else 1 end
        when exists (select from trust.acting a where a.citizen = citizen_key and (a.actor = asker.actor or a.actor = any(
               (select k.keys from fhir.key_set k where k.key = asker.actor)::bigint[])))
          then trust.acting_basis(asker, array[citizen_key], type_number, origin_key, row_id, authors, contents, lo, hi)
        end
      when asker.kind = 2 and stand.active and (stand.read_types is null or type_number = any(stand.read_types)) then case
        when owned = 2 then case when origin_key = any(stand.places) and not (concerns is not null and trust.about_them(type_number, concerns)
            and trust.others_object(asker, stand, concerns, origin_key, row_id, authors, contents, lo, hi)) then 7 end
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
            or exists (select from trust.past_contact p where p.citizen = citizen_key and p.organisation = any(stand.places))
          then trust.named_basis(asker, stand, array[citizen_key], origin_key, row_id, authors, contents, lo, hi) end)
        end
    end::smallint as basis offset 0
  ) decided where decided.basis is not null
$$;

-- Nobody writes by looking back at their own work.
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
        when owned = 1 and exists (select from fhir.key_set k where k.key = citizen_key) then nullif(trust.named_basis(
          asker, stand, trust.keys_of(array[citizen_key]), origin_key, null, '{}', null, '-infinity', '-infinity'), 16::smallint)
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
            or exists (select from trust.past_contact p where p.citizen = citizen_key and p.organisation = any(stand.places))
          then nullif(trust.named_basis(asker, stand, array[citizen_key], origin_key, null, '{}', null, '-infinity', '-infinity'), 16::smallint) end)
        end
    end::smallint as basis offset 0
  ) decided where decided.basis is not null
$$;

create or replace function fhir.told_apart(citizen_key bigint) returns boolean language sql stable as $$
  select exists (select from trust.block b where b.citizen = any(trust.keys_of(array[citizen_key])) and (b.narrow or b.what_organisation is not null))
    or exists (select from trust.mask m where m.citizen = any(trust.keys_of(array[citizen_key])))
$$;

drop function trust.openings_for(fhir.ask, fhir.footing, bigint);
drop function trust.named_basis(fhir.ask, fhir.footing, bigint, bigint, uuid, bigint[], uuid[], timestamptz, timestamptz);
drop function trust.is_masked(bigint, uuid, uuid[], timestamptz, boolean);
drop function trust.acting_basis(fhir.ask, bigint, smallint, bigint, uuid, bigint[], uuid[], timestamptz, timestamptz);

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'keys_of', 'openings_for', 'named_basis', 'others_object', 'is_masked', 'acting_basis', 'basis_by_keys', 'about_them')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_fhir, helhed_registries', signature);
  end loop;
end $$;
