-- Phase: pre. Contacts that have ended: a relation of class C to the unit for some days (basis 15), and for those who took part the
-- follow-up of their own work for some months (basis 16). How long, the dated policy says. New tables and functions;
-- the decision comes to look here with 0010, only where no relation of today was found.

create table trust.past_contact (
  source uuid not null,             -- the Encounter
  citizen bigint not null,
  organisation bigint not null,
  ended_at timestamptz not null,
  people bigint[] not null,         -- keys of the professionals who took part, or of their jobs
  primary key (source, organisation)
);
create index past_contact_citizen on trust.past_contact (citizen, organisation);

-- How long after a contact a basis holds, from the dated policy; a basis that is not here does not hold.
create table trust.deadline (basis smallint primary key, days int, months int, check (num_nonnulls(days, months) = 1));

do $$
declare name text;
begin
  foreach name in array array['past_contact', 'deadline'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
    execute format('grant select on trust.%I to helhed_fhir, helhed_registries', name);
  end loop;
end $$;

create function trust.put_deadlines(bases smallint[], in_days int[], in_months int[]) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.deadline select * from unnest(bases, in_days, in_months)
  on conflict (basis) do update set days = excluded.days, months = excluded.months
$$;

-- Whether a row about a citizen (null: whoever) was written in this transaction: what follows from it is nothing that a caller made up.
create function trust.just_stored(source uuid, citizen_key bigint) returns boolean language sql stable
return exists (
  select from fhir.resource r where r.bucket = fhir.bucket(source) and r.id = source and not r.deleted
    and (citizen_key is null or r.citizen = citizen_key) and age(r.xmin) <= 0);
alter function trust.just_stored(uuid, bigint) owner to helhed_trust;

-- The contacts that these sources say have ended, and no others: each at the organisation that wrote it, or at a unit beneath.
create function trust.put_past_contacts(sources uuid[], ended uuid[], citizens bigint[], organisations bigint[], ends timestamptz[],
                                        people text[], writers bigint[])
returns void language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.past_contact p where p.source = any(sources);
  insert into trust.past_contact (source, citizen, organisation, ended_at, people)
  select q.source, q.citizen, q.organisation, q.ended_at, q.people::bigint[]
  from unnest(ended, citizens, organisations, ends, people, writers) as q(source, citizen, organisation, ended_at, people, writer)
  where trust.is_within(q.organisation, q.writer) and trust.just_stored(q.source, q.citizen)
  on conflict do nothing
$$;

create or replace function trust.drop_sources(sources uuid[]) returns void language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.relation where source = any(sources);
  delete from trust.employment where source = any(sources);
  delete from trust.past_contact where source = any(sources)
$$;

-- As before, of what was purged.
create or replace function trust.forget_rows(ids uuid[]) returns void language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.relation where source = any(ids);
  delete from trust.employment where source = any(ids);
  delete from trust.past_contact where source = any(ids);
  delete from trust.mask where resource = any(ids)
$$;

-- The first moment at which it is over. Months are those of the calendar in UTC.
create function trust.ends_after(ended timestamptz, days int, months int) returns timestamptz language sql immutable
return case when days is not null then ended + make_interval(hours => 24 * days)
            else ((ended at time zone 'UTC') + make_interval(months => months)) at time zone 'UTC' end;

-- Whether the asker's place had a contact with the citizen that is not over for too long. For a follow-up (16) it was the
-- asker's own work: somebody with the state's authorisation, in person, who says that this is what it is for (purpose 5).
create function trust.was_in_contact(asker fhir.ask, stand fhir.footing, keys bigint[], by_basis smallint) returns boolean language sql stable as $$
  select exists (
    select from trust.past_contact p join trust.deadline d on d.basis = by_basis
    where p.citizen = any(keys) and p.organisation = any(stand.places)
      and p.ended_at <= asker.at and asker.at < trust.ends_after(p.ended_at, d.days, d.months)
      and (by_basis <> 16 or (
        asker.purpose = 5 and stand.principal is null
        and exists (select from trust.role r where r.role = asker.role and r.authorised)
        and p.people && (array[asker.actor] || array(select fhir.key(x.source) from trust.employment x where x.professional = asker.actor)))))
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('put_deadlines', 'put_past_contacts', 'ends_after', 'was_in_contact')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text ~ 'put_' then
      execute format('grant execute on function %s to helhed_app', signature);
    else
      execute format('grant execute on function %s to helhed_fhir, helhed_registries', signature);
    end if;
  end loop;
end $$;
