-- Phase: pre. A function replaced under its old signature: older code gets the mended answers.

-- As before, but an organisation that is written again takes along only what stands beneath it, and what its writer has
-- entered: a unit of somebody else that named it while nobody knew it stays where it is. A keeper of the directory may
-- place it.
create or replace function registries.put_organisation(new_key bigint, new_id uuid, new_name text, new_sor text, new_kind text, new_parent bigint,
                                            writer bigint)
returns text language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  before registries.organisation;
  parent registries.organisation;
  above bigint[];
begin
  select * into before from registries.organisation o where o.key = new_key;
  select * into parent from registries.organisation o where o.key = new_parent;
  above := coalesce(parent.places, '{}');
  if new_key = any(above) then
    return 'circle';
  end if;
  if new_parent is distinct from before.parent and not writer = any(above)
     and (coalesce(writer = any(before.places), false) or (parent.key is not null and parent.registered_by <> writer))
     and not exists (select from registries.keeper k where k.organisation = writer) then
    return 'elsewhere';
  end if;
  insert into registries.organisation (key, id, name, sor, kind, parent, places, registered_by)
  values (new_key, new_id, new_name, new_sor, new_kind, new_parent, array[new_key] || above, writer)
  on conflict (key) do update set name = excluded.name, sor = excluded.sor, kind = excluded.kind, parent = excluded.parent,
    places = excluded.places;
  with recursive beneath as (
    select o.key, array[o.key] || array[new_key] || above as places from registries.organisation o
    where o.parent = new_key and (new_key = any(o.places) or o.registered_by = writer)
    union all
    select o.key, array[o.key] || b.places from registries.organisation o join beneath b on o.parent = b.key
    where cardinality(b.places) < 32 and (b.key = any(o.places) or o.registered_by = writer)
  )
  update registries.organisation o set places = b.places from beneath b where b.key = o.key;
  return null;
end $$;
