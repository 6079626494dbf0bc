-- Phase: first. What an import has done, document by document, so that it can go on after a kill and report at the end.
create table exchange.imported_document (
  source bigint not null,           -- key of the source organisation
  digest bytea not null,            -- SHA-256 of the document
  name text not null,
  entries int not null,
  stored int not null,
  merged int not null,
  rejected int not null,
  at timestamptz not null default clock_timestamp(),
  primary key (source, digest)
);
create table exchange.rejected_entry (
  source bigint not null,
  digest bytea not null,
  entry int not null,               -- position in the document, from 0
  type_name text not null,
  expression text not null,
  reason text not null,
  primary key (source, digest, entry)
);
alter table exchange.imported_document owner to helhed_exchange;
alter table exchange.rejected_entry owner to helhed_exchange;
