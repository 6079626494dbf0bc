"""Everything about one patient or one encounter (http://hl7.org/fhir/R4/patient-operation-everything.html)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

import orjson

from helhed.fhir.changes import Page, Version
from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.store.budget import Budget, too_costly, within
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.rows import ask_row
from helhed.fhir.tokens import reference_token
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import Gone, Unknown
from helhed.foundation.ids import key_of, parse_id

_ROWS = within(
    "n, type, id, version, updated",
    "fhir.everything_of($1::fhir.ask, $2::smallint, $3::smallint, $4, $5::smallint[], $6::bigint[], $7, $8, $9, $10::smallint, $11, $12)",
    "order by n", "$13::bigint",
)  # fmt: skip
_REFERENCED = within(
    "type, id, version, updated", "fhir.referenced($1::fhir.ask, $2, $3::smallint[], $4::uuid[])", "order by type, id",
    "$5::bigint",
)  # fmt: skip
_PATIENT = TYPE_NUMBERS["Patient"]
_HERE, _DELETED = 1, 2
_HOPS = 2  #: from a measurement to who performed it in which role, and from the role to the person and the place
_NO_ID = UUID(int=0)
_START: tuple[int, str] = (-1, str(_NO_ID))
_REFERENCE = re.compile(rb'"reference"\s*:\s*"([A-Za-z]{1,40})/([0-9a-f-]{36})["/]')


@dataclass(frozen=True, slots=True)
class Whole:
    """What is asked for: a patient, or an encounter, and how much of it."""

    type_name: str
    id: UUID
    count: int
    types: tuple[str, ...] = ()  #: of these types only; () for all
    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    cursor: str | None = None

    @property
    def scope(self) -> bytes:
        """What a page link may be used for."""
        moments = [one.isoformat() if one else None for one in (self.since, self.start, self.end)]
        return b"everything" + orjson.dumps([self.type_name, str(self.id), self.types, moments])


async def everything(connection: Connection, ask: Ask, signer: CursorSigner, whole: Whole, most_bytes: int) -> Page:
    """A page of it, and what the page refers to. Raises Unknown, Gone, TooCostly, or BadRequest for a link of another."""
    after, after_id = orjson.loads(signer.read(ask, whole.scope, whole.cursor)) if whole.cursor else _START
    wanted = [TYPE_NUMBERS[name] for name in whole.types] or None
    tokens = None if whole.type_name == "Patient" else _encounter_tokens(whole.id)
    root, *rows = await connection.fetch(
        _ROWS, ask_row(ask), _PATIENT, TYPE_NUMBERS[whole.type_name], whole.id, wanted, tokens, whole.since, whole.start,
        whole.end, after, UUID(after_id), whole.count, most_bytes,
    )  # fmt: skip
    if root["version"] != _HERE:
        raise Gone if root["version"] == _DELETED else Unknown
    if rows and rows[-1]["over"]:
        raise too_costly(most_bytes)
    found = [
        Version(TYPE_NAMES[row["type"]], row["id"], row["version"], row["updated"], row["body"])
        for row in rows[: whole.count]
    ]
    cursor = None
    if len(rows) > whole.count:
        last = found[-1]
        place = 0 if last.type_name == "Patient" else TYPE_NUMBERS[last.type_name]
        cursor = signer.sign(ask, whole.scope, orjson.dumps([place, str(last.id)]))
    budget = Budget(most_bytes)
    for version in found:
        budget.take(len(version.body))
    return Page(found, await _referenced(connection, ask, whole, found, budget, most_bytes), None, cursor)


async def referred_to(connection: Connection, ask: Ask, versions: Sequence[Version], most_bytes: int) -> list[Version]:
    """What ``versions`` refer to that is about nobody, as far as the asker may see it. Raises TooCostly."""
    budget = Budget(most_bytes)
    for version in versions:
        budget.take(len(version.body))
    return await _referenced(connection, ask, Whole("Patient", _NO_ID, 1), list(versions), budget, most_bytes)


async def _referenced(
    connection: Connection, ask: Ask, whole: Whole, found: list[Version], budget: Budget, most_bytes: int
) -> list[Version]:
    known = {(version.type_name, version.id) for version in found}
    citizen = next((key_of(one.id) for one in found if one.type_name == "Patient"), None)
    included: list[Version] = []
    fresh = found
    for _ in range(_HOPS):
        targets = [one for one in dict.fromkeys(_targets(fresh, whole)) if one not in known]
        if not targets:
            break
        known.update(targets)
        types, ids = zip(*targets, strict=True)
        rows = await connection.fetch(
            _REFERENCED, ask_row(ask), citizen, [TYPE_NUMBERS[name] for name in types], list(ids), most_bytes
        )
        if rows and rows[-1]["over"]:
            raise too_costly(most_bytes)
        fresh = [
            Version(TYPE_NAMES[row["type"]], row["id"], row["version"], row["updated"], row["body"]) for row in rows
        ]
        for version in fresh:
            budget.take(len(version.body))
        included += fresh
    return included


def _targets(versions: Iterable[Version], whole: Whole) -> Iterable[tuple[str, UUID]]:
    """What is referred to and may come along: what is about nobody; around an encounter, the citizen's own as well.

    Of a patient all that is about the citizen is there already, or was not asked for.
    """
    of_nobody = types_of_nobody()
    for version in versions:
        for name, text in _REFERENCE.findall(version.body):
            type_name = name.decode()
            if type_name not in of_nobody and (whole.type_name == "Patient" or type_name not in TYPE_NUMBERS):
                continue
            if whole.types and type_name not in whole.types:
                continue
            identifier = parse_id(text.decode())
            if identifier is not None:
                yield type_name, identifier


@cache
def types_of_nobody() -> frozenset[str]:
    """Types whose rows are about no citizen."""
    kinds = {Ownership.PUBLIC, Ownership.ORGANISATION}
    return frozenset(name for name in TYPE_NUMBERS if type_definition(name).ownership in kinds)


@cache
def _encounter_parameters() -> tuple[int, ...]:
    """Reference parameters of citizen-owned types that lead to an encounter (numbers)."""
    return tuple(
        sorted(
            {
                parameter.number
                for name in TYPE_NUMBERS
                if type_definition(name).ownership is Ownership.CITIZEN
                for parameter in type_definition(name).parameters.values()
                if parameter.kind == "reference" and parameter.supported and "Encounter" in parameter.targets
            }
        )
    )


def _encounter_tokens(identifier: UUID) -> list[int]:
    number = TYPE_NUMBERS["Encounter"]
    return [reference_token(parameter, number, identifier) for parameter in _encounter_parameters()]
