-- Phase: pre. A new function beside the old one, which older code goes on calling.
create function registries.take_one_replacement_cpr(wanted text[]) returns text
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  candidate text;
  taken text;
begin
  foreach candidate in array wanted loop
    insert into registries.replacement_cpr (number) values (candidate) on conflict do nothing returning number into taken;
    if taken is not null then
      return taken;
    end if;
  end loop;
  return null;
end $$;
alter function registries.take_one_replacement_cpr(text[]) owner to helhed_registries;
grant execute on function registries.take_one_replacement_cpr(text[]) to helhed_app;
