-- Phase: pre. The parties of a message are found by their SOR codes, also among all units of the country. An index: older code does not mind.
create index if not exists organisation_sor on registries.organisation (sor) where sor is not null;
