-- Phase: pre. What the network's reviewers leave past their deadline becomes the move of who runs the network, with a deadline of its own.
-- Functions restated under their old signatures; older code shows what it is answered.

-- Why a review is not the place's any more: 'none' has reviewers, the only one is the holder's 'own', it is 'overdue'; null while it is.
create function trust.why_passed_up(o trust.opening, due timestamptz, moment timestamptz) returns text language sql stable as $$
  select case when trust.reviewing_place(o.organisation, o.professional, moment) is not null then case when moment >= due then 'overdue' end
              when trust.reviewing_place(o.organisation, 0, moment) is not null then 'own' else 'none' end
$$;

-- Whose move a review is and until when: the place's that reviews (``why`` is null); from its deadline on, or at once where nobody may, that
-- of the organisation that reviews for the network, and why; and once that is late too, or where there is none, that of who runs the network
-- (``place`` is null): because the 'network' was late where it has reviewers.
create or replace function trust.whose_review(o trust.opening, due timestamptz, moment timestamptz) returns table (place bigint, why text, until timestamptz)
language sql stable as $$
  select case when f.why is null then f.near when moment < f.late then coalesce(f.net, f.near) end,
         case when moment >= f.late and f.net is not null then 'network' else f.why end,
         case when f.why is not null and moment >= f.late then f.late + interval '72 hours'
              when f.why = 'overdue' then f.late else due end
  from (select n.near, n.net, trust.why_passed_up(o, due, moment) as why,
               case when n.near is null then due else due + interval '72 hours' end as late
        from (select trust.reviewing_place(o.organisation, o.professional, moment) as near, trust.network_reviewing(o.professional, moment) as net) n) f
$$;

-- Why a review came to the asker who is of no place above it: null for those who are.
create or replace function trust.passed_up(asker fhir.ask, o trust.opening, due timestamptz) returns text language sql stable as $$
  select case when asker.role = 'operator' then (select w.why from trust.whose_review(o, due, asker.at) w)
              when not exists (select from registries.organisation x where x.key = o.organisation and asker.organisation = any(x.places))
              then trust.why_passed_up(o, due, asker.at) end
$$;

-- Whether the asker may review a ticket: a reviewer of the place; once it is overdue, those of every place above, and those of the network,
-- who also do at once where the place has none; when that did not help in time either, or there are none, who runs the network.
create or replace function trust.reviews(asker fhir.ask, stand fhir.footing, o trust.opening, due timestamptz) returns boolean language sql stable as $$
  select asker.kind = 2 and coalesce(stand.active, false) and stand.principal is null and o.professional <> asker.actor and case
    when exists (select from trust.role r where r.role = asker.role and r.may_review) then
      exists (select from registries.organisation x where x.key = o.organisation and asker.organisation = any(x.places))
      and (asker.at >= due or asker.organisation = trust.reviewing_place(o.organisation, o.professional, asker.at))
      or exists (select from trust.network_reviewer n where n.organisation = asker.organisation)
      and (trust.reviewing_place(o.organisation, o.professional, asker.at) is null or asker.at >= due)
    when asker.role = 'operator' then
      asker.at >= due + interval '72 hours' or (asker.at >= due and trust.reviewing_place(o.organisation, o.professional, asker.at) is null)
    else false end
$$;

-- What waits for the asker's review, the most urgent first, each told with a row in the citizen's log.
create or replace function trust.waiting_reviews(asker fhir.ask)
returns table (ticket uuid, citizen_name text, professional_name text, role text, organisation bigint, organisation_name text, reason text,
               opened_at timestamptz, ended_at timestamptz, due_at timestamptz, passed_up text, looks jsonb)
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  return query
  with waiting as materialized (
    select o, v.due_at as due, trust.passed_up(asker, o, v.due_at) as why
    from fhir.footing_of(asker) s cross join trust.ticket_review v join trust.opening o on o.id = v.ticket
    where asker.kind = 2 and v.reviewed_at is null and trust.reviews(asker, s, o, v.due_at) order by v.due_at, o.id limit 200
  ), told as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           case when w.why is null then 73 else 156 end, true, 7, (w.o).citizen,
           array_agg((w.o).id), '{}', asker.trace from waiting w group by (w.o).citizen, w.why is null
  )
  select (w.o).id, (select c.name from registries.citizen c where c.key = (w.o).citizen),
         (select p.name from registries.professional p where p.key = (w.o).professional), (w.o).role, (w.o).organisation,
         (select x.name from registries.organisation x where x.key = (w.o).organisation), (w.o).reason, (w.o).valid_from, (w.o).valid_to,
         case when w.why is null then w.due when asker.role = 'operator' then (select x.until from trust.whose_review(w.o, w.due, asker.at) x)
              when w.why = 'overdue' then w.due + interval '72 hours' else w.due end, w.why, trust.looks_under(w.o)
  from waiting w order by w.due, (w.o).id;
end $$;

-- Whether the asker reviews anything at all, or could.
create or replace function trust.may_review(asker fhir.ask) returns boolean language sql stable security definer set search_path = trust, pg_temp as $$
  select exists (select from fhir.footing_of(asker) s join trust.role r on r.role = asker.role
                 where asker.kind = 2 and s.active and s.principal is null and (r.may_review or asker.role = 'operator'))
$$;

alter function trust.why_passed_up(trust.opening, timestamptz, timestamptz) owner to helhed_trust;
revoke execute on function trust.why_passed_up(trust.opening, timestamptz, timestamptz) from public;
