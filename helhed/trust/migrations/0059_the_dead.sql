-- Phase: pre. The dead ask for nothing, and nobody acts for them: from the next request after a death is registered, and until it is
-- corrected where it was registered wrongly. Nothing is ended or deleted by it. Functions restated under their old signatures.

-- Asked once for each asker (offset 0), however many rows are decided by it. A citizen's is null, and false once they have died.
create or replace function fhir.footing_of(asker fhir.ask) returns setof fhir.footing language sql stable
as $$
  select case
           when asker.kind = 1 and trust.has_died(trust.keys_of(array[asker.actor])) then false
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

-- The first moment at which somebody acts no longer, age and death included. An unknown date of birth is no basis where age decides.
create or replace function trust.acting_ends(a trust.acting) returns timestamptz language sql stable as $$
  select case when trust.has_died(trust.keys_of(array[a.citizen, a.actor])) then '-infinity' else least(a.valid_to, (
    select coalesce(trust.birthday(min(c.birth_date), g.ends_at_age), '-infinity')
    from trust.age_limit g left join registries.citizen c on c.key = any(trust.keys_of(array[a.citizen]))
    where g.basis = a.basis group by g.ends_at_age)) end
$$;

-- Whether a citizen's session opens anything now. Read before every page.
create function trust.may_be_here(citizen_key bigint) returns boolean language sql stable security definer set search_path = trust, pg_temp as $$
  select not trust.has_died(trust.keys_of(array[citizen_key]))
$$;
alter function trust.may_be_here(bigint) owner to helhed_trust;
revoke execute on function trust.may_be_here(bigint) from public;
grant execute on function trust.may_be_here(bigint) to helhed_app;

-- Which of these access tokens hold now: the client, what was allowed, who allowed it, and the token itself. Read before every look by a token.
create or replace function trust.tokens_hold(tokens uuid[], clients text[], authorisations uuid[], issuers text[], places text[], begun timestamptz[], moment timestamptz)
returns setof boolean language plpgsql stable security definer set search_path = trust, pg_temp as $$
begin
  return query select not exists (select from trust.revoked_token r where r.token = q.token)
    and exists (select from trust.client c where c.id = q.client and moment < c.ended_at)
    and (q.authorisation is null or exists (
      select from trust.authorisation a where a.id = q.authorisation and moment < least(a.ended_at, a.valid_to)
        and not (a.kind = 1 and trust.has_died(trust.keys_of(array[a.actor])))))
    and (q.issuer is null or trust.exchange_holds(q.issuer, q.client, q.place, q.begun, moment))
  from unnest(tokens, clients, authorisations, issuers, places, begun) with ordinality as q(token, client, authorisation, issuer, place, begun, n)
  order by q.n;
end $$;
