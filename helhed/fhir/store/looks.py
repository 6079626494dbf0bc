"""What the log says of one transaction: its changes, and, when it was undone, the looks that were undone with it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.query import Query
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.past import Past, history_of
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.searching import log_given_up, search_any
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import TooCostly, Unknown
from helhed.foundation.settings import ANSWER_BYTES

_LOG = "select fhir.log_writes($1::fhir.ask, $2, $3::smallint, $4::smallint, $5::smallint, $6::uuid[], $7::int[])"
_LOG_READ = "select from fhir.read_many(array[$1::fhir.ask], $2::smallint[], $3::uuid[])"
_LOG_VREAD = "select from fhir.read_version($1::fhir.ask, $2::smallint, $3, $4)"


@dataclass(slots=True)
class _Look:
    """What one log row of a transaction will say."""

    basis: int | None
    type_number: int | None
    ids: list[UUID] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)


class Looks:
    """The looks of one transaction of one ask.

    The statements that read log by themselves, and so does ``write``; all of those rows are undone with the
    transaction. Which entry of it failed still tells what the ones before it found, so ``stand_again`` repeats them.
    """

    def __init__(self, ask: Ask, signer: CursorSigner) -> None:
        self._ask = ask
        self._row = ask_row(ask)
        self._signer = signer
        self._changes: dict[tuple[int | None, Action], _Look] = {}
        self._reads: list[tuple[str, UUID | None, int | None]] = []
        self._searches: list[tuple[Query, bool]] = []
        self._given_up: list[Query] = []
        self._pasts: list[Past] = []

    def changed(
        self, citizen: int | None, action: Action, basis: int | None, number: int, ids: Sequence[UUID], version: int
    ) -> None:
        """Changes of one citizen and type, made or refused; one refusal (no basis) makes a refusal of the whole look."""
        look = self._changes.setdefault((citizen, action), _Look(basis, number))
        look.ids.extend(ids)
        look.versions.extend([version] * len(ids))
        look.basis = basis if look.basis is not None else None

    def read(self, type_name: str, identifier: UUID | None, version: int | None = None) -> None:
        """A read of the current version, or of one."""
        self._reads.append((type_name, identifier, version))

    def searched(self, query: Query, *, match: bool) -> None:
        """A search, or a condition (``match``), that was answered."""
        self._searches.append((query, match))

    def gave_up(self, query: Query) -> None:
        """A search, or a condition, that the database stopped: to ask it again would take as long again."""
        self._given_up.append(query)

    def past(self, past: Past) -> None:
        """A page of a history."""
        self._pasts.append(past)

    def rows(self) -> list[tuple[Any, ...]]:
        """The log rows of the changes: arguments of ``fhir.log_writes``, one of each citizen and action."""
        return [
            (self._row, citizen, int(action), look.type_number, look.basis, look.ids, look.versions)
            for (citizen, action), look in self._changes.items()
        ]

    async def write(self, connection: Connection) -> None:
        """The rows of the changes, in their transaction, sent all at once: an import changes many citizens' records."""
        await connection.executemany(_LOG, self.rows())

    async def stand_again(self, connection: Connection, changes: Sequence[Change]) -> None:
        """After the transaction was undone: attempts and looks stand in the log of every citizen they named."""
        for type_name, identifier, version in self._reads:
            number = TYPE_NUMBERS[type_name]
            if version is None:
                await connection.execute(_LOG_READ, self._row, [number], [identifier])
            else:
                await connection.execute(_LOG_VREAD, self._row, number, identifier, version)
        for query, match in self._searches:
            with suppress(TooCostly):  # its row is there all the same
                await search_any(connection, self._ask, query, self._signer, match=match)
        for query in self._given_up:
            await log_given_up(connection, self._ask, query)
        for past in self._pasts:
            with suppress(TooCostly, Unknown):
                await history_of(connection, self._ask, self._signer, past, ANSWER_BYTES)
        attempts = dict(self._changes)
        if not (attempts or self._reads or self._searches or self._given_up or self._pasts):
            attempts[(None, Action.CREATE)] = _Look(None, TYPE_NUMBERS[changes[0].type_name] if changes else None)
        for (citizen, action), look in attempts.items():
            await connection.execute(_LOG, self._row, citizen, int(action), look.type_number, None, look.ids, [])
