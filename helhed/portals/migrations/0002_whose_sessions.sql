-- Phase: pre. Whose a session is, so that its owner can see and end the others, and by what the identity provider ends it;
-- and what is kept once between two requests of somebody who is not logged in yet. Older code writes neither.
alter table portals.session add column kind smallint, add column actor bigint, add column upstream text[] not null default '{}';
create index session_actor on portals.session (kind, actor) where actor is not null;
create index session_upstream on portals.session using gin (upstream);

create table portals.once (
  key text primary key,             -- a hash of a cookie, of a token's id
  kept bytea not null,              -- sealed
  until timestamptz not null
);
create index once_until on portals.once (until);
alter table portals.once owner to helhed_portals;
grant select, insert, update, delete on portals.once to helhed_app;
