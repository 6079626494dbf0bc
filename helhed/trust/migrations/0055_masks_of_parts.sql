-- Phase: pre. Masks of a part of a row: the elements that a clinician hides, of a row that is seen without them. New columns with defaults,
-- and functions restated under their old signatures: older code sets and ends masks of whole rows, as before.

alter table trust.mask
  add column elements text[],          -- null: the whole row
  add column attachments uuid[];       -- those behind these elements; null: not known, so all that the row presents
create index mask_elements on trust.mask (resource) where elements is not null;

-- --- the decision ------------------------------------------------------------------------------------------------------------

-- Whether a row is hidden, all of it: by a mask on it, on something that it presents, or, of an attachment, on what presents it. A mask of
-- a part hides whatever presents the row, since that may repeat it, and the attachments behind the part.
create or replace function trust.is_masked(keys bigint[], row_id uuid, contents uuid[], moment timestamptz, from_citizen_too boolean)
returns boolean language sql stable as $$
  select exists (
    select from trust.mask m
    where m.citizen = any(keys) and m.valid_from <= moment and moment < m.valid_to and (m.from_citizen or not from_citizen_too)
      and (case when m.resource = row_id then m.elements is null
                else contents is not null and m.resource in (select c.id from trust.within(contents) c) end
        or exists (
          select from trust.presenting(row_id) d
          where case when m.resource = d.id then m.elements is null or m.attachments is null
                     else m.resource in (select c.id from trust.within(d.contents) c) end)
        or row_id = any(m.attachments)))
$$;

-- Whether a part of a row is hidden.
create function trust.is_masked_in_part(keys bigint[], row_id uuid, moment timestamptz, from_citizen_too boolean) returns boolean language sql stable as $$
  select exists (
    select from trust.mask m
    where m.citizen = any(keys) and m.resource = row_id and m.elements is not null and m.valid_from <= moment and moment < m.valid_to
      and (m.from_citizen or not from_citizen_too))
$$;

-- Of several dates of birth the earliest counts: no merge keeps a basis alive that age has ended. Somebody who acts for a citizen sees
-- either the row or what is left of it. Nobody acts for the dead, nor the dead for anybody.

create function trust.acting_basis(asker fhir.ask, keys bigint[], type_number smallint, origin_key bigint, row_id uuid, authors bigint[],
                                   contents uuid[], lo timestamptz, hi timestamptz, in_part boolean)
returns smallint language sql stable as $$
  select min(a.basis) from trust.acting a
  where a.citizen = any(keys) and a.actor = any(trust.keys_of(array[asker.actor])) and a.valid_from <= asker.at and asker.at < a.valid_to
    and not trust.has_died(keys) and not trust.has_died(trust.keys_of(array[asker.actor]))
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
    and trust.is_masked_in_part(keys, row_id, asker.at, false) = in_part
    and not trust.is_masked(keys, row_id, contents, asker.at, false)
$$;

create or replace function trust.acting_basis(asker fhir.ask, keys bigint[], type_number smallint, origin_key bigint, row_id uuid, authors bigint[],
                                              contents uuid[], lo timestamptz, hi timestamptz)
returns smallint language sql stable
return trust.acting_basis(asker, keys, type_number, origin_key, row_id, authors, contents, lo, hi, false);

-- The basis for what is left of a row: for those whom a mask of a part stops, and whom nothing else would.
create or replace function fhir.part_basis(asker fhir.ask, citizen_key bigint, origin_key bigint, type_number smallint, row_id uuid, authors bigint[],
                                           contents uuid[], lo timestamptz, hi timestamptz)
returns smallint language sql stable as $$
  select case
    when asker.kind <> 1 or (asker.read_types is not null and not type_number = any(asker.read_types)) then null
    when not asker.actor = any(k.keys) then trust.acting_basis(asker, k.keys, type_number, origin_key, row_id, authors, contents, lo, hi, true)
    when trust.has_died(k.keys) then null
    when trust.is_masked_in_part(k.keys, row_id, asker.at, true) and not trust.is_masked(k.keys, row_id, contents, asker.at, true) then 1 end::smallint
  from (select trust.keys_of(array[citizen_key]) as keys) k
$$;

-- The basis for a row of a citizen with several keys. What depends on the asker alone, the caller has asked.

create or replace function trust.basis_by_keys(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, row_id uuid,
                                    authors bigint[], contents uuid[], concerns bigint[], lo timestamptz, hi timestamptz)
