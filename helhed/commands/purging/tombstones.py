"""Tombstones beside the backups: what was purged after a backup was made is in it, and must go again when it is restored.

A file holds a tombstone a line: ids, moments, case numbers and salted digests, and nothing of what was purged.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import orjson

from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError

_ALL = "select told::text from fhir.tombstones() told"
_FITS = "select fhir.tombstone_fits($1::text::jsonb)"
_AGAIN = "select fhir.reapply_purge($1::text::jsonb)"
_KNOWN = """
select distinct p.id from fhir.purge p join fhir.purged_copy c on c.purge = p.id
where p.done_at is not null and c.seal = sha256(p.salt || $1) order by 1"""


class NoTombstones(HelhedError):
    """That is no file of tombstones: `helhed purge tombstones FILE` writes one."""


class NotWhatWasPurged(HelhedError):
    """A tombstone in the file is not of what stands here under its ids. Nothing was taken out."""


class Reapplied(NamedTuple):
    """What a file of tombstones did."""

    again: int  #: purges that this database did not know, carried out again
    known: int  #: purges that it knew


async def write_tombstones(connection: Connection, path: Path) -> int:
    """Every tombstone, into a file that appears whole or not at all and only its owner reads; returns how many."""
    lines = [row["told"] for row in await connection.fetch(_ALL)]
    _write(path, lines)
    return len(lines)


async def reapply(connection: Connection, path: Path) -> Reapplied:
    """Carry out what this database does not know of, all of it or none. Raises NoTombstones and NotWhatWasPurged."""
    lines = read_tombstones(path)
    async with connection.transaction():
        again = [await _again(connection, line) for line in lines]
    return Reapplied(sum(again), len(again) - sum(again))


async def _again(connection: Connection, line: str) -> bool:
    """Whoever could write the file could name any row: what is not what was purged stays."""
    if not await connection.fetchval(_FITS, line):
        raise NotWhatWasPurged(f"{(NotWhatWasPurged.__doc__ or '').strip()} Tombstone {orjson.loads(line)['id']}.")
    return bool(await connection.fetchval(_AGAIN, line))


async def recognise(connection: Connection, content: bytes) -> list[UUID]:
    """The tombstones of a copy: the bytes of one resource as they were once submitted."""
    return [row["id"] for row in await connection.fetch(_KNOWN, sha256(content).digest())]


def _write(path: Path, lines: list[str]) -> None:
    draft = path.with_name(f".{path.name}.draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(path)


def read_tombstones(path: Path) -> list[str]:
    """The lines of a file that ``write_tombstones`` wrote. Raises NoTombstones."""
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if line]
        whole = all({"id", "citizen", "rows", "copies"} <= orjson.loads(line).keys() for line in lines)
    except (OSError, ValueError, AttributeError):
        raise NoTombstones from None
    if not whole:
        raise NoTombstones
    return lines
