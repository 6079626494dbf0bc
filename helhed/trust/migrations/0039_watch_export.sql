-- Phase: pre. What is given on to a security centre's own system (SIEM), with the position kept until it was taken there. Older code
-- neither writes nor reads here.

create table trust.watch_export (
  kind text primary key,            -- event, move, hour
  done bigint not null              -- number of the last event or change, or moment of the last hour, that was taken
);
alter table trust.watch_export owner to helhed_trust;

-- What is next: numbers, states, signals and digests. No citizen, no name of anybody; whoever sends replaces keys of staff by pseudonyms.
create function trust.watch_export_next(moment timestamptz, most int) returns table (kind text, number bigint, told jsonb)
language sql stable security definer set search_path = trust, pg_temp as $$
  with done as (select e.kind, e.done from trust.watch_export e)
  (select 'event', e.id, jsonb_build_object(
     'at', e.at, 'kind', e.kind, 'times', e.times, 'actor', e.actor::text, 'organisation', e.organisation::text, 'client', e.client,
     'place', encode(e.place, 'hex'), 'session', encode(e.session, 'hex'))
   from trust.watch_event e
   where e.id > coalesce((select d.done from done d where d.kind = 'event'), 0) and e.at < moment - interval '10 seconds' order by e.id limit most)
  union all
  (select 'move', m.id, jsonb_build_object(
     'at', m.at, 'state', m.state, 'case', c.number, 'uid', c.id, 'kind', c.kind, 'score', c.score, 'opened_at', c.opened_at,
     'organisation', c.organisation::text, 'actor', s.actor::text,
     'signals', (select coalesce(jsonb_agg(g.signal order by g.points desc), '[]') from trust.watch_signal g where g.of_case = c.id))
   from trust.watch_move m join trust.watch_case c on c.id = m.of_case left join trust.watch_subject s on s.id = c.subject
   where m.id > coalesce((select d.done from done d where d.kind = 'move'), 0) and m.at < moment - interval '10 seconds' order by m.id limit most)
  union all
  (select 'hour', extract(epoch from t.hour)::bigint, jsonb_build_object(
     'at', t.hour, 'client', t.client, 'organisation', t.organisation::text, 'asks', t.asks, 'refused', t.refused)
   from trust.watch_traffic t
   where t.hour = (select min(x.hour) from trust.watch_traffic x
                   where x.hour > to_timestamp(coalesce((select d.done from done d where d.kind = 'hour'), 0)))
     and t.hour < moment - interval '90 minutes')
$$;

create function trust.watch_export_done(what text, number bigint) returns void language sql security definer set search_path = trust, pg_temp
begin atomic
  insert into trust.watch_export as e (kind, done) values (what, watch_export_done.number)
  on conflict (kind) do update set done = greatest(e.done, excluded.done);
end;

alter function trust.watch_export_next(timestamptz, int) owner to helhed_trust;
alter function trust.watch_export_done(text, bigint) owner to helhed_trust;
grant execute on function trust.watch_export_next(timestamptz, int), trust.watch_export_done(text, bigint) to helhed_app;
