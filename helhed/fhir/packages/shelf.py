"""Installed packages in the database: published knowledge, so the application may read it freely."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from helhed.fhir.packages.package import Package
from helhed.fhir.packages.terminologies import Tell, put_terminologies
from helhed.fhir.packages.versions import chosen, fits
from helhed.foundation.database import Connection
from helhed.foundation.errors import Conflict

#: in the server itself, whatever a package calls it
BUILT_IN = {"hl7.fhir.r4.core": "4.0.1"}
_LOCK = 0x7061636B
_PACKAGE = """insert into fhir.package (name, version, title, canonical, digest, installed)
  values ($1, $2, $3, $4, $5, $6) returning id"""
_DEPENDENCY = "insert into fhir.package_dependency (package, name, version) values ($1, $2, $3)"
_ARTEFACT = """insert into fhir.artefact (package, path, type, url, version, name, example, body)
  values ($1, $2, $3, $4, $5, $6, $7, $8)"""
_LISTED = """select p.name, p.version, p.title, p.installed, p.digest,
    (select count(*) from fhir.artefact a where a.package = p.id and not a.example) as artefacts,
    (select count(*) from fhir.artefact a where a.package = p.id and a.example) as examples
  from fhir.package p order by p.name, p.installed"""
_ASKED = """select p.name as package, p.version as package_version, d.name, d.version
  from fhir.package_dependency d join fhir.package p on p.id = d.package order by p.name, p.version, d.name"""
_REQUIRE = """insert into fhir.conformance (organisation, type, profile, severity, valid_from)
  values ($1, $2, $3, $4, $5)"""
_RELEASE = """update fhir.conformance set valid_to = $4
  where organisation is not distinct from $1 and type is not distinct from $2 and profile = $3 and valid_to is null"""
_KNOWLEDGE = """select a.type, a.url, a.version, p.name as package, a.body
  from fhir.artefact a join fhir.package p on p.id = a.package
  where a.url <> '' and a.type = any($1) order by p.installed, p.id, a.path"""


class Installed(NamedTuple):
    """One installed package."""

    name: str
    version: str
    title: str
    installed: datetime
    digest: bytes
    artefacts: int
    examples: int


class Dependency(NamedTuple):
    """What one package asks of another, and what it gets."""

    package: str
    package_version: str
    name: str
    asked: str
    resolved: str | None  #: the version that serves it; None when nothing of that name is installed

    @property
    def exact(self) -> bool:
        """Whether it gets what it asks for."""
        return self.resolved is not None and fits(self.asked, self.resolved)


class Known(NamedTuple):
    """One artefact that others refer to by its address."""

    type_name: str
    url: str
    version: str
    package: str
    body: bytes


async def install(
    connection: Connection, packages: Sequence[Package], at: datetime, told: Tell = lambda _: None
) -> list[Package]:
    """Put packages on the shelf and their terminologies beside the others, all or none; returns those that were not there.

    ``told`` hears what became of the terminologies of each. Raises Conflict.
    """
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        fresh = []
        for package in packages:
            if not await _is_there(connection, package):
                await _put(connection, package, at)
                fresh.append(package)
        await put_terminologies(connection, told)
        if fresh:
            await tell(connection)
    return fresh


async def tell(connection: Connection) -> None:
    """Let running servers know that knowledge changed."""
    await connection.execute("update fhir.knowledge set version = version + 1")


async def require(
    connection: Connection, profile: str, organisation: int | None, type_number: int | None, severity: str, at: datetime
) -> None:
    """From now on what an organisation (None: every one) writes of a type (None: every one) follows a profile."""
    async with connection.transaction():
        await release(connection, profile, organisation, type_number, at)
        await connection.execute(_REQUIRE, organisation, type_number, profile, severity, at)
        await tell(connection)


async def release(
    connection: Connection, profile: str, organisation: int | None, type_number: int | None, at: datetime
) -> bool:
    """From now on it need not; whether it had to."""
    async with connection.transaction():
        ended = await connection.execute(_RELEASE, organisation, type_number, profile, at)
        await tell(connection)
    return str(ended) != "UPDATE 0"


async def _is_there(connection: Connection, package: Package) -> bool:
    name, version = package.manifest.name, package.manifest.version
    digest = await connection.fetchval(
        "select digest from fhir.package where name = $1 and version = $2", name, version
    )
    if digest is not None and digest != package.digest:
        raise Conflict(f"Another package is installed as {name} {version}: a version never changes its content.")
    return digest is not None


async def _put(connection: Connection, package: Package, at: datetime) -> None:
    about = package.manifest
    number = await connection.fetchval(
        _PACKAGE, about.name, about.version, about.title, about.canonical, package.digest, at
    )
    await connection.executemany(_DEPENDENCY, [(number, name, asked) for name, asked in about.dependencies.items()])
    await connection.executemany(
        _ARTEFACT,
        [
            (number, one.path, one.type_name, one.url, one.version, one.name, one.example, one.body)
            for one in package.artefacts
        ],
    )


async def installed(connection: Connection) -> list[Installed]:
    """Every installed package, by name."""
    return [Installed(*row) for row in await connection.fetch(_LISTED)]


async def dependencies(connection: Connection) -> list[Dependency]:
    """Every dependency of every installed package, and what serves it now."""
    there: dict[str, list[str]] = {name: [version] for name, version in BUILT_IN.items()}
    for row in await connection.fetch("select name, version from fhir.package"):
        there.setdefault(row["name"], []).append(row["version"])
    found = []
    for package, version, name, asked in await connection.fetch(_ASKED):
        found.append(Dependency(package, version, name, asked, chosen(asked, there.get(name, ()))))
    return found


async def knowledge(connection: Connection, types: Sequence[str]) -> list[Known]:
    """The artefacts of these types that have an address, those installed last at the end."""
    return [Known(*row) for row in await connection.fetch(_KNOWLEDGE, list(types))]


async def edition(connection: Connection) -> int:
    """The number that goes up whenever knowledge changes."""
    return int(await connection.fetchval("select version from fhir.knowledge"))
