-- Phase: pre. The broken glass to its end: a ticket holds in the role in which the glass was broken, can be ended before its hour, is
-- reviewed by whom the organisation employs for it, or by those above when nobody did in time; and the citizen is told of each step.
-- Columns that may be empty or have defaults, functions under their old signatures, and new ones.

alter table trust.opening add column role text;  -- of a ticket: the role it was opened in; null: written by older code, any role
alter table trust.role add column may_review boolean not null default false;  -- reviews broken glasses for its organisation
alter table trust.ticket_review
  add column reviewed_by bigint,
  add column reviewed_in bigint,         -- the organisation that the reviewer acted from
  add column justified boolean,
  add column words text not null default '';

-- Organisations whose reviewers review for the whole network what is passed up. Only the operator names them: the application cannot write here.
create table trust.network_reviewer (organisation bigint primary key);
alter table trust.network_reviewer owner to helhed_trust;

create or replace function trust.put_roles(roles jsonb) returns void language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.role as known (role, read_types, write_types, may_declare, assists, may_override, authorised, may_purge, may_review)
  select r.role, r.read_types, r.write_types, r.may_declare, coalesce(r.assists, false), coalesce(r.may_override, false),
         coalesce(r.authorised, false), coalesce(r.may_purge, false), coalesce(r.may_review, false)
  from jsonb_to_recordset(roles) as r(role text, read_types smallint[], write_types smallint[], may_declare boolean, assists boolean,
                                      may_override boolean, authorised boolean, may_purge boolean, may_review boolean)
  on conflict (role) do update set read_types = excluded.read_types, write_types = excluded.write_types,
    may_declare = excluded.may_declare, assists = case when roles @> '[{"authorised": true}]' then excluded.assists else known.assists end,  -- older code says nothing of these
    may_override = case when roles @> '[{"authorised": true}]' then excluded.may_override else known.may_override end,
    authorised = case when roles @> '[{"authorised": true}]' then excluded.authorised else known.authorised end,
    may_purge = case when roles @> '[{"may_purge": true}]' then excluded.may_purge else known.may_purge end,
    may_review = case when roles @> '[{"may_review": true}]' then excluded.may_review else known.may_review end
$$;

-- As before; a ticket opens nothing in another role of the same person at the same place.
create or replace function trust.openings_for(asker fhir.ask, stand fhir.footing, keys bigint[]) returns setof trust.opening language sql stable as $$
  select o.* from trust.opening o
  where o.citizen = any(keys) and o.valid_from <= asker.at and asker.at < o.valid_to and case o.basis
    when 8 then stand.principal is null and o.professional = asker.actor and o.organisation = asker.organisation
      and (o.role is null or o.role = asker.role)
    else (o.professional is null or o.professional = coalesce(stand.principal, asker.actor))
      and (o.organisation is null or o.organisation = any(stand.places)) end
$$;

-- Whether the asker may break the glass at all.
create function trust.may_break_glass(asker fhir.ask) returns boolean language sql stable security definer set search_path = trust, pg_temp as $$
  select asker.kind = 2 and coalesce((select s.active and s.principal is null from fhir.footing_of(asker) s), false)
    and exists (select from trust.role r where r.role = asker.role and r.may_override)
$$;

-- As before, and the citizen is told; sent twice with the same ticket it is broken once. ``why`` is a reason of policy/glass.json, and after ": " what was added.
create or replace function trust.break_glass(asker fhir.ask, ticket uuid, citizen_key bigint, why text) returns timestamptz
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  until timestamptz := asker.at + interval '60 minutes';
  known timestamptz;
  allowed boolean := asker.kind = 2 and btrim(why) <> ''
    and coalesce((select s.active and s.principal is null from fhir.footing_of(asker) s), false)
    and exists (select from trust.role r where r.role = asker.role and r.may_override)
    and exists (select from registries.citizen c where c.key = citizen_key);
begin
  perform pg_advisory_xact_lock(hashtextextended(ticket::text, 8));
  if exists (select from trust.opening o where o.id = ticket) then
    select o.valid_to into known from trust.opening o where o.id = ticket and o.basis = 8 and o.citizen = citizen_key
      and asker.kind = 2 and o.professional = asker.actor and o.organisation = asker.organisation and o.role = asker.role;
    if known is null then
      perform trust.note(asker, 14::smallint, citizen_key, null, ticket);
    end if;
    return known;
  end if;
  perform trust.note(asker, 14::smallint, citizen_key, case when allowed then 8::smallint end, ticket);
  if not allowed then
    return null;
  end if;
  insert into trust.opening (id, citizen, basis, professional, organisation, role, reason, valid_from, valid_to)
  values (ticket, citizen_key, 8, asker.actor, asker.organisation, asker.role, why, asker.at, until);
  insert into trust.ticket_review (ticket, due_at) values (ticket, asker.at + interval '72 hours');
  perform trust.tell(citizen_key, asker.at, 'glass-broken', ticket, asker.actor, asker.organisation);
  insert into foundation.outbox (topic, payload) values ('glass-broken', jsonb_build_object('ticket', ticket));
  return until;
