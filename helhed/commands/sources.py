"""The sources of the network, as the operator keeps them: a file for each, checked whole before anybody is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from joserfc.jwk import ECKey

from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import parse_id
from helhed.record.live.credentials import AccessTokens
from helhed.record.live.faults import SourceFault
from helhed.record.live.talking import Talk, Wire
from helhed.registries.sources import Described, Source, Terms, end_source, list_sources, put_source

_PAUSE = "update registries.source set active = $2, changed_at = $3 where id = $1 returning id"
_REST_NO_MORE = "update registries.source_health set failures = 0, closed_until = '-infinity' where source = $1"


def described(path: Path) -> Described:
    """A source as a file describes it. Raises BadRequest, which says what is wrong."""
    try:
        said = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        if "organisation" in said:
            said["organisation"] = _organisation(said["organisation"])
        found = msgspec.convert(said, Described)
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path}: {error}.") from None
    return msgspec.structs.replace(found, terms=_without_slash(found.terms))


def _organisation(written: object) -> UUID:
    found = parse_id(written.removeprefix("Organization/")) if isinstance(written, str) else None
    if found is None:
        raise BadRequest("Name the organisation as Organization/ and its id here.")
    return found


def _without_slash(terms: Terms | None) -> Terms | None:
    return terms and msgspec.structs.replace(terms, address=terms.address.rstrip("/"), images=terms.images.rstrip("/"))


async def put(connection: Connection, path: Path) -> UUID:
    """Register what a file describes, or say it anew. Raises BadRequest or Unknown."""
    return await put_source(connection, described(path), system_clock())


async def end(connection: Connection, source: str) -> None:
    """It is a source no longer, and what it answered is gone. Raises Unknown."""
    await end_source(connection, _id(source))


async def switch(connection: Connection, source: str, *, on: bool) -> None:
    """Pause it, or go on. Raises Unknown."""
    if await connection.fetchval(_PAUSE, _id(source), on, system_clock()) is None:
        raise Unknown("No source is registered here under that id.")
    await connection.execute(_REST_NO_MORE, _id(source))


async def every(connection: Connection) -> list[Source]:
    """All of them, by name."""
    return await list_sources(connection)


async def check(connection: Connection, source: str, key: Callable[[], ECKey]) -> str:
    """What a live source says of itself: whether it takes our token, and which version it speaks. No citizen is named."""
    found = next((one for one in await list_sources(connection) if str(one.id) == source), None)
    if found is None or found.terms is None:
        raise Unknown("No live source is registered here under that id.")
    wire = Wire()
    try:
        token = await AccessTokens(wire, key, system_clock).of(found.terms)
        said = await Talk(wire, found.terms, token, "check").get(f"{found.terms.address}/metadata")
    except SourceFault as error:
        return f"{found.name} does not answer as it should: {error.fault}."
    software = said.get("software")
    name = software.get("name") if isinstance(software, dict) else None
    return f"{found.name} answers: FHIR {said.get('fhirVersion')}, {name or 'software unnamed'}."


def _id(text: str) -> UUID:
    found = parse_id(text)
    if found is None:
        raise Unknown("No source is registered here under that id.")
    return found
