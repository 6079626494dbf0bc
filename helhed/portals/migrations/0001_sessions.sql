-- Phase: first. Sessions of the portals, keyed by a hash of the cookie, so that a copy of the table opens nothing.
create table portals.session (
  key text primary key,
  kept bytea not null,
  touched_at timestamptz not null default clock_timestamp()
);
alter table portals.session owner to helhed_portals;
create index session_touched on portals.session (touched_at);
grant select, insert, update, delete on portals.session to helhed_app;
