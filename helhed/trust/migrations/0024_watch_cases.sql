-- Phase: pre. Cases as security officers work on them: within their own organisation, or everywhere for the network's office. Looking at
-- a case is a look, too, and is logged. Older code neither writes nor reads here.

-- Organisations whose security officers watch over the whole network. Only the operator names them.
create table trust.watch_office (organisation bigint primary key);

-- Whose name was shown in which case, to whom and why. Until then a citizen in a case is a letter.
create table trust.watch_unshielding (
  of_case uuid not null references trust.watch_case on delete cascade,
  citizen bigint not null,
  at timestamptz not null,
  author bigint not null,
  reason text not null,
  primary key (of_case, citizen)
);

do $$
declare name text;
begin
  foreach name in array array['watch_office', 'watch_unshielding'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
  end loop;
end $$;

-- Whether the asker is a security officer at work: 2 for the whole network, 1 for the own organisation and what stands beneath it, 0 not.
create function trust.watch_standing(asker fhir.ask) returns int language sql stable as $$
  select coalesce((
    select case when exists (select from trust.watch_office f where f.organisation = any(s.places)) then 2 else 1 end
    from fhir.stand(asker) s where s.active and asker.kind = 2 and asker.role = 'security-officer'), 0)
$$;

-- Whether the asker may see a case. Nobody sees one about themselves.
create function trust.watch_may(asker fhir.ask, standing int, c trust.watch_case) returns boolean language sql stable as $$
  select standing > 0
    and (standing = 2 or exists (select from registries.organisation o where o.key = c.organisation and asker.organisation = any(o.places)))
    and not exists (select from trust.watch_subject s where s.id = c.subject and s.actor = asker.actor)
$$;

create function trust.watch_log(asker fhir.ask, what smallint, allowed boolean, citizen_key bigint, about uuid) returns void language sql as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, what, allowed, null,
          citizen_key, case when about is null then '{}' else array[about] end, '{}', asker.trace)
$$;

-- The cases that the asker may see, the heaviest first. Logged.
create function trust.watch_cases(asker fhir.ask, in_states text[], row_limit int)
returns table (id uuid, number bigint, kind text, actor_name text, role text, what text, organisation_name text, score int, state text,
               owner bigint, owner_name text, due_at timestamptz, first_seen timestamptz, last_seen timestamptz, opened_at timestamptz, signals jsonb)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare standing int := trust.watch_standing(asker);
begin
  perform trust.watch_log(asker, 100::smallint, standing > 0, null, null);
  return query
  select c.id, c.number, c.kind, p.name, s.role, c.what, o.name, c.score, c.state, c.owner, w.name, c.due_at, c.first_seen, c.last_seen, c.opened_at,
         (select jsonb_agg(jsonb_build_object('signal', g.signal, 'points', g.points, 'figures', g.figures) order by g.points desc)
          from trust.watch_signal g where g.of_case = c.id)
  from trust.watch_case c
  left join trust.watch_subject s on s.id = c.subject
  left join registries.professional p on p.key = s.actor
  left join registries.organisation o on o.key = c.organisation
  left join registries.professional w on w.key = c.owner
  where c.state = any(in_states) and trust.watch_may(asker, standing, c)
  order by c.score desc, c.due_at, c.number limit row_limit;
end $$;

-- Who of a case's citizens is who: a mark that is the same within a case and tells nothing beyond it.
create function trust.watch_mark(of_case uuid, citizen_key bigint) returns text language sql stable as $$
  select left(encode(sha256(convert_to(c.secret::text || citizen_key::text, 'utf8')), 'hex'), 10) from trust.watch_case c where c.id = of_case
$$;

-- One case: what happened to it, and the looks behind it without content. Opening it is logged as a look at looks. Empty for whoever may
-- not, as for a case that is not there.
create function trust.watch_open(asker fhir.ask, case_id uuid, row_limit int) returns jsonb
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  standing int := trust.watch_standing(asker);
  c trust.watch_case;
  allowed boolean;
begin
  select * into c from trust.watch_case x where x.id = case_id;
  allowed := c.id is not null and trust.watch_may(asker, standing, c);
  perform trust.watch_log(asker, 101::smallint, allowed, null, case_id);
  if not allowed then
    return null;
  end if;
  return jsonb_build_object(
    'moves', (select coalesce(jsonb_agg(jsonb_build_object('at', m.at, 'state', m.state, 'note', m.note, 'author', p.name, 'owner', w.name) order by m.id), '[]')
              from trust.watch_move m left join registries.professional p on p.key = m.author
              left join registries.professional w on w.key = m.owner where m.of_case = c.id),
    'looks', (select coalesce(jsonb_agg(to_jsonb(x) order by x.first_at desc), '[]') from (
      select l.first_at, l.last_at, l.looks, l.refused, l.lookups, l.firm, l.declared, l.override, l.afterwards, l.confirmed, l.ties,
             trust.watch_mark(c.id, l.citizen) as mark, u.name, u.cpr
      from trust.watch_look l
      left join lateral (
        select z.name, z.cpr from trust.watch_unshielding n join registries.citizen z on z.key = n.citizen
        where n.of_case = c.id and n.citizen = l.citizen) u on true
      where l.subject = c.subject and l.day > (c.last_seen - interval '90 days')::date and (not l.firm or l.ties <> 0)
      order by l.confirmed = false desc, l.last_at desc limit row_limit) x));
