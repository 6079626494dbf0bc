-- Phase: first. What the store knows of policy: the shape of an ask, and three questions it puts. Until the trust
-- package answers them, nobody stands anywhere and nobody sees or writes anything.
create type fhir.ask as (
  kind smallint, actor bigint, organisation bigint, role text, purpose smallint, client text,
  read_types smallint[], write_types smallint[], at timestamptz, trace uuid
);
alter type fhir.ask owner to helhed_fhir;

-- What holds for an asker whatever the row: places it works in (its organisation and those above), its role's types.
create type fhir.standing as (active boolean, places bigint[], read_types smallint[], write_types smallint[]);
alter type fhir.standing owner to helhed_fhir;

create function fhir.stand(asker fhir.ask) returns setof fhir.standing language sql stable
as $$ select false, null::bigint[], null::smallint[], null::smallint[] $$;

-- Why the asker may see a row; no row when it may not.
create function fhir.basis(asker fhir.ask, stand fhir.standing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$ select null::smallint where false $$;

-- Why the asker may create or change a row; no row when it may not.
create function fhir.write_basis(asker fhir.ask, stand fhir.standing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$ select null::smallint where false $$;

alter function fhir.stand(fhir.ask) owner to helhed_fhir;
alter function fhir.basis(fhir.ask, fhir.standing, bigint, bigint, smallint, smallint) owner to helhed_fhir;
alter function fhir.write_basis(fhir.ask, fhir.standing, bigint, bigint, smallint, smallint) owner to helhed_fhir;
grant execute on function fhir.stand(fhir.ask) to helhed_fhir, helhed_registries, helhed_trust;
grant execute on function fhir.basis(fhir.ask, fhir.standing, bigint, bigint, smallint, smallint),
  fhir.write_basis(fhir.ask, fhir.standing, bigint, bigint, smallint, smallint) to helhed_fhir, helhed_registries, helhed_trust;