end $$;

-- What opens a citizen's record for the asker now beside a relation: a ticket (8), or the citizen's consent to read (13).
create function trust.held_opening(asker fhir.ask, citizen_key bigint) returns table (opening uuid, basis smallint, until timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select o.id, o.basis, o.valid_to from fhir.footing_of(asker) s cross join lateral trust.openings_for(asker, s, trust.keys_of(array[citizen_key])) o
  where asker.kind = 2 and s.active and o.block is null order by o.basis, o.valid_to desc, o.id limit 1
$$;

create function trust.end_ticket(asker fhir.ask, which uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  whose bigint;
begin
  update trust.opening o set valid_to = asker.at
    where asker.kind = 2 and exists (select from fhir.footing_of(asker) s where s.active) and o.id = which and o.basis = 8 and o.professional = asker.actor and o.organisation = asker.organisation
      and o.valid_to > asker.at returning o.citizen into whose;
  if whose is null then
    return false;
  end if;
  perform trust.note(asker, 71::smallint, whose, 8::smallint, which);
  return true;
end $$;

-- --- the review ---------------------------------------------------------------------------------------------------------------

-- Where reviewers of a place's tickets are employed: the place itself, else the nearest above. Nobody reviews their own.
create function trust.reviewing_place(place bigint, holder bigint, moment timestamptz) returns bigint language sql stable as $$
  select p.key from registries.organisation o cross join unnest(o.places) with ordinality p(key, n)
  where o.key = place and exists (
    select from trust.employment e join trust.role r on r.role = e.role and r.may_review
    where e.organisation = p.key and e.professional <> holder and e.valid_from <= moment and moment < e.valid_to)
  order by p.n limit 1
$$;

-- An organisation that reviews for the whole network and has somebody at work for it who is not the holder; null when there is none.
create function trust.network_reviewing(holder bigint, moment timestamptz) returns bigint language sql stable as $$
  select n.organisation from trust.network_reviewer n where exists (
    select from trust.employment e join trust.role r on r.role = e.role and r.may_review
    where e.organisation = n.organisation and e.professional <> holder and e.valid_from <= moment and moment < e.valid_to)
  order by n.organisation limit 1
$$;

-- Whose move a review is and until when: the place's that reviews (``why`` is null); from its deadline on, or at once where nobody may, that
-- of the organisation that reviews for the network, and why: 'none' has reviewers, the only one is the holder's 'own', it is 'overdue'.
-- Without such an organisation it stays where it was, or is that of who runs the network (``place`` is null).
create function trust.whose_review(o trust.opening, due timestamptz, moment timestamptz) returns table (place bigint, why text, until timestamptz)
language sql stable as $$
  select case when f.why is null then f.near else coalesce(trust.network_reviewing(o.professional, moment), f.near) end, f.why,
         case when f.why = 'overdue' then due + interval '72 hours' else due end
  from (select n.near, case when n.near is not null then case when moment >= due then 'overdue' end
                            when trust.reviewing_place(o.organisation, 0, moment) is not null then 'own' else 'none' end as why
        from (select trust.reviewing_place(o.organisation, o.professional, moment) as near) n) f
$$;

-- Why a review came to the asker who is of no place above it: null for those who are.
create function trust.passed_up(asker fhir.ask, o trust.opening, due timestamptz) returns text language sql stable as $$
  select case when asker.role = 'operator'
                or not exists (select from registries.organisation x where x.key = o.organisation and asker.organisation = any(x.places))
              then (select w.why from trust.whose_review(o, due, asker.at) w) end
$$;

-- Whether the asker may review a ticket: a reviewer of the place; once it is overdue, those of every place above, and those of the network,
-- who also do at once where the place has none; without any of the network's, who runs it, when that did not help either, or there is none.
create function trust.reviews(asker fhir.ask, stand fhir.footing, o trust.opening, due timestamptz) returns boolean language sql stable as $$
  select asker.kind = 2 and coalesce(stand.active, false) and stand.principal is null and o.professional <> asker.actor and case
    when exists (select from trust.role r where r.role = asker.role and r.may_review) then
      exists (select from registries.organisation x where x.key = o.organisation and asker.organisation = any(x.places))
      and (asker.at >= due or asker.organisation = trust.reviewing_place(o.organisation, o.professional, asker.at))
      or exists (select from trust.network_reviewer n where n.organisation = asker.organisation)
      and (trust.reviewing_place(o.organisation, o.professional, asker.at) is null or asker.at >= due)
    when asker.role = 'operator' and trust.network_reviewing(o.professional, asker.at) is null then
      asker.at >= due + interval '72 hours' or (asker.at >= due and trust.reviewing_place(o.organisation, o.professional, asker.at) is null)
    else false end
$$;

-- What was looked at by the holder of a ticket while it held: when, what kind of look, how many of which types; no content.
create function trust.looks_under(o trust.opening) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('at', l.at, 'action', l.action, 'count', cardinality(l.resources), 'types', array(
           select distinct r.type from unnest(l.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u where r.type <> 0))
         order by l.id), '[]')
  from foundation.access_log l
  where l.citizen = any(trust.keys_of(array[o.citizen])) and l.kind = 2 and l.actor = o.professional and l.organisation = o.organisation
    and l.at >= o.valid_from and l.at < o.valid_to and l.permitted and l.action in (1, 2, 3, 4, 9)
$$;

-- What waits for the asker's review, the most urgent first, each told with a row in the citizen's log.
create function trust.waiting_reviews(asker fhir.ask)
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
         case when w.why is null then w.due else (select x.until from trust.whose_review(w.o, w.due, asker.at) x) end, w.why, trust.looks_under(w.o)
  from waiting w order by w.due, (w.o).id;
end $$;

-- Whether the asker reviews anything at all, or could.
create function trust.may_review(asker fhir.ask) returns boolean language sql stable security definer set search_path = trust, pg_temp as $$
  select exists (select from fhir.footing_of(asker) s join trust.role r on r.role = asker.role
                 where asker.kind = 2 and s.active and s.principal is null and (r.may_review or asker.role = 'operator'))
$$;

create function trust.review_ticket(asker fhir.ask, which uuid, is_justified boolean, said text) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  o trust.opening;
  v trust.ticket_review;
  allowed boolean;
begin
  select * into v from trust.ticket_review x where x.ticket = which for update;
  select * into o from trust.opening x where x.id = which;
  allowed := asker.kind = 2 and o.id is not null and coalesce((select trust.reviews(asker, s, o, v.due_at) from fhir.footing_of(asker) s), false);
  if not allowed or v.reviewed_at is not null or (not is_justified and btrim(said) = '') then
    if o.id is not null and not allowed then
      perform trust.note(asker, 72::smallint, o.citizen, null, which);
    end if;
    return false;
  end if;
  update trust.ticket_review x set reviewed_at = asker.at, reviewed_by = asker.actor, reviewed_in = asker.organisation, justified = is_justified,
    words = said where x.ticket = which;
  perform trust.note(asker, case when trust.passed_up(asker, o, v.due_at) is null then 72 else 155 end::smallint, o.citizen, 7::smallint, which);
  perform trust.tell(o.citizen, asker.at, 'glass-reviewed', which, null, asker.organisation);
  return true;
end $$;

-- --- the citizen ----------------------------------------------------------------------------------------------------------------

-- Every time the glass was broken for the asking citizen: who, why, what was seen, who reviews it until when, and what the review said. Names are left out where
-- a place shields its staff.
create function trust.own_tickets(asker fhir.ask)
returns table (ticket uuid, professional_name text, role text, organisation_name text, reason text, opened_at timestamptz, ended_at timestamptz,
               due_at timestamptz, reviewed_at timestamptz, reviewed_in text, justified boolean, words text,
               reviewing text, passed_up text, review_by timestamptz, looks jsonb)
language sql stable security definer set search_path = trust, pg_temp as $$
  select o.id, case when not exists (
             select from registries.organisation x where x.key = o.organisation and x.places && trust.shielded_places(trust.own_keys(asker), asker.at))
           then (select p.name from registries.professional p where p.key = o.professional) end,
         o.role, (select x.name from registries.organisation x where x.key = o.organisation), o.reason, o.valid_from, o.valid_to,
         v.due_at, v.reviewed_at, (select x.name from registries.organisation x where x.key = v.reviewed_in), v.justified, v.words,
         (select x.name from registries.organisation x where x.key = w.place), w.why, w.until, trust.looks_under(o)
  from trust.opening o join trust.ticket_review v on v.ticket = o.id left join lateral trust.whose_review(o, v.due_at, asker.at) w on v.reviewed_at is null
  where asker.kind = 1 and o.citizen = any(trust.own_keys(asker)) and o.basis = 8 order by o.valid_from desc, o.id limit 200
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'may_break_glass', 'held_opening', 'end_ticket', 'reviewing_place', 'network_reviewing', 'whose_review',
      'passed_up', 'reviews', 'looks_under', 'waiting_reviews', 'may_review',
      'review_ticket', 'own_tickets')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text ~ '(may_break_glass|held_opening|end_ticket|waiting_reviews|may_review|review_ticket|own_tickets)\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
