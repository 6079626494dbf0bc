-- Phase: pre. An app that a professional opened for one patient sees that patient alone. Its asks name, behind a # after the client, what the
-- professional allowed it (docs/decisions/0032): the database says whom that is for. Older code writes no # there, and no client's id has one.
-- Functions restated under their old signatures; a new trigger that fires for such asks only.

-- Whom an ask of such an app is for, under all keys; null for nobody: what it names is not there, is somebody else's, or is for no patient.
create function trust.opened_for(asker fhir.ask) returns bigint[] language sql stable as $$
  select (
    select trust.keys_of(array[fhir.key(a.patient)]) from trust.authorisation a
    where a.id = case when split_part(asker.client, '#', 2) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                      then split_part(asker.client, '#', 2)::uuid end
      and a.kind = asker.kind and a.actor = asker.actor and a.patient is not null)
$$;
grant select (id, kind, actor, patient) on trust.authorisation to helhed_fhir, helhed_registries;

-- What is public is for everybody; of all else an app that was opened for one patient sees what is that patient's own.
create or replace function fhir.basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint,
                                      row_id uuid, authors bigint[], contents uuid[], concerns bigint[], lo timestamptz, hi timestamptz)
returns table (basis smallint) language sql stable as $$
  select decided.basis from (
    select case
      when asker.read_types is not null and not type_number = any(asker.read_types) then null
      when owned = 3 then 6
      when strpos(asker.client, '#') > 0 and not coalesce(citizen_key = any(trust.opened_for(asker)), false) then null
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
      when strpos(asker.client, '#') > 0 and not coalesce(citizen_key = any(trust.opened_for(asker)), false) then null
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

-- --- what names a client -------------------------------------------------------------------------------------------------------

-- The log tells the client. Whom the app was opened for stands in no row: the row may be another citizen's.
create function foundation.client_alone() returns trigger language plpgsql as $$
begin
  new.client := split_part(new.client, '#', 1);
  return new;
end $$;
alter function foundation.client_alone() owner to helhed_foundation;
create trigger access_log_client before insert on foundation.access_log for each row
  when (strpos(new.client, '#') > 0) execute function foundation.client_alone();

-- Why it may go on no more; null while it may. A client that is not registered is the demo's.
create or replace function trust.subscription_ended(s trust.subscription, moment timestamptz, demo boolean) returns text language sql stable as $$
  select coalesce(
    case when moment >= s.ends_at then 'It has come to its end.' end,
    (select case
       when c.id is null then case when demo and s.authorisation is null then null else 'There is no such app.' end
       when moment >= c.ended_at then 'The app was retired.'
       when s.authorisation is null and s.kind <> 3 then 'It takes an app that the person allowed something that lasts.' end
     from (select 1) one left join trust.client c on c.id = split_part(s.client, '#', 1)),
    case when s.authorisation is not null and not exists (
      select from trust.authorisation a where a.id = s.authorisation and moment < least(a.ended_at, a.valid_to))
      then 'What the app was allowed has ended.' end,
    case when not coalesce((select t.active from trust.standing_of(trust.ask_of_subscription(s, moment, null)) t), false)
      then 'Its owner is not at work there any more.' end)
$$;

-- How somebody may see a subscription as such: whoever made it, and the network's operator, who does not look through an app.
create or replace function trust.sees_subscription(asker fhir.ask, s trust.subscription) returns boolean language sql stable as $$
  select coalesce((select t.active from trust.standing_of(asker) t), false)
     and (trust.owns_subscription(asker, s) or (asker.kind = 2 and asker.role = 'operator' and strpos(asker.client, '#') = 0))
$$;

alter function trust.opened_for(fhir.ask) owner to helhed_trust;
revoke execute on function trust.opened_for(fhir.ask) from public;
grant execute on function trust.opened_for(fhir.ask) to helhed_fhir, helhed_registries;
