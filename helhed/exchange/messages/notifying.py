"""The network tells who has a citizen that they are at a hospital, go on leave, come back, go home, or died: by itself, of each change once,
in order, and takes back what never was.

A change of a stay is noted in the transaction that stores it, so nothing that was acknowledged is forgotten. Each is told by the same intake
as every message, in the name of the organisation that stored the stay: the receiver's mode, the citizen's block and the log hold there.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.exchange.messages.intake import Altered, Intake
from helhed.exchange.messages.notices import Party, Stay, header_of, notice
from helhed.exchange.messages.rules import NOTIFICATION
from helhed.exchange.messages.stays import Phase, State, Step, Told, notifying, state_of, steps
from helhed.fhir.indexing.dates import interval
from helhed.fhir.store import Store, Stored
from helhed.foundation.ask import Ask
from helhed.foundation.clock import Clock
from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError, Overloaded
from helhed.foundation.ids import key_of
from helhed.foundation.logging import logger
from helhed.foundation.proving import Duty, lend_proven
from helhed.foundation.rounds import in_rounds
from helhed.registries.projections import local_target

_NOTE = "select exchange.note_stays($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::jsonb[])"
_NOTE_NONE = "select exchange.note_no_stays($1::uuid[])"
_NEXT = "select * from exchange.next_stay($1, $2, $3::text[], $4::smallint[])"
_PLANNED = "select exchange.stay_planned($1, $2, $3::text[], $4::text[], $5::jsonb[])"
_DONE = "select exchange.stay_done($1, $2, $3)"
_LATER = "select exchange.stay_later($1, $2, $3)"
_MOST_IN_A_ROUND, _SECONDS_BETWEEN = 200, 5.0
_OVER = frozenset({Phase.HOME, Phase.DIED, Phase.ELSEWHERE, Phase.GONE})
_NO_SENDER = "The hospital has no SOR code: nobody can be told in its name."
_NO_NUMBER = "The citizen has no CPR number: municipalities are told of no others."
_ITSELF = "The hospital's own system tells of it."
_DEAD = "The citizen was registered as dead before."


class Stays:
    """Notes what becomes of stays at hospitals, in the transaction that stores them."""

    types = frozenset({"Encounter"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """A stay that begins, goes on, ends or never was. One that is stored for the first time when it is over is no news to anybody."""
        rows = [
            (one, state) for one in stored if one.citizen is not None and (state := state_of(one.resource)) is not None
        ]
        news = [(one, state) for one, state in rows if not (one.created and state.phase in _OVER)]
        if not news:
            return
        units = [local_target(one.resource.get("serviceProvider"), "Organization") for one, _ in news]
        await connection.execute(
            _NOTE, [one.id for one, _ in news], [one.citizen for one, _ in news], [one.origin for one, _ in news],
            [None if unit is None else key_of(unit) for unit in units], [orjson.dumps(state.said).decode() for _, state in news],
        )  # fmt: skip

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """What is deleted never was, for who was told of it."""
        await connection.execute(_NOTE_NONE, list(removed))


@dataclass
class Notifier:
    """Tells. Several may at the same time: they say the same, and a message that comes twice is one."""

    store: Store
    clock: Clock
    asks: Callable[[int, datetime], Ask]

    async def round(self) -> int:
        """One round; how many changes were done with."""
        for done in range(_MOST_IN_A_ROUND):
            row = await self._next()
            if row is None:
                return done
            await self._one(row)
        return _MOST_IN_A_ROUND

    async def run(self, stopping: asyncio.Event) -> None:
        """Rounds, until it is stopped."""
        await in_rounds(self.round, stopping, _SECONDS_BETWEEN, "exchange", "a round of notices did not end")

    async def _next(self) -> Any:
        wanted = notifying()
        async with lend_proven(self.store.pool, Duty.STORE) as connection:
            return await connection.fetchrow(
                _NEXT, self.clock(), NOTIFICATION, list(wanted.receivers), list(wanted.relations)
            )

    async def _one(self, row: Any) -> None:
        number = row["number"]
        try:
            why = await self._tell(row)
        except Overloaded:
            again = self.clock() + notifying().tried_again_after
            await self._note(_LATER, number, again, "The network was busy.")
            return
        except HelhedError as error:  # what it was is with what was put aside
            logger("exchange").warning("nobody was told of a stay", change=number, error=error)
            why = str(error)
        except Exception as error:  # one that nobody foresaw waits, and hinders no other stay
            logger("exchange").error("a stay could not be told of", change=number, error=error)
            again = self.clock() + notifying().tried_again_after
            await self._note(_LATER, number, again, "It could not be told of.")
            return
        await self._note(_DONE, number, self.clock(), why)

    async def _tell(self, row: Any) -> str | None:
        """Everybody who is told; or why nobody is."""
        now = State.of(orjson.loads(row["said"]))
        if why := _why_not(row, now):
            return why
        told = orjson.loads(row["told"] or b"[]")
        sender = Party.of(orjson.loads(row["sender"]))
        stay = Stay(row["stay"], row["person"], row["name"], row["custodian"] or sender.sor)
        for receiver in map(Party.of, orjson.loads(row["receivers"] or b"[]")):
            before = [_told(one) for one in told if one["receiver"] == receiver.key]
            wanted = steps(before, _as_told(now, before, row), holds=receiver.holds)
            if wanted and (before or _is_news(now, row["at"])):
                await self._send(row, stay, (sender, receiver), before, wanted)
        return None

    async def _send(
        self, row: Any, stay: Stay, parties: tuple[Party, Party], before: list[Told], wanted: Sequence[Step]
    ) -> None:
        number, receiver = row["number"], parties[1]
        headers = [header_of(number, stay.id, receiver.id, place) for place in range(len(wanted))]
        saids = [orjson.dumps(one.state.said).decode() for one in wanted]
        await self._note(_PLANNED, number, receiver.key, headers, [one.activity for one in wanted], saids)
        ask = self.asks(row["origin"], self.clock())
        for header, step in zip(headers, wanted, strict=True):
            bundle = notice(stay, parties, header, step, before, row["at"])
            with contextlib.suppress(Altered):  # told already, before a name was written otherwise
                await Intake(self.store).take(ask, orjson.dumps(bundle), "network")
            before.append(Told(header, step.activity, row["at"], step.state))

    async def _note(self, statement: str, *values: Any) -> None:
        async with lend_proven(self.store.pool, Duty.STORE) as connection:
            await connection.execute(statement, *values)


def _why_not(row: Any, now: State) -> str | None:
    """Why nobody is told."""
    if row["sends_itself"]:
        return _ITSELF
    if row["sender"] is None or not orjson.loads(row["sender"]).get("sor"):
        return _NO_SENDER
    if not row["person"] or row["replacement"]:
        return _NO_NUMBER
    if row["dead"] and not row["told"] and now.phase not in _OVER:
        return _DEAD
    return None


def _is_news(now: State, at: datetime) -> bool:
    return interval(now.start)[1] >= at - notifying().first_told_within


def _as_told(now: State, before: Sequence[Told], row: Any) -> State:
    """Who is registered as dead when the stay ends has not gone home; what was told as going home before they died stays so."""
    went_home = bool(before) and before[-1].activity.startswith("discharge-")
    if now.phase is Phase.HOME and row["dead"] and not went_home:
        return State.of({**now.said, "phase": Phase.DIED.value})
    return now


def _told(one: dict[str, Any]) -> Told:
    return Told(one["header"], one["activity"], datetime.fromisoformat(one["at"]), State.of(one["said"]))


__all__ = ["Notifier", "Stays"]
