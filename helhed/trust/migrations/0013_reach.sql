-- Phase: pre. Whom an asker may see at all, for searches that begin there (fhir 0030). It follows the bases of fhir.basis one by one and
-- may name too many, never too few: a base that is added there is added here. Indexes are built while writes wait, seconds for a
-- million relations.

create index relation_organisation on trust.relation (organisation, valid_to);
create index past_contact_organisation on trust.past_contact (organisation, ended_at);
create index opening_professional on trust.opening (professional, valid_to);
create index opening_organisation on trust.opening (organisation, valid_to) where professional is null;
create index acting_actor on trust.acting (actor, valid_to);

-- Citizens: oneself and those one acts for, under all keys.
create function trust.reach_of_citizen(asker fhir.ask) returns setof bigint language sql stable as $$
  select asker.actor
  union all
  select a.citizen from trust.acting a where a.actor = any(trust.keys_of(array[asker.actor])) and asker.at < a.valid_to
$$;

-- Professionals: relations and contacts of the places where they work, and what was opened for them or for these.
create function trust.reach_of_professional(asker fhir.ask, stand fhir.footing) returns setof bigint language sql stable as $$
  select t.citizen from trust.relation t
  where t.organisation = any(stand.places) and asker.at < t.valid_to
    and (t.professional is null or t.professional = coalesce(stand.principal, asker.actor))
  union all
  select p.citizen from trust.past_contact p
  where p.organisation = any(stand.places)
    and p.ended_at >= asker.at - (select max(make_interval(days => coalesce(d.days, 0) + 1, months => coalesce(d.months, 0))) from trust.deadline d)
  union all
  select o.citizen from trust.opening o
  where o.professional in (asker.actor, stand.principal) and asker.at < o.valid_to
  union all
  select o.citizen from trust.opening o
  where o.professional is null and o.organisation = any(stand.places || asker.organisation) and asker.at < o.valid_to
$$;

create or replace function fhir.reach_of(asker fhir.ask, stand fhir.footing, most int) returns bigint[] language sql stable as $$
  select case when count(*) <= most then coalesce(trust.keys_of(array_agg(distinct found.citizen)), '{}') end
  from (
    select * from trust.reach_of_citizen(asker) where asker.kind = 1
    union all
    select * from trust.reach_of_professional(asker, stand) where asker.kind = 2 and stand.active
    limit most + 1
  ) found(citizen)
  where asker.kind in (1, 2)
  having asker.kind in (1, 2)
$$;

do $$
declare
  signature regprocedure;
begin
  for signature in
    select p.oid from pg_proc p where p.pronamespace = 'trust'::regnamespace and p.proname in ('reach_of_citizen', 'reach_of_professional')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_fhir', signature);
  end loop;
end $$;
