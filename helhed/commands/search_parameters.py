"""The search-parameter commands: SearchParameters from files, packages or the store into use, and out of it.

Any source may store a SearchParameter, as it may store whatever is public; that alone changes nothing. What is searched by
costs everybody at every write, so an operator takes it into use, as with packages.
"""

from collections.abc import Sequence
from pathlib import Path

import orjson
from rich.console import Console

from helhed.commands.files import bytes_of
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.packages import knowledge
from helhed.fhir.packages.versions import newness
from helhed.fhir.parsing import parse_json
from helhed.fhir.search_parameters import Definition, listed, read_definition, retire, take_up
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import Connection, Target, connected
from helhed.foundation.errors import BadRequest, HelhedError

_TYPE = "SearchParameter"
_STORED = "select body from fhir.resource where type = $1 and not deleted order by updated desc, id"


async def use(
    target: Target, names: Sequence[str], console: Console | None = None, clock: Clock = system_clock
) -> list[int]:
    """Take these into use, all or none; returns their numbers. Raises what ``read_definition`` and ``take_up`` do."""
    report = console or Console()
    async with connected(target.owner) as connection:
        found = [_definition(name, await _body(connection, name)) for name in names]
        async with connection.transaction():
            numbers = [await take_up(connection, one, body, clock()) for one, body in found]
    for one, _ in found:
        _print(
            report, f"{one.code} of {_some(one.bases)} ({one.kind}): in use; searched by when what is stored is indexed"
        )
    return numbers


def _definition(name: str, body: bytes) -> tuple[Definition, bytes]:
    """Raises what ``read_definition`` does, each place named."""
    try:
        return read_definition(parse_json(body)), body
    except HelhedError as error:
        told = "; ".join(
            f"{one.expression}: {one.diagnostics}" if one.expression else one.diagnostics for one in error.issues
        )
        raise type(error)(f"{name}: {told}") from None


async def _body(connection: Connection, name: str) -> bytes:
    """The SearchParameter in a file, or that an address names. Raises BadRequest."""
    if not name.startswith(("http://", "https://", "urn:")):
        return bytes_of(Path(name))
    url, _, version = name.partition("|")
    known = [one for one in await knowledge(connection, [_TYPE]) if one.url == url and version in {"", one.version}]
    if known:
        return max(known, key=lambda one: newness(one.version)).body
    for row in await connection.fetch(_STORED, TYPE_NUMBERS[_TYPE]):
        resource = orjson.loads(row["body"])
        if resource.get("url") == url and version in {"", resource.get("version", "")}:
            return bytes(row["body"])
    raise BadRequest(f"No SearchParameter with the address {name[:200]} is installed or stored here.")


async def list_used(target: Target, console: Console | None = None) -> None:
    """Print every one that is or was in use."""
    async with connected(target.owner) as connection:
        found = await listed(connection)
    report = console or Console()
    if not found:
        report.print("No search parameters beside those of FHIR R4 are in use.")
    for one in found:
        state = (
            f"retired {one.retired:%Y-%m-%d}" if one.retired else "in use" if one.ready else "waits for helhed reindex"
        )
        version = f" {one.version}" if one.version else ""
        _print(report, f"{one.code} of {_some(one.bases)} ({one.kind}): {state}; {one.url}{version}")


async def retire_used(target: Target, url: str, clock: Clock = system_clock) -> None:
    """From now on nobody searches by it. Raises BadRequest when nobody did."""
    async with connected(target.owner) as connection:
        if not await retire(connection, url, clock()):
            raise BadRequest(f"No search parameter with the address {url[:200]} is in use.")


def _some(bases: Sequence[str]) -> str:
    shown = ", ".join(bases[:3])
    return shown if len(bases) <= 3 else f"{shown} and {len(bases) - 3} more types"


def _print(report: Console, line: str) -> None:
    report.print(line, highlight=False, markup=False, soft_wrap=True)
