"""The older hospital classification (SHAK) and SOR: each to the other on a day, and who still sends SHAK.

A published map is text with a heading and one pair a line, divided by semicolon, comma or tab; the columns are known by their names,
in any order: the SHAK code, the SOR code, and the days from and to which it holds (both may be empty; ``9999-12-31`` is no end).
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import BadRequest
from helhed.foundation.lend import lend

_TAKE_IN = "select * from registries.take_in_shak_map($1, $2, $3, $4, $5)"
_TRANSLATE = "select * from registries.translate_shak($1, $2, $3, $4)"
_NOTE = "select registries.note_shak($1, $2, $3, $4, $5)"
_REPORT = "select * from registries.shak_report($1::fhir.ask, $2)"
#: how published files head their columns
_COLUMNS = {
    "shak": ("shak", "shakkode", "shakidentifier", "shakcode", "shakid"),
    "sor": ("sor", "sorkode", "soridentifier", "sorcode", "sorid"),
    "begins": ("fra", "fradato", "fromdate", "validfrom", "gyldigfra", "startdato"),
    "ends": ("til", "tildato", "todate", "validto", "gyldigtil", "slutdato"),
}
_ALWAYS, _NO_END = date(1900, 1, 1), date(9999, 12, 31)
_SHAK_LENGTHS, _SOR_DIGITS, _MOST_PAIRS = frozenset({4, 6, 7}), range(5, 19), 500_000


#: the system as it stands in a resource, and as it stands in an address or a form
_SYSTEM = re.compile(rb"urn(?::|%3a)helhed(?::|%3a)shak(?![\w-])", re.IGNORECASE)


def names_shak(raw: bytes) -> bool:
    """Whether some bytes of a request name the system of SHAK codes."""
    return b"shak" in raw and _SYSTEM.search(raw) is not None


class Pair(NamedTuple):
    """One line of a published map. ``ends``: the first day on which it no longer holds; None for no end."""

    shak: str
    sor: str
    begins: date
    ends: date | None


@dataclass(frozen=True, slots=True)
class Translated:
    """What a code is in the other classification."""

    shak: str
    sor: str
    by_map: bool  #: the published map says so, and not the unit alone
    unit: UUID | None  #: where it is registered here
    name: str | None
    back: int  #: how many codes of the first the other is


@dataclass(frozen=True, slots=True)
class Use:
    """How often somebody still sent SHAK."""

    organisation: int
    name: str
    client: str
    act: str  #: write, search
    type: str
    times: int
    first_day: date
    last_at: datetime


def read_map(lines: Iterable[str]) -> Iterator[Pair]:
    """The pairs of a published map. Raises BadRequest, with the line, for what is none."""
    rest = iter(lines)
    head = next(rest, "").lstrip("\ufeff")
    divider = max(";\t,", key=head.count)
    names = ["".join(one for one in name.lower() if one.isalnum()) for name in head.strip().split(divider)]
    places = {own: next((names.index(name) for name in known if name in names), -1) for own, known in _COLUMNS.items()}
    if places["shak"] < 0 or places["sor"] < 0:
        raise BadRequest("The heading names no column with SHAK codes, or none with SOR codes.")
    for number, row in enumerate(csv.reader(rest, delimiter=divider), start=2):
        if number > _MOST_PAIRS:
            raise BadRequest("The map is longer than one can be.")
        if any(cell.strip() for cell in row):
            yield _pair(number, {name: row[at].strip() if 0 <= at < len(row) else "" for name, at in places.items()})


def _pair(number: int, cells: dict[str, str]) -> Pair:
    shak, sor = cells["shak"].upper(), cells["sor"]
    begins, last = _day(number, cells["begins"]) or _ALWAYS, _day(number, cells["ends"])
    ends = None if last is None or last >= _NO_END else last + timedelta(days=1)
    good = (
        len(shak) in _SHAK_LENGTHS
        and shak.isascii()
        and shak.isalnum()
        and sor.isascii()
        and sor.isdigit()
        and len(sor) in _SOR_DIGITS
    )
    if not good or (ends is not None and ends <= begins):
        raise BadRequest(f"Line {number} has no SHAK code, no SOR code, or days that end before they begin.")
    return Pair(shak, sor, begins, ends)


def _day(number: int, text: str) -> date | None:
    digits = text[:10].replace("-", "") if text[:4].isdigit() else "".join(reversed(text[:10].split("-")))
    try:
        return date.fromisoformat(digits) if text else None
    except ValueError:
        raise BadRequest(f"Line {number} has no real date where one should be.") from None


async def take_in_map(connection: Connection, pairs: Iterable[Pair], name: str) -> tuple[int, int]:
    """A published map, whole, on the owner's connection; answers how many pairs are new, and how many no longer hold."""
    found = sorted(set(pairs), key=lambda pair: pair[:3])
    if not found:
        raise BadRequest("The map has no pairs; nothing is taken in.")
    columns = [list(column) for column in zip(*found, strict=True)]
    (row,) = await connection.fetch(_TAKE_IN, *columns, name)
    return row["added"], row["gone"]


class ShakCodes:
    """Translating codes, and telling who still sends the older ones."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def translate(self, shak: str | None, sor: str | None, day: date, known: datetime) -> Sequence[Translated]:
        """What one code (of SHAK, or else of SOR) is in the other on ``day``, as known at ``known``: none, one or several."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_TRANSLATE, shak and shak.upper(), sor, day, known)
        return [
            Translated(row["shak"], row["sor"], row["by_map"], row["unit"], row["name"], row["back"]) for row in rows
        ]

    async def note(self, ask: Ask, act: str, type_name: str) -> None:
        """Somebody wrote or searched with a SHAK code; nothing of what it was is kept."""
        async with lend(self._pool) as connection:
            await connection.execute(_NOTE, ask.organisation, ask.client, act, type_name, ask.at)

    async def report(self, ask: Ask, since: date) -> Sequence[Use]:
        """Who still sent it since a day, most first: one's own part of the hierarchy, and for a keeper of the directory everybody."""
        async with lend(self._pool) as connection:
            return [_use(row) for row in await connection.fetch(_REPORT, ask_row(ask), since)]


def _use(row: Any) -> Use:
    return Use(*(row[name] for name in Use.__slots__))