end $$;

-- Show who one of a case's citizens is: with a reason, and in the citizen's own log.
create function trust.watch_unshield(asker fhir.ask, case_id uuid, mark text, why text) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  c trust.watch_case;
  whom bigint;
begin
  select * into c from trust.watch_case x where x.id = case_id;
  if c.id is not null and btrim(why) <> '' and trust.watch_may(asker, trust.watch_standing(asker), c) then
    select l.citizen into whom from trust.watch_look l where l.subject = c.subject and trust.watch_mark(c.id, l.citizen) = mark limit 1;
  end if;
  perform trust.watch_log(asker, 102::smallint, whom is not null, whom, case_id);
  if whom is null then
    return false;
  end if;
  insert into trust.watch_unshielding values (c.id, whom, asker.at, asker.actor, why) on conflict do nothing;
  return true;
end $$;

-- Give a case an owner or another state. problem: missing, changed (somebody else was first), note, same-hand (whoever had it last does not
-- close it), or null when it is done. Which states follow which, and until when, the policy says through the caller.
create function trust.watch_move_case(asker fhir.ask, case_id uuid, from_states text[], to_state text, take boolean, why text, due timestamptz)
returns text language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  c trust.watch_case;
  problem text;
begin
  select * into c from trust.watch_case x where x.id = case_id for update;
  problem := case
    when c.id is null or not trust.watch_may(asker, trust.watch_standing(asker), c) then 'missing'
    when not c.state = any(from_states) then 'changed'
    when not take and btrim(why) = '' then 'note'
    when to_state = 'closed' and (c.owner = asker.actor or (
      select m.author from trust.watch_move m where m.of_case = c.id order by m.id desc limit 1) = asker.actor) then 'same-hand'
  end;
  perform trust.watch_log(asker, 103::smallint, problem is null, null, case_id);
  if problem is not null then
    return problem;
  end if;
  update trust.watch_case set state = to_state, due_at = coalesce(due, due_at), owner = case when take then asker.actor else owner end where id = c.id;
  insert into trust.watch_move (of_case, at, state, owner, author, author_organisation, note)
  values (c.id, asker.at, to_state, case when take then asker.actor else c.owner end, asker.actor, asker.organisation, btrim(why));
  if to_state = 'closed' and c.subject is not null then
    update trust.watch_subject s set cleared_until = (asker.at at time zone 'Europe/Copenhagen')::date where s.id = c.subject;
  end if;
  return null;
end $$;

-- The list of citizens at whom others are curious: put somebody on it, or take them off. Only the network's office; logged with the citizen.
create function trust.watch_register(asker fhir.ask, citizen_key bigint, why text) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare allowed boolean := trust.watch_standing(asker) = 2 and exists (select from registries.citizen c where c.key = citizen_key);
begin
  perform trust.watch_log(asker, 104::smallint, allowed, citizen_key, null);
  if allowed and btrim(why) = '' then
    delete from trust.watch_vip v where v.citizen = citizen_key;
  elsif allowed then
    insert into trust.watch_vip values (citizen_key, btrim(why), asker.actor, asker.at)
    on conflict (citizen) do update set reason = excluded.reason, put_by = excluded.put_by, put_at = excluded.put_at;
  end if;
  return allowed;
end $$;

create function trust.watch_registered(asker fhir.ask) returns table (citizen bigint, name text, reason text, put_by text, put_at timestamptz)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare allowed boolean := trust.watch_standing(asker) = 2;
begin
  perform trust.watch_log(asker, 104::smallint, allowed, null, null);
  return query select v.citizen, c.name, v.reason, p.name, v.put_at from trust.watch_vip v join registries.citizen c on c.key = v.citizen
    left join registries.professional p on p.key = v.put_by where allowed order by v.put_at desc;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'trust'::regnamespace and p.proname like 'watch\_%' loop
    execute format('alter function %s owner to helhed_trust', signature);
  end loop;
end $$;
grant execute on function trust.watch_standing(fhir.ask), trust.watch_cases(fhir.ask, text[], int), trust.watch_open(fhir.ask, uuid, int),
  trust.watch_unshield(fhir.ask, uuid, text, text), trust.watch_move_case(fhir.ask, uuid, text[], text, boolean, text, timestamptz),
  trust.watch_register(fhir.ask, bigint, text), trust.watch_registered(fhir.ask) to helhed_app;
