"""Warnings to connected organisations: written once, received by each, and given on in the form of STIX 2.1."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unknown, Unprocessable
from helhed.foundation.lend import lend

_WARN = "select trust.watch_warn($1::fhir.ask, $2, $3, $4, $5, $6, $7::jsonb, $8)"
_LIST = "select *, indicators::text as marks, receipts::text as received from trust.watch_warnings($1::fhir.ask, $2)"
_RECEIVE = "select trust.watch_receive($1::fhir.ask, $2, $3, $4)"
SEVERITIES = ("low", "medium", "high", "critical")
#: the traffic light protocol, and the marking that STIX 2.1 defines for it (section 7.2.1.4)
SHARING: Mapping[str, str] = MappingProxyType({
    "clear": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "green": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "red": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
})  # fmt: skip
#: what indicators look like, and the property by which STIX patterns name them
_KINDS: Mapping[str, tuple[re.Pattern[str], str]] = MappingProxyType({
    "sha256": (re.compile(r"[0-9a-fA-F]{64}"), "file:hashes.'SHA-256'"),
    "ipv4": (re.compile(r"(\d{1,3})(\.\d{1,3}){3}(/\d{1,2})?"), "ipv4-addr:value"),
    "url": (re.compile(r"https?://[^\s'\"\\]{3,500}"), "url:value"),
    "email": (re.compile(r"[^\s@'\"\\]{1,64}@[\w.-]{3,250}"), "email-addr:value"),
    "ipv6": (re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]+(/\d{1,3})?"), "ipv6-addr:value"),
    "domain": (re.compile(r"([\w-]{1,63}\.)+[A-Za-z]{2,63}"), "domain-name:value"),
})  # fmt: skip
_MOST_INDICATORS = 200


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one organisation did with a warning."""

    name: str
    read_at: datetime | None
    acted_at: datetime | None
    note: str
    own: bool  #: the reader's own


@dataclass(frozen=True, slots=True)
class Warning_:
    """One warning with the receipts that the reader may see."""

    id: UUID
    number: int
    at: datetime
    severity: str
    sharing: str
    title: str
    body: str
    indicators: tuple[tuple[str, str], ...]
    answer_by: datetime
    author_name: str | None
    receipts: tuple[Receipt, ...]

    @property
    def unanswered(self) -> list[Receipt]:
        """Organisations that have not said that they acted."""
        return [one for one in self.receipts if one.acted_at is None]

    @property
    def own(self) -> Receipt | None:
        """The reader's own receipt."""
        return next((one for one in self.receipts if one.own), None)


@dataclass(frozen=True, slots=True)
class NewWarning:
    """What somebody writes who warns."""

    severity: str
    sharing: str
    title: str
    body: str
    indicators: Sequence[tuple[str, str]]
    answer_by: datetime


def indicators_of(lines: str) -> list[tuple[str, str]]:
    """Addresses, domains, files and the like, one a line; [.] and hxxp are understood. Raises Unprocessable."""
    found = []
    for line in filter(None, (line.strip() for line in lines.splitlines())):
        plain = line.replace("[.]", ".").replace("hxxp", "http")
        kind = next((kind for kind, (shape, _) in _KINDS.items() if shape.fullmatch(plain)), None)
        if kind is None:
            raise Unprocessable(
                "A line is neither a domain, an address of the internet or of the web, an e-mail address nor a SHA-256."
            )
        found.append((kind, plain))
    if len(found) > _MOST_INDICATORS:
        raise Unprocessable("These are too many for one warning.")
    return found


class Warnings:
    """Warnings, for the officer who asks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def send(self, ask: Ask, warning: UUID, new: NewWarning) -> int:
        """Warn every organisation that has a security officer; how many there are. Raises Unprocessable, Forbidden."""
        if (
            new.severity not in SEVERITIES
            or new.sharing not in SHARING
            or not new.title.strip()
            or not new.body.strip()
        ):
            raise Unprocessable("A warning has a severity, a title and a text.")
        if new.answer_by <= ask.at:
            raise Unprocessable("The answer is due later than now.")
        marks = orjson.dumps([{"kind": kind, "value": value} for kind, value in new.indicators]).decode()
        values = (new.severity, new.sharing, new.title.strip(), new.body.strip(), marks, new.answer_by)
        async with lend(self._pool) as connection:
            many = await connection.fetchval(_WARN, ask_row(ask), warning, *values)
        if many < 0:
            raise Forbidden
        return int(many)

    async def all(self, ask: Ask) -> list[Warning_]:
        """Those that concern the asker's organisation; all of them for the office."""
        async with lend(self._pool) as connection:
            return [_warning(row) for row in await connection.fetch(_LIST, ask_row(ask), None)]

    async def one(self, ask: Ask, warning: UUID) -> Warning_:
        """One of them. Raises Unknown."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_LIST, ask_row(ask), warning)
        if not rows:
            raise Unknown
        return _warning(rows[0])

    async def receive(self, ask: Ask, warning: UUID, *, acted: bool, note: str = "") -> None:
        """The asker's organisation has read it, or acted on it. Raises Unknown."""
        async with lend(self._pool) as connection:
            if not await connection.fetchval(_RECEIVE, ask_row(ask), warning, acted, note):
                raise Unknown


def _warning(row: Any) -> Warning_:
    receipts = tuple(
        Receipt(one["name"] or "", _time(one["read_at"]), _time(one["acted_at"]), one["note"], bool(one["own"]))
        for one in orjson.loads(row["received"])
    )
    marks = tuple((one["kind"], one["value"]) for one in orjson.loads(row["marks"]))
    return Warning_(
        row["id"], row["number"], row["at"], row["severity"], row["sharing"], row["title"], row["body"], marks,
        row["answer_by"], row["author_name"], receipts,
    )  # fmt: skip


def _time(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def stix(warning: Warning_) -> dict[str, Any]:
    """The warning as a STIX 2.1 bundle: who says it, a report, and an indicator for each mark. No receipt and no name of a person."""
    marking = SHARING[warning.sharing]
    when = warning.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    common = {"spec_version": "2.1", "created": when, "modified": when, "object_marking_refs": [marking]}
    identity = {
        "type": "identity",
        **_id("identity", warning.id),
        **common,
        "name": "Helhed",
        "identity_class": "organization",
    }
    indicators = [
        {
            "type": "indicator", **_id("indicator", warning.id, value), **common, "created_by_ref": identity["id"],
            "pattern": f"[{_KINDS[kind][1]} = '{value}']", "pattern_type": "stix", "valid_from": when, "name": value,
        }
        for kind, value in warning.indicators
    ]  # fmt: skip
    report = {
        "type": "report", **_id("report", warning.id), **common, "created_by_ref": identity["id"], "name": warning.title,
        "description": warning.body, "published": when, "labels": [f"severity-{warning.severity}"],
        "object_refs": [one["id"] for one in indicators] or [identity["id"]],
    }  # fmt: skip
    return {"type": "bundle", **_id("bundle", warning.id), "objects": [identity, report, *indicators]}


def _id(kind: str, warning: UUID, more: str = "") -> dict[str, str]:
    return {"id": f"{kind}--{uuid5(warning, f'{kind} {more}')}"}
