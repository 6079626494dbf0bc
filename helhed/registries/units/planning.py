"""Changing units from a day on: moved, closed, merged, split, or otherwise changed. What lies ahead is planned, and done on its day.

Access follows what is stored now: whoever stands beneath whom today. A plan says already now what will be, to whoever asks for a
later day, and is stored as an ordinary change of the Organization when its day has come.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple, Protocol
from uuid import UUID, uuid4

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.indexing import normalise
from helhed.fhir.store import Store
from helhed.fhir.store.rows import ask_row
from helhed.fhir.validation import validate
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import DANISH_TIME, Clock
from helhed.foundation.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    HelhedError,
    InvalidResource,
    Unknown,
    Unprocessable,
)
from helhed.foundation.ids import key_of, new_id
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger
from helhed.foundation.proving import Duty, prove
from helhed.registries.projections import local_target

#: the ask of an organisation's system, by which what it registered is stored; None: not now
Planners = Callable[[int], Ask | None]
_PLAN = "select registries.plan_unit($1::fhir.ask, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10)"
_WITHDRAW = "select registries.withdraw_unit_plan($1::fhir.ask, $2, $3)"
_DUE = "select * from registries.due_plans($1, $2, $3)"
_NOTE = "select registries.note_unit_plan($1, $2, $3)"
_ADMIT = "select registries.admit_unit($1::fhir.ask, $2)"
_ARRANGES = "select registries.arranges($1::fhir.ask, $2)"
_PLANS = "select * from registries.unit_plans($1)"
_CLOSED = {"active": False}
_AT_A_TIME, _SECONDS_BETWEEN = 100, 300.0
_PROBLEMS: dict[str, tuple[type[HelhedError], str]] = {
    "unknown": (Unknown, "There is no such unit here."),
    "forbidden": (
        Forbidden,
        "A unit is arranged by the system of an organisation above it or of the keeper of the directory, or by who is employed there to do so.",
    ),
    "stranger": (
        Unprocessable,
        "Who registered the unit has no system here by which it could be changed. A keeper of the directory registers it anew.",
    ),
    "not-theirs": (
        Unprocessable,
        "Who registered the unit may not place it there. A keeper of the directory moves it.",
    ),
    "many": (Conflict, "So much is planned for the unit already that no more is taken. Take back what is not to be."),
    "past": (Unprocessable, "A change takes effect today or later."),
    "closed": (Unprocessable, "The unit is closed on that day, or not there yet."),
    "beneath": (Unprocessable, "Units stand beneath it on that day. Close or move them first."),
    "above": (Unprocessable, "The unit it would stand beneath is closed on that day, or not there yet."),
    "circle": (Unprocessable, "A unit cannot stand beneath itself."),
    "elsewhere": (Forbidden, "A unit is moved only to where its arranger may arrange."),
    "successor": (Unprocessable, "Who carries on are other units that are open on that day."),
    "address": (Unprocessable, "Messages go to an address that begins with https:// and names a host."),
    "begun": (Conflict, "It has begun, and no end is planned. Say from which day it is no longer so."),
    "done": (Conflict, "The plan has come into force, or was taken back."),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One change of a unit from a day on."""

    id: UUID
    unit: int
    day: date
    kind: str  #: change, move, close
    changes: Mapping[str, Any]
    successors: tuple[int, ...]  #: who carry on what is closed
    planned_by: int
    planned_at: datetime
    applied_at: datetime | None
    withdrawn_at: datetime | None
    problem: str | None
    actor: int | None  #: key of the person who planned it; None for a system


class _Maker(Protocol):
    """Makes the ask of an organisation's system at a moment."""

    def __call__(self, organisation: int, moment: datetime) -> Ask: ...


class _Wanted(NamedTuple):
    unit: UUID
    changes: Mapping[str, Any]
    successors: Sequence[UUID] = ()

    def columns(self) -> tuple[str, int | None, str | None, list[int]]:
        """The changes, what it then stands beneath, its name folded, and who carries on."""
        above, name = local_target(self.changes.get("partOf"), "Organization"), self.changes.get("name")
        return (
            orjson.dumps(self.changes).decode(),
            None if above is None else key_of(above),
            None if name is None else normalise(name),
            [key_of(one) for one in self.successors],
        )


