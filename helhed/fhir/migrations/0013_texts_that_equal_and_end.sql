-- Phase: pre. The operators that _filter has for texts beside those of search parameters.

create function fhir.where_equals(condition jsonb, alias text, depth int) returns text language sql stable
return fhir.has_string_sql(condition, alias, array(
  select format('s.value = %L', v) from jsonb_array_elements_text(condition -> 'values') v));

create function fhir.where_ends(condition jsonb, alias text, depth int) returns text language sql stable
return fhir.has_string_sql(condition, alias, array(
  select format('s.value like %L', '%' || fhir.like_text(v)) from jsonb_array_elements_text(condition -> 'values') v));

alter function fhir.where_equals(jsonb, text, int) owner to helhed_fhir;
alter function fhir.where_ends(jsonb, text, int) owner to helhed_fhir;
