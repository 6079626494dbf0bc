"""What a database offers, as plain text: for comparing one schema with another."""

from helhed.foundation.database import Connection

ROOMS = "('foundation', 'fhir', 'registries', 'trust', 'exchange', 'insight', 'portals')"

_EVERYTHING = f"""
select 'function ' || p.oid::regprocedure || ' returns ' || pg_get_function_result(p.oid) || ' owner ' || p.proowner::regrole
       || ' definer ' || p.prosecdef || ' acl ' || coalesce(p.proacl::text, '') || ' body ' || md5(pg_get_functiondef(p.oid))
from pg_proc p where p.pronamespace::regnamespace::text in {ROOMS} and p.prokind = 'f'
union all
select 'column ' || c.oid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' notnull ' || a.attnotnull
       || ' default ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' storage ' || a.attstorage::text
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace::regnamespace::text in {ROOMS}
union all
select 'relation ' || c.oid::regclass || ' kind ' || c.relkind::text || ' owner ' || c.relowner::regrole || ' acl ' || coalesce(c.relacl::text, '')
       || ' index ' || coalesce(pg_get_indexdef(i.indexrelid), '')
from pg_class c left join pg_index i on i.indexrelid = c.oid where c.relnamespace::regnamespace::text in {ROOMS}
union all
select 'constraint ' || o.conrelid::regclass || ' ' || o.conname || ' ' || pg_get_constraintdef(o.oid, true)
from pg_constraint o where o.connamespace::regnamespace::text in {ROOMS}
order by 1"""

_APPLICATION = f"""
select 'call ' || p.oid::regprocedure || ' -> ' || pg_get_function_result(p.oid)
from pg_proc p where p.pronamespace::regnamespace::text in {ROOMS} and has_function_privilege('helhed_app', p.oid, 'execute')
union all
select privilege || ' ' || c.oid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
cross join unnest(array['select', 'insert', 'update']) privilege
where c.relkind in ('r', 'p', 'v') and c.relnamespace::regnamespace::text in {ROOMS}
  and has_column_privilege('helhed_app', c.oid, a.attnum, privilege)
union all
select 'value ' || t.oid::regtype || ' (' || string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum) || ')'
from pg_type t join pg_class c on c.oid = t.typrelid and c.relkind = 'c' join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where t.typnamespace::regnamespace::text in {ROOMS} group by t.oid
order by 1"""

_NEEDED = f"""
select c.oid::regclass || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in {ROOMS} and a.attnotnull and not a.atthasdef and a.attidentity = ''
  and has_column_privilege('helhed_app', c.oid, a.attnum, 'insert')
order by 1"""


async def everything(connection: Connection) -> list[str]:
    """Functions with their bodies, tables, columns, indexes, constraints, owners and rights, a line each."""
    return [row[0] for row in await connection.fetch(_EVERYTHING)]


async def offered(connection: Connection) -> list[str]:
    """What the application role may call, read and write, and the composite values that go in and out."""
    return [row[0] for row in await connection.fetch(_APPLICATION)]


async def demanded(connection: Connection) -> list[str]:
    """Columns that whoever inserts must give."""
    return [row[0] for row in await connection.fetch(_NEEDED)]
