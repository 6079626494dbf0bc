"""Numbered SQL migrations: each package keeps its own in ``migrations/NNNN_name.sql``.

They run in the order of the layers, lowest first, each in a transaction of its own under one advisory lock. The first
comment of each file states its phase and why old code survives it.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError

#: lowest layer first; a package may use what stands before it
PACKAGES = ("foundation", "fhir", "registries", "trust", "work", "exchange", "insight", "portals")
_LOCK = 0x48656C68


class MigrationChanged(HelhedError):
    """A migration that already ran was edited afterwards."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file."""

    package: str
    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def all_migrations() -> list[Migration]:
    """Every migration in the order it runs."""
    found: list[Migration] = []
    for package in PACKAGES:
        folder = Path(str(resources.files("helhed") / package / "migrations"))
        for path in sorted(folder.glob("[0-9]*.sql")):
            number, _, name = path.stem.partition("_")
            found.append(Migration(package, int(number), name, path.read_text("utf-8")))
    return found


async def migrate(connection: Connection, migrations: list[Migration] | None = None) -> list[Migration]:
    """Run what has not run yet; returns it. Raises MigrationChanged."""
    await connection.execute("select pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(_LEDGER)
        rows = await connection.fetch("select package, number, digest from public.helhed_migration")
        ran = {(row["package"], row["number"]): row["digest"] for row in rows}
        fresh = []
        for migration in all_migrations() if migrations is None else migrations:
            known = ran.get((migration.package, migration.number))
            if known is None:
                await _run(connection, migration)
                fresh.append(migration)
            elif known != migration.digest:
                raise MigrationChanged(f"{migration.package} {migration.number:04} {migration.name} was edited.")
        await connection.execute(_SHOWN)
        return fresh
    finally:
        await connection.execute("select pg_advisory_unlock($1)", _LOCK)


async def _run(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into public.helhed_migration(package, number, name, digest) values ($1, $2, $3, $4)",
            migration.package,
            migration.number,
            migration.name,
            migration.digest,
        )


#: a worker asks whether the database is as new as its code
_SHOWN = """
do $$ begin
  if exists (select from pg_roles where rolname = 'helhed_app') then
    grant usage on schema public to helhed_app;
    grant select on public.helhed_migration to helhed_app;
  end if;
end $$"""
_LEDGER = """
create table if not exists public.helhed_migration (
  package text not null, number int not null, name text not null, digest text not null,
  applied_at timestamptz not null default clock_timestamp(), primary key (package, number))
"""
