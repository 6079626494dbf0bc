"""The log as it is read: pages of it, by whoever may, with withheld names turned into pseudonyms before anybody sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.trust.log.pseudonyms import Pseudonyms

__all__ = ["AUDIT_EVENT", "LogReader", "Look", "LookPage"]

AUDIT_EVENT = "AuditEvent"
MOST_OF_A_DAY = 4000  #: rows of a page that goes on to the end of its last day
_PAGE = "select * from trust.log_page($1::fhir.ask, $2, $3::smallint, $4::jsonb, $5, $6)"
_REACHES = "select trust.may_read_log($1::fhir.ask, $2, $3::smallint)"
_CHOICES = "select * from trust.log_choices($1::fhir.ask, $2)"


@dataclass(frozen=True, slots=True)
class Look:
    """One row of a log. Numbers are those of ``foundation.ask`` and ``trust.policy``."""

    id: int
    moment: datetime  #: when it happened
    at: datetime  #: when it was written here
    kind: int
    actor: int | None  #: None when the name is withheld
    actor_id: UUID | None
    actor_name: str | None
    pseudonym: str  #: the same person under the same letters, in the log of one citizen only; "" when the name is told
    principal: int | None
    principal_name: str | None
    organisation: int | None
    organisation_id: UUID | None
    organisation_name: str | None
    role: str
    client: str
    purpose: int
    action: int
    permitted: bool
    basis: int | None
    type_name: str | None  #: the type asked for
    resources: tuple[UUID, ...]
    seen: tuple[tuple[str, UUID], ...]  #: what was seen and is here still
    type_names: tuple[str, ...]  #: the types of what was seen
    as_other: bool  #: the look was at somebody else, whose rows concern the citizen
    citizen_id: UUID | None
    trace: UUID
    source: int | None  #: the organisation that delivered the row from its own log
    source_id: UUID | None
    source_name: str | None
    local_id: str | None
    local: Mapping[str, Any]  #: what the source says beside
    client_name: str | None = None  #: what the app or system is registered as; None for the pages of this network
    ticket: UUID | None = None  #: by which broken glass it was seen, or which was broken or reviewed


@dataclass(frozen=True, slots=True)
class LookPage:
    """Newest first; ``after`` is where the next page begins, None at the end."""

    looks: tuple[Look, ...]
    total: int
    after: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody, or a system, that is met in a log."""

    kind: int
    actor: int | None
    name: str | None
    pseudonym: str
    role: str
    organisation: int | None
    organisation_name: str | None
    looks: int


class LogReader:
    """Reads logs. What the asker may not read is empty; reading adds a row."""

    def __init__(self, pool: Pool, pseudonyms: Pseudonyms) -> None:
        self._pool = pool
        self._pseudonyms = pseudonyms

    async def reaches(self, ask: Ask, patient: int | None) -> bool:
        """Whether there is a log that the asker may read."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval(_REACHES, ask_row(ask), patient, TYPE_NUMBERS[AUDIT_EVENT]))

    async def page(
        self, ask: Ask, wanted: Mapping[str, Any], *, limit: int, patient: int | None = None, whole_days: bool = False
    ) -> LookPage:
        """A page of the rows that ``wanted`` describes (``trust.log_page``); with ``whole_days`` no day is parted."""
        told = {**wanted, "days": True} if whole_days else dict(wanted)
        number, document = TYPE_NUMBERS[AUDIT_EVENT], orjson.dumps(told).decode()
        async with lend(self._pool) as connection:
            rows = await connection.fetch(
                _PAGE, ask_row(ask), patient, number, document, limit, max(limit, MOST_OF_A_DAY)
            )
        looks = tuple(self._look(row, patient or ask.actor) for row in rows)
        more = bool(rows) and rows[-1]["more"]
        after = (looks[-1].moment.isoformat(), str(looks[-1].id)) if more else None
        return LookPage(looks, rows[0]["total"] if rows else 0, after)

    async def choices(self, ask: Ask, since: datetime) -> list[Met]:
        """Who and where is met in the own log; who is met most comes first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_CHOICES, ask_row(ask), since)
        return [
            Met(
                row["kind"], None if row["withheld"] else row["actor"], row["name"],
                self._pseudonyms.of(ask.actor, row["actor"]) if row["withheld"] else "", row["role"], row["organisation"],
                row["organisation_name"], row["looks"],
            )
            for row in rows
        ]  # fmt: skip

    async def behind(self, ask: Ask, pseudonym: str, since: datetime) -> dict[str, Any] | None:
        """The filter of everything that the person behind a pseudonym of the own log did, while the name is withheld."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_CHOICES, ask_row(ask), since)
        for row in rows:
            if row["withheld"] and self._pseudonyms.of(ask.actor, row["actor"]) == pseudonym:
                return {"kind": row["kind"], "actor": row["actor"], "withheld": True}
        return None

    def _look(self, row: Any, citizen: int) -> Look:
        withheld = row["withheld"]
        return Look(
            row["id"], row["moment"], row["at"], row["kind"], None if withheld else row["actor"], row["actor_id"],
            row["actor_name"], self._pseudonyms.of(citizen, row["actor"]) if withheld else "",
            None if withheld else row["principal"], row["principal_name"], row["organisation"], row["organisation_id"],
            row["organisation_name"], row["role"], row["client"], row["purpose"], row["action"], row["permitted"],
            row["basis"], TYPE_NAMES.get(row["type"]) if row["type"] is not None else None, tuple(row["resources"]),
            tuple((TYPE_NAMES[number], one) for number, one in zip(row["seen_types"], row["seen"], strict=True)),
            tuple(sorted(TYPE_NAMES[number] for number in row["types"])), row["as_other"], row["citizen_id"], row["trace"],
            row["source"], row["source_id"], row["source_name"], row["local_id"],
            orjson.loads(row["local"]) if row["local"] else {}, row["client_name"], row["ticket"],
        )  # fmt: skip
