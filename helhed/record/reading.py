"""Reading one citizen's record: one decided and logged look, parsed once."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

import msgspec

from helhed.foundation.ask import Ask
from helhed.foundation.ids import key_of, parse_id
from helhed.record.facts import TYPES
from helhed.record.manifest import NOTHING_ASKED, Manifest
from helhed.record.moments import Moment, moment
from helhed.record.paths import Json, walk

RECORD_TYPES: tuple[str, ...] = tuple(TYPES)
ROW_LIMIT = 5000  #: of each type

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class Row(Protocol):
    """One visible version of a resource, as the store hands it out."""

    @property
    def type_name(self) -> str:
        """Resource type."""
        ...

    @property
    def id(self) -> UUID:
        """Its FHIR id."""
        ...

    @property
    def origin(self) -> int:
        """Key of the organisation that delivered it."""
        ...

    @property
    def updated(self) -> datetime:
        """When this version was stored."""
        ...

    @property
    def body(self) -> bytes:
        """The complete JSON, with id and meta."""
        ...


class Live(Protocol):
    """Sources that are asked when somebody looks (``record.live``), as far as reading needs them."""

    async def ask_all(self, ask: Ask, citizen: int, types: Sequence[str]) -> Manifest:
        """Ask all that may be asked, side by side, no longer than their deadlines; who answered."""
        ...

    async def answered(self, ask: Ask, citizen: int, types: Sequence[str], limit: int) -> Sequence[Row]:
        """The rows of their answers that the ask may see, newest first, decided and logged as one look."""
        ...


class CitizenRows(Protocol):
    """The store, as far as this room needs it."""

    async def citizen_rows(self, ask: Ask, citizen: int, types: Sequence[str], limit: int) -> Sequence[Row]:
        """The rows of the citizen that the ask may see, newest first, decided and logged as one look.

        At most ``limit`` dated and ``limit`` undated ones of each type.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One resource of the record and who delivered it."""

    type_name: str
    id: UUID
    origin: int  #: key of the organisation that delivered it
    updated: datetime
    content: Json

    @property
    def reference(self) -> str:
        """How other resources refer to this one."""
        return f"{self.type_name}/{self.id}"

    @property
    def moment(self) -> Moment | None:
        """When it happened clinically, else when it was written down; None when it says neither."""
        paths = TYPES[self.type_name].dates if self.type_name in TYPES else ()
        return next((found for path in paths for found in map(moment, walk(self.content, path)) if found), None)


@dataclass(frozen=True, slots=True)
class Record:
    """What an ask may see of one citizen, all types together."""

    entries: tuple[Entry, ...]
    truncated: frozenset[str] = frozenset()  #: types of which there is more than one look takes: the oldest are missing
    manifest: Manifest = NOTHING_ASKED  #: which sources answered, and which did not
    _by_reference: dict[str, Entry] = field(default_factory=dict, repr=False)

    def of(self, *types: str) -> Iterator[Entry]:
        """The entries of these types, in stored order."""
        return (entry for entry in self.entries if entry.type_name in types)

    def resolve(self, reference: object) -> Entry | None:
        """The entry behind a Reference, when it is visible and belongs to this citizen."""
        target = reference.get("reference") if isinstance(reference, dict) else reference
        return self._by_reference.get(target) if isinstance(target, str) else None

    def origins(self) -> frozenset[int]:
        """Keys of the organisations that delivered something visible."""
        return frozenset(entry.origin for entry in self.entries)


def record_of(
    rows: Iterable[Row], *, truncated: frozenset[str] = frozenset(), manifest: Manifest = NOTHING_ASKED
) -> Record:
    """The record behind stored rows."""
    entries = tuple(
        Entry(row.type_name, row.id, row.origin, row.updated, _DECODER.decode(bytes(row.body))) for row in rows
    )
    return Record(entries, truncated, manifest, {entry.reference: entry for entry in entries})


def reference_key(reference: object, type_name: str) -> int | None:
    """The key of the Organization or Practitioner a Reference points at, or None when it points elsewhere."""
    target = reference.get("reference") if isinstance(reference, dict) else None
    head, _, identifier = str(target or "").partition("/")
    found = parse_id(identifier) if head == type_name else None
    return key_of(found) if found else None


class RecordReader:
    """Reads whole records for pages."""

    def __init__(self, rows: CitizenRows, limit: int = ROW_LIMIT, live: Live | None = None) -> None:
        self._rows = rows
        self._limit = limit
        self._live = live

    async def whole_record(self, ask: Ask, citizen: int, types: Sequence[str] = RECORD_TYPES) -> Record:
        """Everything the ask may see of the citizen in these types: one statement, one look in the citizen's log; and, where sources
        are asked live, their answers beside it.
        """
        if self._live is None:
            rows, manifest = await self._rows.citizen_rows(ask, citizen, types, self._limit), NOTHING_ASKED
        else:
            rows, manifest = await self._with_answers(self._live, ask, citizen, types)
        counted = Counter(row.type_name for row in rows)
        truncated = frozenset(name for name, count in counted.items() if count >= self._limit)
        return record_of(rows, truncated=truncated, manifest=manifest)

    async def _with_answers(
        self, live: Live, ask: Ask, citizen: int, types: Sequence[str]
    ) -> tuple[Sequence[Row], Manifest]:
        """What is stored is read while the sources are asked."""
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(live.ask_all(ask, citizen, types))
            stored = group.create_task(self._rows.citizen_rows(ask, citizen, types, self._limit))
        answered = await live.answered(ask, citizen, types, self._limit)
        return [*stored.result(), *answered], asked.result()