returns smallint language sql stable as $$
  select case
    when asker.kind = 1 then case
      when not asker.actor = any(s.keys) then trust.acting_basis(asker, s.keys, type_number, origin_key, row_id, authors, contents, lo, hi)
      when not trust.is_masked_in_part(s.keys, row_id, asker.at, true) and not trust.is_masked(s.keys, row_id, contents, asker.at, true) then 1 end
    when concerns is not null
      and trust.others_object(asker, stand, concerns, origin_key, row_id, authors, contents, lo, hi) then null
    else trust.named_basis(asker, stand, s.keys, origin_key, row_id, authors, contents, lo, hi) end::smallint
  from fhir.key_set s where s.key = citizen_key
$$;

-- What is left of a row (4) is decided by itself; of what belongs to an organisation and is about somebody, the somebody's block holds too.
create or replace function fhir.basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint,
                                      row_id uuid, authors bigint[], contents uuid[], concerns bigint[], lo timestamptz, hi timestamptz)
returns table (basis smallint) language sql stable as $$
  select decided.basis from (
    select case
      when asker.read_types is not null and not type_number = any(asker.read_types) then null
      when owned = 3 then 6
      when asker.kind = 1 and not stand.active then null  -- of a citizen: only once they have died
      when owned = 4 then fhir.part_basis(asker, citizen_key, origin_key, type_number, row_id, authors, contents, lo, hi)
      when owned = 1 and (select exists (select from fhir.key_set)) and exists (select from fhir.key_set k where k.key = citizen_key) then case
        when asker.kind = 1 or (asker.kind = 2 and stand.active and (stand.read_types is null or type_number = any(stand.read_types)))
          then trust.basis_by_keys(asker, stand, citizen_key, origin_key, type_number, row_id, authors, contents, concerns, lo, hi) end
      when asker.kind = 1 and owned = 1 then case
        when asker.actor = citizen_key then case
          when exists (select from trust.mask m where m.citizen = citizen_key and m.from_citizen)
            and (trust.is_masked_in_part(array[citizen_key], row_id, asker.at, true)
              or trust.is_masked(array[citizen_key], row_id, contents, asker.at, true)) then null
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

-- Nobody writes by looking back at their own work, and nobody to what is left of a row.
create or replace function fhir.write_basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select decided.basis from (
    select case
      when asker.write_types is not null and not type_number = any(asker.write_types) then null
      when owned = 4 or not coalesce(stand.active, false) then null
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

-- The decision on each row that the asker sees, whole or in part, for a reader, who meets the whole. One object: the row's id to the basis, null
-- for what is hidden. Whom a row concerns beside the citizen is left aside: whether they block is theirs to know, and no answer may depend on it.
create or replace function trust.decided_for(asker fhir.ask, reader fhir.ask, citizen_key bigint, types smallint[]) returns jsonb language sql volatile as $$
  select coalesce(jsonb_object_agg(r.id, b.basis), '{}')
  from fhir.footing_of(asker) mine cross join fhir.footing_of(reader) s
  cross join unnest(trust.keys_of(array[citizen_key])) k(key)
  cross join lateral (
    select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi
    from fhir.resource x where x.citizen = k.key and x.type = any(types) and not x.deleted offset 0) r
  cross join lateral fhir.basis(asker, mine, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) seen
  left join lateral fhir.basis(reader, s, r.citizen, r.origin, r.type, case r.ownership when 4 then 1 else r.ownership end::smallint, r.id, r.authors, r.contents, null, r.lo, r.hi) b on true
$$;

-- What goes of such a record: all but what stays with a living citizen, and what somebody else's record presents. What is left of a masked
-- row goes with it.
create or replace function trust.rows_due(citizen_key bigint, origin_key bigint, patient_type smallint, stays smallint[])
returns setof fhir.resource language sql stable as $$
  select r.* from fhir.resource r
  where r.citizen = citizen_key and r.origin = origin_key and r.type <> patient_type and r.ownership <> 4
    and (r.type <> all(stays) or r.deleted or exists (
      select from registries.citizen c
      where c.deceased and c.key = coalesce((select s.head from fhir.key_set s where s.key = citizen_key), citizen_key)))
    and not exists (select from fhir.resource k where k.citizen = any(trust.own_key_set(citizen_key)) and k.origin <> origin_key
                    and not k.deleted and k.contents @> array[r.id])
$$;

-- --- what the store asks ------------------------------------------------------------------------------------------------------

create or replace function fhir.masked_elements(ids uuid[], moment timestamptz) returns table (id uuid, elements text[]) language sql stable as $$
  select m.resource, array_agg(distinct e order by e) from trust.mask m cross join unnest(m.elements) e
  where m.resource = any(ids) and m.elements is not null and moment < m.valid_to group by m.resource
$$;

create function trust.put_carried(row_id uuid, carried uuid[]) returns void language sql security definer set search_path = trust, pg_temp as $$
  update trust.mask m set attachments = carried where m.resource = row_id and m.elements is not null
$$;
create or replace function fhir.note_carried(row_id uuid, attachments uuid[]) returns void language sql as $$ select trust.put_carried(row_id, attachments) $$;

-- --- what a clinician says ----------------------------------------------------------------------------------------------------

-- Hides elements of a row as it stands in a version: 0 it is not the asker's to hide, 1 it is hidden, 2 the row has another version by now.
-- What a mask of a part hid before is hidden no longer, unless it is named again. From the citizen too only for a reason and a time.
create function trust.hide_part(asker fhir.ask, mask uuid, type_number smallint, row_id uuid, expected_version int, hidden text[],
                                from_citizen_too boolean, why text, until timestamptz, patient_type smallint)
returns smallint language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  target record;
begin
  if btrim(why) = '' or until <= asker.at or (from_citizen_too and until = 'infinity') or type_number = patient_type
     or coalesce(cardinality(hidden), 0) = 0 or not coalesce((select s.principal is null from fhir.footing_of(asker) s), false) then
    return 0;
  end if;
  select r.citizen, b.basis into target
    from fhir.footing_of(asker) s
    join trust.role known on known.role = asker.role and known.authorised
    join fhir.resource r on r.bucket = fhir.bucket(row_id) and r.id = row_id and r.type = type_number and r.citizen is not null
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns,
                                  coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where asker.kind = 2;
  if target.basis is null then
    return 0;
  end if;
  if fhir.hold_row(type_number, row_id) is distinct from expected_version then
    return 2;
  end if;
  update trust.mask m set valid_to = asker.at where m.resource = row_id and m.elements is not null and m.valid_to > asker.at;
  perform fhir.drop_part(row_id, true);
  insert into trust.mask (id, citizen, resource, from_citizen, valid_from, valid_to, reason, set_by, set_in, elements)
  values (mask, target.citizen, row_id, from_citizen_too, asker.at, until, why, asker.actor, asker.organisation, hidden);
  perform trust.note(asker, 120::smallint, target.citizen, target.basis, row_id);
  return 1;
end $$;

-- Shows what a mask hides again, a row or a part of one.
create function trust.show_again(asker fhir.ask, mask uuid, patient_type smallint) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.mask;
  allowed smallint;
begin
  select * into old from trust.mask m where m.id = mask and m.valid_to > asker.at for update;
  if old.elements is null then
    return trust.end_mask(asker, mask, patient_type);
  end if;
  allowed := trust.clinician_basis(asker, old.citizen, patient_type);
  if allowed is null then
    return false;
  end if;
  update trust.mask m set valid_to = asker.at where m.id = mask;
  perform fhir.drop_part(old.resource, true);
  perform trust.note(asker, 121::smallint, old.citizen, allowed, old.resource);
  return true;
end $$;

-- What is hidden of a citizen now, for a clinician who treats them: which row, which elements of it (null: all of it) and why, not what it says.
create function trust.hidden_on(asker fhir.ask, citizen_key bigint, patient_type smallint)
returns table (id uuid, resource uuid, type smallint, from_citizen boolean, reason text, since timestamptz, until timestamptz, set_by_name text, elements text[])
language sql stable security definer set search_path = trust, pg_temp as $$
  select m.id, m.resource, r.type, m.from_citizen, m.reason, m.valid_from, m.valid_to,
         (select p.name from registries.professional p where p.key = m.set_by), m.elements
  from trust.mask m left join fhir.resource r on r.bucket = fhir.bucket(m.resource) and r.id = m.resource
  where trust.clinician_basis(asker, citizen_key, patient_type) is not null and m.citizen = any(trust.keys_of(array[citizen_key]))
    and m.valid_from <= asker.at and asker.at < m.valid_to
  order by m.valid_from desc, m.id
$$;

-- --- the log --------------------------------------------------------------------------------------------------------------------

-- Whoever acts for somebody finds no look at what a clinician hid, and not that it was hidden, or a part of it, whatever is searched for; and
-- no search, by anybody, tells of a row that is hidden from the asker.
create or replace function trust.log_page(asker fhir.ask, patient bigint, type_number smallint, wanted jsonb, row_limit int, most int)
returns table (id bigint, moment timestamptz, at timestamptz, kind smallint, actor bigint, actor_id uuid, actor_name text, withheld boolean,
               principal bigint, principal_name text, organisation bigint, organisation_id uuid, organisation_name text, role text, client text,
               purpose smallint, action smallint, permitted boolean, basis smallint, type smallint, resources uuid[], seen uuid[],
               seen_types smallint[], types smallint[], as_other boolean, citizen_id uuid, trace uuid, source bigint, source_id uuid,
               source_name text, local_id text, local jsonb, total bigint, more boolean, client_name text, ticket uuid)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  reach record := trust.log_reach(asker, patient, type_number);
  hidden bigint[];
  masked boolean;
  acts boolean := reach.place is null and reach.basis <> 1;
  covered uuid[] := '{}';
  since timestamptz := coalesce((wanted->>'since')::timestamptz, '-infinity');
  until timestamptz := coalesce((wanted->>'until')::timestamptz, 'infinity');
  bound int := case when wanted ? 'days' then most else row_limit end;
  after_moment timestamptz := coalesce((wanted->'after'->>0)::timestamptz, 'infinity');
  after_id bigint := coalesce((wanted->'after'->>1)::bigint, 9223372036854775807);
begin
  if reach.keys is null then
    return;
  end if;
  hidden := trust.shielded_places(reach.keys, asker.at);
  masked := exists (select from trust.mask m where m.citizen = any(reach.keys) and m.valid_from <= asker.at and asker.at < m.valid_to
                      and (m.from_citizen or reach.basis <> 1));
  if masked then
    covered := array(select r.id from fhir.resource r
                     where r.citizen = any(reach.keys) and trust.is_masked(reach.keys, r.id, r.contents, asker.at, reach.basis = 1));
  end if;
  return query
  with mine as (
    select (x.l).*, x.home,
           case when masked then array(select u from unnest((x.l).resources) u where u <> all(covered)) else (x.l).resources end as open
    from trust.rows_of_log(reach.keys, since, until) x
  ), told as (
    select m.*, coalesce(m.occurred_at, m.at) as happened, o.name as place_name, o.id as place_id,
           coalesce(o.places && hidden, false) and m.kind = 2 as is_withheld,
           case m.kind when 1 then (select c.name from registries.citizen c where c.key = m.actor)
                       when 2 then coalesce((select p.name from registries.professional p where p.key = m.actor), m.local->>'name')
                       else m.local->>'name' end as name
    from mine m left join registries.organisation o on o.key = m.organisation
    where (reach.place is null or reach.place = any(o.places))
      and not (acts and (m.action in (19, 20, 120, 121) or (m.action <= 9 and m.open = '{}' and m.resources <> '{}')))
  ), chosen as (
    select t.* from told t
    where trust.in_spans(t.happened, wanted->'spans') and trust.in_spans(t.at, wanted->'arrived')
      and (not wanted ? 'ids' or t.id = any(trust.numbers_of(wanted->'ids')))
      and (not wanted ? 'actions' or t.action = any(trust.numbers_of(wanted->'actions')))
      and (not wanted ? 'kinds' or t.kind = any(trust.numbers_of(wanted->'kinds')))
      and (not wanted ? 'permitted' or t.permitted = (wanted->>'permitted')::boolean)
      and (not wanted ? 'organisations' or t.organisation = any(trust.numbers_of(wanted->'organisations')))
      and (not wanted ? 'bases' or t.basis = any(trust.numbers_of(wanted->'bases')))
      and (not wanted ? 'roles' or t.role in (select jsonb_array_elements_text(wanted->'roles')))
      and (not wanted ? 'not_roles' or not t.role in (select jsonb_array_elements_text(wanted->'not_roles')))
      and (not wanted ? 'not_types' or coalesce(t.type, 0) <> all(trust.numbers_of(wanted->'not_types')) and not exists (
            select from unnest(t.open) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
            where r.type = any(trust.numbers_of(wanted->'not_types')) and (t.home or r.concerns && reach.keys)))
      and (not wanted ? 'emergency' or t.basis = 8 or t.action = 14)
      and (not wanted ? 'delivered' or (t.source is not null) = (wanted->>'delivered')::boolean)
      and (not wanted ? 'sources' or t.source = any(trust.numbers_of(wanted->'sources')))
      and (not wanted ? 'others' or (t.kind = 1 and coalesce(t.basis = 1, false)) <> (wanted->>'others')::boolean)
      and (not wanted ? 'people' or exists (
            select from jsonb_to_recordset(wanted->'people') as w(kind smallint, actor bigint, withheld boolean)
            where w.kind = t.kind and w.actor = t.actor and w.withheld = t.is_withheld))
      and (not wanted ? 'seen' or (t.home and t.open && array(select jsonb_array_elements_text(wanted->'seen')::uuid)))
      and (not wanted ? 'types' or (t.home and t.type = any(trust.numbers_of(wanted->'types'))) or exists (
            select from unnest(t.open) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
            where r.type = any(trust.numbers_of(wanted->'types')) and (t.home or r.concerns && reach.keys)))
      and (not wanted ? 'text' or (not t.is_withheld and t.name ilike wanted->'text'->>'like') or t.place_name ilike wanted->'text'->>'like'
           or t.role in (select jsonb_array_elements_text(wanted->'text'->'roles'))
           or t.action = any(trust.numbers_of(wanted->'text'->'actions'))
           or exists (select from unnest(t.open) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
                      where r.type = any(trust.numbers_of(wanted->'text'->'types')) and (t.home or r.concerns && reach.keys)))
  ), ranked as (
    select c.*, c.total_rows as rows_in_all, row_number() over (order by c.happened desc, c.id desc) as n, count(*) over () as left_over
    from (select x.*, count(*) over () as total_rows from chosen x) c
    where (c.happened, c.id) < (after_moment, after_id)
  ), edge as (
    select date_trunc('day', r.happened at time zone 'Europe/Copenhagen') at time zone 'Europe/Copenhagen' as day
    from ranked r where wanted ? 'days' and r.n = row_limit
  ), page as (
    select r.*, count(*) over () as shown from ranked r
    where r.n <= bound and (not exists (select from edge) or r.happened >= (select e.day from edge e))
  )
  select s.id, s.happened, s.at, s.kind, s.actor,
         case when s.is_withheld then null when s.kind = 1 then (select c.patient from registries.citizen c where c.key = s.actor)
              when s.kind = 2 then (select p.id from registries.professional p where p.key = s.actor) end,
         case when not s.is_withheld then s.name end, s.is_withheld, s.principal,
         case when not s.is_withheld then (select p.name from registries.professional p where p.key = s.principal) end,
         s.organisation, s.place_id, s.place_name, s.role, s.client, s.purpose, s.action, s.permitted, s.basis,
         case when s.home then s.type end, case when s.home then s.open else visible.ids end,
         visible.ids, visible.types,
         array(select unnest(visible.types) where true
               union
               select g.type from unnest(s.resources) u join fhir.purged_row g on g.id = u
               join fhir.purge p on p.id = g.purge and p.done_at is not null and p.citizen = any(reach.keys) where s.home
               union
               select g.type from unnest(s.resources) u join fhir.purged_row g on g.purge = u
               join fhir.purge p on p.id = g.purge and reach.keys && array[p.citizen, p.rightful] where s.home),
         not s.home, case when s.home then (select c.patient from registries.citizen c where c.key = s.citizen) end, s.trace,
         s.source, (select x.id from registries.organisation x where x.key = s.source),
         (select x.name from registries.organisation x where x.key = s.source), s.local_id,
         case when s.is_withheld then s.local - 'name' - 'identifier' else s.local end, s.rows_in_all, s.left_over > s.shown,
         (select a.name from trust.client a where a.id = s.client),
         case when s.action in (14, 72, 155) then s.resources[1] when s.basis = 8 and s.action <= 9 and s.kind = 2 then (
           select g.id from trust.opening g where g.basis = 8 and g.citizen = any(reach.keys) and g.professional = s.actor
             and g.organisation = s.organisation and g.valid_from <= s.happened and s.happened < g.valid_to
           order by g.valid_from desc limit 1) end
  from page s cross join lateral (
    select coalesce(array_agg(u order by r.type, u), '{}') as ids, coalesce(array_agg(r.type order by r.type, u), '{}') as types
    from unnest(s.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
    where r.type <> 0 and (s.home or r.concerns && reach.keys)
      and not (masked and trust.is_masked(reach.keys, u, r.contents, asker.at, reach.basis = 1))
  ) visible
  order by s.happened desc, s.id desc;
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
          case when reach.place is null then 13 else 96 end, true, reach.basis,
          case when reach.basis = 1 then asker.actor else patient end, '{}', '{}', asker.trace);
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace
      and p.proname in ('is_masked_in_part', 'acting_basis', 'put_carried', 'hide_part', 'show_again', 'hidden_on')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text ~ '(hide_part|show_again|hidden_on)' then
      execute format('grant execute on function %s to helhed_app', signature);
    else
      execute format('grant execute on function %s to helhed_fhir', signature);
    end if;
    if signature::text ~ '(masked_in_part|acting_basis)' then
      execute format('grant execute on function %s to helhed_registries', signature);
    end if;
  end loop;
end $$;
