-- Phase: pre. Whatever writes a relation, older code too, writes one of the classes, and class D for one person until an end.
alter table trust.relation add constraint relation_is_a_basis check (
  class between 2 and 4 and (class <> 4 or (professional is not null and valid_to < 'infinity'))
);
