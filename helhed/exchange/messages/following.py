"""Following messages: who wrote to whom, and what became of it; and taking up what was put aside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.exchange.messages.intake import Taken
from helhed.exchange.messages.taking import take_kept
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store import Store, Stored
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError, Overloaded, Unknown
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.registries.projections import local_target

_SEEN = "select * from exchange.messages_seen($1::fhir.ask, $2, $3, $4, $5, $6)"
_NOTE_SEEN = "select exchange.note_seen($1::fhir.ask, $2::uuid[])"
_PARKED = "select * from exchange.parked_seen($1::fhir.ask, $2)"
_MOVE = "select * from exchange.move_parked($1::fhir.ask, $2, $3)"
_TASKS = "select exchange.note_tasks($1::uuid[], $2::text[], $3::bigint[])"
_COMMUNICATION = TYPE_NUMBERS["Communication"]
_MOST_PARKED = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a message."""

    step: str
    at: datetime
    by: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A message and its way, without a word of what it says."""

    number: int
    id: UUID
    citizen: int | None
    type: str
    activity: str
    thread: str | None
    occurred: datetime
    received_at: datetime
    code: str
    problem: str | None
    sender: str
    sender_id: UUID
    receiver: str | None
    receiver_id: UUID | None
    sender_mode: str
    receiver_mode: str
    late: bool
    equal: bool | None  #: whether what is shared is what was messaged; None where nothing is shared
    steps: tuple[Step, ...]
    rows: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Parked:
    """What could not be taken."""

    id: UUID
    at: datetime
    organisation: str
    channel: str
    reason: str
    problem: str
    size: int | None
    state: str


class Messages:
    """What may be told of messages, by whoever asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def seen(
        self, ask: Ask, *, patient: UUID | None = None, wanted: UUID | None = None, before: int | None = None, most: int = 50
    ) -> list[Followed]:  # fmt: skip
        """Newest first. One look, in the log of each citizen who is told."""
        async with lend(self._store.pool) as connection:
            rows = await connection.fetch(_SEEN, ask_row(ask), patient, wanted, before, most, _COMMUNICATION)
        return [
            Followed(**{
                **{name: row[name] for name in Followed.__slots__},
                "steps": tuple(_step(one) for one in orjson.loads(row["steps"] or b"[]")), "rows": tuple(row["rows"]),
            })
            for row in rows
        ]  # fmt: skip

    async def note_seen(self, ask: Ask, rows: Sequence[UUID]) -> None:
        """Somebody of the receiver has these rows before them."""
        async with lend_proven(self._store.pool, Duty.STORE) as connection:
            await connection.execute(_NOTE_SEEN, ask_row(ask), list(rows))

    async def parked(self, ask: Ask) -> list[Parked]:
        """For whoever keeps the network running."""
        async with lend(self._store.pool) as connection:
            rows = await connection.fetch(_PARKED, ask_row(ask), _MOST_PARKED)
        return [Parked(*(row[name] for name in Parked.__slots__)) for row in rows]

    async def again(self, ask: Ask, parked: UUID, asks: Callable[[int, datetime], Ask]) -> Taken:
        """Try once more what was put aside, by the ask of whose system sent it. What still cannot be taken is put aside anew."""
        row = await self._move(ask, parked, "taken")
        try:
            return await take_kept(self._store, asks(row["organisation"], ask.at), row["body"] or b"", row["channel"])
        except HelhedError as error:
            if isinstance(error, Overloaded):
                await self._move(ask, parked, "waiting")
            raise

    async def dismiss(self, ask: Ask, parked: UUID) -> None:
        """Nobody will take it up."""
        await self._move(ask, parked, "dismissed")

    async def _move(self, ask: Ask, parked: UUID, state: str) -> Any:
        async with lend_proven(self._store.pool, Duty.STORE) as connection:
            row = await connection.fetchrow(_MOVE, ask_row(ask), parked, state)
        if row is None:
            raise Unknown
        return row


class MessageTasks:
    """What becomes of the pieces of work that messages asked for, in the transaction that writes them."""

    types = frozenset({"Task"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Accepted, done, declined: a step of the message's way."""
        moved = [one for one in stored if not one.created]
        if moved:
            statuses = [str(one.resource.get("status")) for one in moved]
            owners = [local_target(one.resource.get("owner"), "Organization") for one in moved]
            movers = [one.origin if owner is None else key_of(owner) for one, owner in zip(moved, owners, strict=True)]
            await connection.execute(_TASKS, [one.id for one in moved], statuses, movers)

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """What happened stays."""


def _step(one: dict[str, str]) -> Step:
    return Step(one["step"], datetime.fromisoformat(one["at"]), one["by"], one["detail"])
