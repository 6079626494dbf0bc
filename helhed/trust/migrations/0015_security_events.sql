-- Phase: pre. What happens at the doors before anybody is let in, for those who watch over the network; older code notes nothing.
--
-- An event is no look: nobody's data were asked for yet. Places, sessions and tokens are keyed digests, so that the table tells
-- that one of them came again and not which it is.
create table trust.watch_event (
  id bigint generated always as identity primary key,
  at timestamptz not null,          -- the last of these times
  kind text not null,               -- a kind of trust/policy/watch.json
  times int not null default 1,     -- how often in the second before
  actor bigint,                     -- where somebody was known
  organisation bigint,
  client text not null default '',
  place bytea,                      -- digest of a network address
  session bytea,                    -- digest of a session, a token, or a family of tokens
  trace uuid
);
create index watch_event_at on trust.watch_event using brin (at);
create index watch_event_session on trust.watch_event (session, at) where session is not null;
alter table trust.watch_event owner to helhed_trust;

-- Note an event. Whoever lets somebody in, or refuses to, calls this; it tells nothing.
create function trust.security_event(what text, moment timestamptz, times int, actor bigint, organisation bigint, client text,
                                     place bytea, session bytea, trace uuid)
returns void language sql security definer set search_path = trust, pg_temp
begin atomic
  insert into trust.watch_event (at, kind, times, actor, organisation, client, place, session, trace)
  values (moment, what, security_event.times, security_event.actor, security_event.organisation, coalesce(security_event.client, ''),
          security_event.place, security_event.session, security_event.trace);
end;
alter function trust.security_event(text, timestamptz, int, bigint, bigint, text, bytea, bytea, uuid) owner to helhed_trust;
grant execute on function trust.security_event(text, timestamptz, int, bigint, bigint, text, bytea, bytea, uuid) to helhed_app;
