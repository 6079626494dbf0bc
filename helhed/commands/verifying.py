"""`helhed log verify`: a citizen's export checked in words, and the witnesses that a log knows."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from helhed.commands.files import bytes_of
from helhed.commands.witnessing.memory import NotAWitness
from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import key_of, parse_id
from helhed.trust.verifier import Finding, Trusted, verify

_TAKEN = "select exists (select from foundation.log_witness where public = $2 and name <> $1)"
_ADMIT = """
insert into foundation.log_witness (name, public) values ($1, $2)
on conflict (name) do update set public = excluded.public"""


def verify_file(
    export: Path, witnesses: Sequence[str], log: str, citizens: Sequence[str], previous: Path | None
) -> Iterator[str]:
    """What the file proves. Raises Faulty when it is wrong, and BadRequest when it is not said what to trust."""
    trusted = Trusted(
        frozenset(_bytes(key) for key in witnesses),
        _bytes(log) if log else None,
        frozenset(_citizen(one) for one in citizens),
        bytes_of(previous) if previous else None,
    )
    yield from told(verify(bytes_of(export), trusted))


def told(found: Finding) -> Iterator[str]:
    """A finding in words."""
    at = datetime.fromtimestamp(found.at / 1_000_000, UTC)
    yield f"The log is whole: {found.events} events, none removed, changed or moved, as of {at:%Y-%m-%d %H:%M:%S} UTC."
    if found.gone:
        yield f"{found.gone} of them are deleted because of their age; that they were there is proved."
    if found.since is not None:
        yield f"It goes on from the earlier export, which had {found.since} events."
    yield f"Log {found.log}, {found.size} events in all."
    if found.witnesses:
        yield f"Witnessed by {', '.join(found.witnesses)}."
    else:
        yield "No witness was named (--witness-key): the log vouches for itself alone."


async def admit_witness(connection: Connection, name: str, key: str) -> None:
    """Let a witness sign. Raises BadRequest or NotAWitness."""
    public = _bytes(key)
    if not name or not all(one in "abcdefghijklmnopqrstuvwxyz0123456789-." for one in name):
        raise NotAWitness
    if await connection.fetchval(_TAKEN, name, public):
        raise BadRequest("Another witness has that key.")
    await connection.execute(_ADMIT, name, public)


def _bytes(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise BadRequest("A key, and the id of a log, is 64 hexadecimal digits.")
    return found


def _citizen(text: str) -> str:
    identifier = parse_id(text.removeprefix("Patient/"))
    if identifier is None:
        raise BadRequest("Name the citizen as Patient/ and the id.")
    return str(key_of(identifier))
