"""Incidents and their clock: what is due, to whom and by which law, from the moment an incident was known."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.database import Pool
from helhed.foundation.errors import Conflict, Forbidden, Unknown, Unprocessable
from helhed.foundation.lend import lend
from helhed.trust.policy import document

_OPEN = "select trust.watch_incident_open($1::fhir.ask, $2, $3, $4, $5, $6, $7, $8, $9)"
_WRITE = "select trust.watch_incident_write($1::fhir.ask, $2, $3, $4)"
_LIST = "select *, entries::text as told from trust.watch_incidents($1::fhir.ask, $2)"


@dataclass(frozen=True, slots=True)
class IncidentClass:
    """P1 to P5."""

    name: str
    significant: bool  #: in the sense of NIS2: the authorities are told
    words: Mapping[str, str]
    what: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is to be done in time."""

    name: str
    when: str  #: significant, personal or all
    hours: int | None
    months: int | None
    after: str  #: the step from which months count
    words: Mapping[str, str]
    to: Mapping[str, str]
    law: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IncidentPolicy:
    """The policy in force."""

    classes: Mapping[str, IncidentClass]
    steps: tuple[Step, ...]
    source: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Incident:
    """One row of the register, with what was done about it."""

    id: UUID
    number: int
    class_: str
    title: str
    what: str
    known_at: datetime
    personal_data: bool
    people: int
    organisation_name: str | None
    owner_name: str | None
    opened_at: datetime
    closed_at: datetime | None
    entries: Sequence[Mapping[str, Any]]

    def done(self, step: str) -> datetime | None:
        """When a step was done first."""
        return next((datetime.fromisoformat(one["at"]) for one in self.entries if one["step"] == step), None)


@dataclass(frozen=True, slots=True)
class Due:
    """A step of one incident, with its moment."""

    step: Step
    at: datetime
    done: datetime | None

    def late(self, now: datetime) -> bool:
        """Whether it was done after its moment, or has not been done and the moment is over."""
        return (self.done or now) > self.at


@dataclass(frozen=True, slots=True)
class NewIncident:
    """What somebody writes who opens one."""

    class_: str
    title: str
    what: str
    known_at: datetime
    personal_data: bool
    people: int
    of_case: UUID | None = None


@cache
def incident_policy() -> IncidentPolicy:
    """The policy that this version of the network carries."""
    told = document("incidents.json")
    classes = {
        one["class"]: IncidentClass(one["class"], one["significant"], _both(one, ""), _both(one, "_what"))
        for one in told["classes"]
    }
    steps = tuple(
        Step(
            one["step"], one["when"], one.get("hours"), one.get("months"), one.get("after", ""), _both(one, ""),
            {"da": one["to_da"], "en": one["to_en"]}, {"da": one["law"], "en": one["law_en"]},
        )
        for one in told["steps"]
    )  # fmt: skip
    return IncidentPolicy(MappingProxyType(classes), steps, {"da": told["source_da"], "en": told["source"]})


def _both(one: Mapping[str, Any], ending: str) -> Mapping[str, str]:
    return {language: one[language + ending] for language in ("da", "en")}


def clock_of(incident: Incident) -> list[Due]:
    """What is due and what was done, in the order in which it is due."""
    held = incident_policy()
    significant = held.classes[incident.class_].significant
    applies = {"significant": significant, "personal": incident.personal_data, "all": True}
    found: dict[str, Due] = {}
    for step in held.steps:
        if applies[step.when]:
            found[step.name] = Due(step, _moment(step, incident, found), incident.done(step.name))
    return sorted(found.values(), key=lambda due: due.at)


def next_due(incident: Incident) -> Due | None:
    """What is to be done next; None when nothing is left."""
    if incident.closed_at is not None:
        return None
    return next((due for due in clock_of(incident) if due.done is None), None)


def _moment(step: Step, incident: Incident, before: Mapping[str, Due]) -> datetime:
    """Hours are hours; months are those of the Danish calendar."""
    if step.hours is not None:
        return incident.known_at + timedelta(hours=step.hours)
    earlier = before[step.after]
    return months_after(earlier.done or earlier.at, step.months or 0)


def months_after(moment: datetime, months: int) -> datetime:
    """The same time of the Danish day so many months later; where a month is shorter, its last day."""
    local = moment.astimezone(DANISH_TIME)
    years, month = divmod(local.month - 1 + months, 12)
    year = local.year + years
    return local.replace(year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1]))


class Incidents:
    """The register, for the officer who asks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self, ask: Ask) -> list[Incident]:
        """Those of the asker's organisation, or all for the office."""
        async with lend(self._pool) as connection:
            return [_incident(row) for row in await connection.fetch(_LIST, ask_row(ask), None)]

    async def one(self, ask: Ask, incident: UUID) -> Incident:
        """One of them. Raises Unknown."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_LIST, ask_row(ask), incident)
        if not rows:
            raise Unknown
        return _incident(rows[0])

    async def open(self, ask: Ask, incident: UUID, new: NewIncident) -> None:
        """Enter a new one. Raises Unprocessable, Forbidden."""
        if (
            new.class_ not in incident_policy().classes
            or not new.title.strip()
            or new.people < 0
            or new.known_at > ask.at
        ):
            raise Unprocessable("An incident has a class, a title and the moment at which it was known, which is over.")
        values = (
            new.class_,
            new.title.strip(),
            new.what.strip(),
            new.known_at,
            new.personal_data,
            new.people,
            new.of_case,
        )
        async with lend(self._pool) as connection:
            if not await connection.fetchval(_OPEN, ask_row(ask), incident, *values):
                raise Forbidden

    async def write(self, ask: Ask, incident: UUID, step: str, note: str) -> None:
        """A step that was done, a note, another class, or that it is over. Raises Unknown, Conflict, Unprocessable."""
        known = {one.name for one in incident_policy().steps} | {"note", "closed"}
        if step == "class" and note not in incident_policy().classes:
            raise Unprocessable("There are the classes P1 to P5.")
        if step != "class" and (step not in known or not note.strip()):
            raise Unprocessable("Write what was done.")
        async with lend(self._pool) as connection:
            problem = await connection.fetchval(_WRITE, ask_row(ask), incident, step, note.strip())
        if problem is not None:
            raise Unknown if problem == "missing" else Conflict


def _incident(row: Any) -> Incident:
    entries = orjson.loads(row["told"] or "[]")
    return Incident(
        row["id"], row["number"], row["class"], row["title"], row["what"], row["known_at"], row["personal_data"], row["people"],
        row["organisation_name"], row["owner_name"], row["opened_at"], row["closed_at"], entries,
    )  # fmt: skip
