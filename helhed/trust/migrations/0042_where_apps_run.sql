-- Phase: pre. Where apps in browsers run, so that their pages may read what their tokens get. A new function; older code does not ask.
create function trust.addresses_of_public_clients(moment timestamptz) returns setof text
language sql stable security definer set search_path = trust, pg_temp as $$
  select distinct u.address from trust.client c cross join lateral unnest(c.redirect_uris) u(address)
  where c.kind = 'public' and moment < c.ended_at
$$;
alter function trust.addresses_of_public_clients(timestamptz) owner to helhed_trust;
grant execute on function trust.addresses_of_public_clients(timestamptz) to helhed_app;
