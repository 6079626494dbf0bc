"""The code systems, value sets and concept maps of packages, put where terminology operations and searches find them."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import orjson

from helhed.fhir.packages.versions import newness
from helhed.fhir.terminology.model import CodeSystem, Json
from helhed.fhir.terminology.origins import package_origin
from helhed.fhir.terminology.sources import Rejected
from helhed.fhir.terminology.sources.resources import KINDS, code_system
from helhed.fhir.terminology.storing import count_change, lock, store
from helhed.fhir.validation import validate
from helhed.foundation.database import Connection

_WAITING = "select id, name, version from fhir.package where not terminologies order by installed, id"
_BODIES = """select path, body from fhir.artefact
  where package = $1 and type = any($2) and url <> '' and not example order by path"""
_VERSIONS = "select version from fhir.package where name = $1"
_DONE = "update fhir.package set terminologies = true where id = $1"


class Taken(NamedTuple):
    """What became of the terminologies of one package."""

    name: str
    version: str
    put: int  #: how many can be asked for now and could not before
    kept: int  #: how many were there already, or gave way to what somebody imported or a newer version brought
    left_out: list[str]  #: what could not be taken, and why


Tell = Callable[[Taken], object]


async def put_terminologies(connection: Connection, tell: Tell = lambda _: None) -> None:
    """Make the terminologies of every package that is installed available, those of one package all or none."""
    for row in await connection.fetch(_WAITING):
        async with connection.transaction():
            await lock(connection)
            taken = await _put(connection, row["id"], row["name"], row["version"])
            await connection.execute(_DONE, row["id"])
            if taken.put:
                await count_change(connection)
        tell(taken)


async def _put(connection: Connection, package: int, name: str, version: str) -> Taken:
    bodies = await connection.fetch(_BODIES, package, sorted(KINDS))
    rejected: list[str] = []
    sound = list(_sound(((row["path"], row["body"]) for row in bodies), rejected))
    versions = [row["version"] for row in await connection.fetch(_VERSIONS, name)]
    newer = frozenset(package_origin(name, one) for one in versions if newness(one) > newness(version))
    outcomes = await store(connection, sound, package_origin(name, version), newer)
    put = sum(one.changed for one in outcomes)
    return Taken(name, version, put, len(outcomes) - put, rejected + [p for one in outcomes for p in one.problems])


def _sound(files: Iterable[tuple[str, bytes]], left_out: list[str]) -> Iterator[CodeSystem | Json]:
    """The terminologies in files. One without content (a code system that is not present) says nothing about its codes."""
    for path, body in files:
        resource = orjson.loads(body)
        resource.pop("text", None)
        issues = validate(resource)
        if issues or b"\\u0000" in body:
            why = f"{issues[0].expression}: {issues[0].diagnostics}" if issues else "a character that no text has"
            left_out.append(f"{path}: {why}")
            continue
        if resource["resourceType"] != "CodeSystem":
            yield resource
            continue
        rejected = Rejected()
        system = code_system(resource, rejected)
        left_out.extend(f"{path}: {reason}" for reason in rejected.reasons)
        if system is not None:
            yield system


__all__ = ["Taken", "Tell", "put_terminologies"]