class UnitPlans:
    """Plans of units: made, withdrawn, told, and applied on their day."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def change(self, ask: Ask, unit: UUID, day: date, changes: Mapping[str, Any]) -> UUID:
        """From ``day`` on these top-level elements of its Organization are so (None: not there). Raises HelhedError."""
        if not changes or set(changes) & {"resourceType", "id", "meta", "active"}:
            raise BadRequest("Say what of the unit changes; it is closed by closing it.")
        (plan,) = await self._plan(ask, day, "change", _Wanted(unit, changes))
        return plan

    async def move(self, ask: Ask, unit: UUID, day: date, above: UUID) -> UUID:
        """From ``day`` on it stands beneath ``above``."""
        changes = {"partOf": {"reference": f"Organization/{above}"}}
        (plan,) = await self._plan(ask, day, "move", _Wanted(unit, changes))
        return plan

    async def close(self, ask: Ask, unit: UUID, day: date, successors: Sequence[UUID] = ()) -> UUID:
        """From ``day`` on it is not in use; ``successors`` carry on: several, when it is split. Nothing may be left beneath it."""
        (plan,) = await self._plan(ask, day, "close", _Wanted(unit, _CLOSED, successors))
        return plan

    async def merge(self, ask: Ask, units: list[UUID], day: date, into: UUID) -> list[UUID]:
        """From ``day`` on ``into`` carries on what ``units`` were. All or none: the first that cannot says why."""
        if len(set(units)) != len(units) or not units:
            raise BadRequest("Name each unit once.")
        return await self._plan(ask, day, "close", *(_Wanted(unit, _CLOSED, [into]) for unit in units))

    async def withdraw(self, ask: Ask, plan: UUID) -> None:
        """Take a plan back before its day. Raises Unknown, Forbidden or Conflict."""
        async with lend(self._store.pool) as connection, connection.transaction():
            await prove(connection, Duty.PERSON)
            problem = await connection.fetchval(_WITHDRAW, ask_row(ask), plan, danish_day(ask.at))
        refuse(problem)

    async def register(self, ask: Ask, above: UUID, resource: Mapping[str, Any]) -> UUID:
        """A new unit beneath ``above``, from today on, by the system of the organisation acted from. Raises HelhedError."""
        async with lend(self._store.pool) as connection:
            refuse(await connection.fetchval(_ADMIT, ask_row(ask), key_of(above)))
        if ask.organisation is None:
            raise Forbidden
        new = new_id()
        body = {**resource, "resourceType": "Organization", "partOf": {"reference": f"Organization/{above}"}}
        if issues := validate(body):
            raise InvalidResource(issues=issues)
        change = Change("POST", "Organization", body, orjson.dumps(body), new)
        await self._store.commit(system_of(ask, ask.organisation), [change])
        return new

    async def arranges(self, ask: Ask, unit: UUID) -> bool:
        """Whether the asker may arrange a unit: for what a page offers. Each act is decided again."""
        async with lend(self._store.pool) as connection:
            found: bool = await connection.fetchval(_ARRANGES, ask_row(ask), key_of(unit))
        return found

    async def of_unit(self, unit: UUID) -> list[Plan]:
        """What was planned for a unit, and what was closed into it; the latest day first."""
        async with lend(self._store.pool) as connection:
            return [_plan(row) for row in await connection.fetch(_PLANS, key_of(unit))]

    async def _plan(self, ask: Ask, day: date, kind: str, *wanted: "_Wanted") -> list[UUID]:
        """All of them, or none: the first that cannot be planned says why."""
        today = danish_day(ask.at)
        plans = [uuid4() for _ in wanted]
        async with lend(self._store.pool) as connection, connection.transaction():
            await prove(connection, Duty.PERSON)
            for plan, one in zip(plans, wanted, strict=True):
                values = (plan, key_of(one.unit), day, kind, *one.columns(), today)
                refuse(await connection.fetchval(_PLAN, ask_row(ask), *values))
        if day <= today:
            await self.apply_due(ask.at, partial(system_of, ask), plans)
        return plans

    async def apply_due(self, moment: datetime, asks: Planners, only: Sequence[UUID] | None = None) -> int:
        """Store what came into force (of ``only`` these), each by the system of the organisation that registered the unit.

        One that cannot be stored says why, and is tried again. Answers how many were done. An organisation for which there is no ask is
        passed over. That a planner may arrange the unit was decided when it was planned, and must hold on the day.
        """
        done = 0
        async with lend(self._store.pool) as connection, connection.transaction():
            for row in await connection.fetch(_DUE, danish_day(moment), _AT_A_TIME, only):
                ask = asks(row["storer"])
                if ask is not None:
                    trouble = await self._apply(row, ask) if row["stands"] else _PROBLEMS["forbidden"][1]
                    await prove(connection, Duty.STORE)
                    await connection.execute(_NOTE, row["id"], moment, trouble)
                    done += trouble is None
        return done

    async def _apply(self, row: Any, ask: Ask) -> str | None:
        try:
            now = await self._store.read(ask, "Organization", row["organisation"])
            resource = {**orjson.loads(now.body), **orjson.loads(row["changes"])}
            resource = {name: value for name, value in resource.items() if value is not None}
            change = Change("PUT", "Organization", resource, orjson.dumps(resource), now.id, if_match=now.version)
            await self._store.commit(ask, [change])
        except HelhedError as error:
            return str(error) or type(error).__name__
        return None

    async def run(self, clock: Clock, asks: _Maker, stopping: asyncio.Event) -> None:
        """Rounds, until it is stopped. Two workers apply each plan once."""
        while not stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):  # the database may be away: the next time will do
                moment = clock()
                done = await self.apply_due(moment, partial(asks, moment=moment))
                if done:
                    logger("units").info("planned changes of units came into force", plans=done)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)


def system_of(ask: Ask, organisation: int) -> Ask:
    """The system of an organisation, in the act that ``ask`` was decided for."""
    return replace(
        ask, kind=ActorKind.SYSTEM, actor=organisation, organisation=organisation, role="system",
        purpose=Purpose.OPERATIONS, read_types=None, write_types=None,
    )  # fmt: skip


def danish_day(moment: datetime) -> date:
    """The day in Denmark."""
    return moment.astimezone(DANISH_TIME).date()


def problem_of(error: HelhedError) -> str:
    """Why a plan was refused, in one word; "" for what was refused elsewhere."""
    return next(
        (problem for problem, (kind, why) in _PROBLEMS.items() if type(error) is kind and str(error) == why), ""
    )


def refuse(problem: str | None) -> None:
    """Raise what stands in the way, by its word; nothing when nothing does."""
    if problem is not None:
        kind, why = _PROBLEMS[problem]
        raise kind(why)


def _plan(row: Any) -> Plan:
    fields = {name: row[name] for name in Plan.__slots__}
    return Plan(**{**fields, "changes": orjson.loads(row["changes"]), "successors": tuple(row["successors"])})
