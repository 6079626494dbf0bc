-- Phase: pre. Who may purge, and which records are let go. A column with a default, and functions under their old signatures:
-- older code goes on writing the roles it knows.

alter table trust.role add column may_purge boolean not null default false;  -- a records custodian of its organisation

create or replace function trust.put_roles(roles jsonb) returns void language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.role as known (role, read_types, write_types, may_declare, assists, may_override, authorised, may_purge)
  select r.role, r.read_types, r.write_types, r.may_declare, coalesce(r.assists, false), coalesce(r.may_override, false),
         coalesce(r.authorised, false), coalesce(r.may_purge, false)
  from jsonb_to_recordset(roles) as r(role text, read_types smallint[], write_types smallint[], may_declare boolean, assists boolean,
                                      may_override boolean, authorised boolean, may_purge boolean)
  on conflict (role) do update set read_types = excluded.read_types, write_types = excluded.write_types,
    may_declare = excluded.may_declare, assists = case when roles @> '[{"authorised": true}]' then excluded.assists else known.assists end,  -- older code says nothing of these
    may_override = case when roles @> '[{"authorised": true}]' then excluded.may_override else known.may_override end,
    authorised = case when roles @> '[{"authorised": true}]' then excluded.authorised else known.authorised end,
    may_purge = case when roles @> '[{"may_purge": true}]' then excluded.may_purge else known.may_purge end
$$;

-- A records custodian at work, for what its organisation or a unit beneath it recorded. It is no basis to read anything.
create or replace function fhir.may_purge(asker fhir.ask, origin_key bigint) returns boolean language sql stable as $$
  select exists (select from fhir.footing_of(asker) f join trust.role r on r.role = asker.role
                 where asker.kind = 2 and f.active and r.may_purge and trust.is_within(origin_key, asker.organisation))
$$;

create function trust.forget_rows(ids uuid[]) returns void language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.relation where source = any(ids);
  delete from trust.employment where source = any(ids);
  delete from trust.mask where resource = any(ids)
$$;
alter function trust.forget_rows(uuid[]) owner to helhed_trust;
grant execute on function trust.forget_rows(uuid[]), trust.is_within(bigint, bigint) to helhed_fhir;
create or replace function fhir.forget_facts(ids uuid[]) returns void language sql as $$ select trust.forget_rows(ids) $$;

-- --- retention: the operator's, not the application's -------------------------------------------------------------------------

-- The keys under which a citizen's rows stand.
create function trust.own_key_set(citizen_key bigint) returns bigint[] language sql stable
return coalesce((select s.keys from fhir.key_set s where s.key = citizen_key), array[citizen_key]);

-- The records (what one organisation recorded on one citizen) of a bucket whose last entry is long enough ago.
create function trust.due_records(in_bucket smallint, moment timestamptz, usual interval, shorter interval, shorter_kinds text[],
                                  patient_type smallint)
returns table (citizen bigint, origin bigint, before timestamptz) language sql stable as $$
  select d.citizen, d.origin, d.before from (
    select r.citizen, r.origin, max(r.updated) as last_entry,
           moment - case when o.kind = any(shorter_kinds) then shorter else usual end as before
    from fhir.resource r left join registries.organisation o on o.key = r.origin
    where r.bucket = in_bucket and r.citizen is not null and r.type <> patient_type
    group by r.citizen, r.origin, o.kind
  ) d
  where d.last_entry < d.before and not fhir.is_held(d.citizen, d.origin, moment)
    and not exists (select from fhir.key_set s join fhir.resource x on x.citizen = any(s.keys)
                    where s.key = d.citizen and x.origin = d.origin and x.type <> patient_type and x.updated >= d.before)
$$;

-- What goes of such a record: all but what stays with a living citizen, and what somebody else's record presents. Whether somebody
-- who was registered twice is alive, the one says by whom the citizen is known.
create function trust.rows_due(citizen_key bigint, origin_key bigint, patient_type smallint, stays smallint[])
returns setof fhir.resource language sql stable as $$
  select r.* from fhir.resource r
  where r.citizen = citizen_key and r.origin = origin_key and r.type <> patient_type
    and (r.type <> all(stays) or r.deleted or exists (
      select from registries.citizen c
      where c.deceased and c.key = coalesce((select s.head from fhir.key_set s where s.key = citizen_key), citizen_key)))
    and not exists (select from fhir.resource k where k.citizen = any(trust.own_key_set(citizen_key)) and k.origin <> origin_key
                    and not k.deleted and k.contents @> array[r.id])
$$;

-- One record goes, with a row for each type in the citizen's log; answers how many rows. Looked at again under lock: what was
-- written to, or held, meanwhile stays.
create function trust.retire_record(citizen_key bigint, origin_key bigint, moment timestamptz, before timestamptz, patient_type smallint,
                                    stays smallint[], released text)
returns int language plpgsql as $$
declare
  own bigint[] := trust.own_key_set(citizen_key);
  gone uuid[];
begin
  perform from fhir.resource r where r.citizen = any(own) and r.origin = origin_key order by r.id for update;
  if fhir.is_held(citizen_key, origin_key, moment) or exists (
       select from fhir.resource r where r.citizen = any(own) and r.origin = origin_key and r.type <> patient_type and r.updated >= before) then
    return 0;
  end if;
  gone := array(select d.id from trust.rows_due(citizen_key, origin_key, patient_type, stays) d);
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select moment, 3, origin_key, origin_key, 'system', 'helhed-retention ' || released, 3, 44, true, 5, citizen_key, r.type, '{}', array[count(*)::int],
           gen_random_uuid()
    from unnest(gone) u(id) join fhir.resource r on r.bucket = fhir.bucket(u.id) and r.id = u.id group by r.type;
  delete from fhir.version v using unnest(gone) u(id) where v.bucket = fhir.bucket(u.id) and v.id = u.id;
  delete from fhir.resource_string s using unnest(gone) u(id) where s.bucket = fhir.bucket(u.id) and s.id = u.id;
  delete from fhir.resource_date d using unnest(gone) u(id) where d.bucket = fhir.bucket(u.id) and d.id = u.id;
  delete from fhir.resource r using unnest(gone) u(id) where r.bucket = fhir.bucket(u.id) and r.id = u.id;
  perform fhir.forget_facts(gone);
  return cardinality(gone);
end $$;
alter function trust.due_records(smallint, timestamptz, interval, interval, text[], smallint) owner to helhed_trust;
alter function trust.rows_due(bigint, bigint, smallint, smallint[]) owner to helhed_trust;
alter function trust.retire_record(bigint, bigint, timestamptz, timestamptz, smallint, smallint[], text) owner to helhed_trust;
alter function trust.own_key_set(bigint) owner to helhed_trust;
