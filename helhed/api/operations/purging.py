"""``$purge-propose``, ``$purge-proposals``, ``$purge-approve`` and ``$purge-withdraw``: taking out what was recorded on the
wrong citizen, by two records custodians of the organisation that recorded it.

FHIR R4 has no such operation (R5's ``Patient/$purge`` takes a whole patient, and asks nobody twice), so these are the network's
own. None of them returns content, and a row that is not the asker's to purge is not there.
"""

from typing import Any
from uuid import UUID

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.fhir.store.purging import NamedRow, Proposal, Wish
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import parse_id
from helhed.registries.directory import Directory
from helhed.trust.keeping.purges import checked_reason, purge_policy

_DEFINITIONS = "urn:helhed:operation:"
_SYSTEM = frozenset({"system"})
_MOST_ROWS = 500
_PROPOSED = ("row", "ground", "case-number", "rightful", "keep-others")


async def _propose(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("purge-propose", *_PROPOSED)
    ground, case_number = _needed(asked, "ground"), _needed(asked, "case-number")
    checked_reason(ground, case_number)
    rows, rightful = _rows(asked), asked.one("rightful")
    wish = Wish(
        rows, ground, case_number, request.ask.at + purge_policy().open_for,
        None if rightful is None else NamedRow.parse(rightful, "Patient").id, asked.flag("keep-others"),
    )  # fmt: skip
    return _told(_proposal(await door.store.purging.propose(request.ask, wish)))


async def _proposals(door: Door, request: Request, place: Place) -> Answer:
    (await given(door, request)).only("purge-proposals")
    waiting = await door.store.purging.open_ones(request.ask)
    return _told([{"name": "proposal", "part": _proposal(one)} for one in waiting])


async def _approve(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("purge-approve", "proposal", "seal")
    try:
        seal = bytes.fromhex(_needed(asked, "seal"))
    except ValueError:
        raise BadRequest("The seal is written in hexadecimal, as the proposal has it.") from None
    purged = await door.store.purging.approve(request.ask, _identifier(asked), seal)
    told = [
        {"name": "seen-by", "valueString": name} for name in await Directory(door.store.pool).names_of(purged.seen_by)
    ]
    return _told([
        {"name": "rows", "valueInteger": purged.rows}, {"name": "versions", "valueInteger": purged.versions}, *told,
    ])  # fmt: skip


async def _withdraw(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("purge-withdraw", "proposal")
    await door.store.purging.withdraw(request.ask, _identifier(asked))
    return Answer(204)


def _rows(asked: Given) -> tuple[NamedRow, ...]:
    names = list(dict.fromkeys(value for name, value in asked.pairs if name == "row"))
    if not 1 <= len(names) <= _MOST_ROWS:
        raise BadRequest(f"A purge names 1 to {_MOST_ROWS} rows, as Type/id.")
    return tuple(NamedRow.parse(name) for name in names)


def _identifier(asked: Given) -> UUID:
    identifier = parse_id(_needed(asked, "proposal"))
    if identifier is None:
        raise Unknown
    return identifier


def _needed(asked: Given, name: str) -> str:
    value = asked.one(name)
    if not value:
        raise BadRequest(f"The parameter {name} is needed.")
    return value


def _proposal(one: Proposal) -> list[dict[str, Any]]:
    return [
        {"name": "proposal", "valueId": str(one.id)}, {"name": "seal", "valueString": one.seal.hex()},
        {"name": "ground", "valueCode": one.ground}, {"name": "case-number", "valueString": one.case_number},
        {"name": "expires", "valueInstant": one.expires_at.isoformat()},
        {"name": "versions", "valueInteger": one.versions},
        *({"name": "row", "valueUri": str(row)} for row in one.rows),
    ]  # fmt: skip


def _told(parameters: list[dict[str, Any]]) -> Answer:
    more = {"parameter": parameters} if parameters else {}
    return Answer(200, orjson.dumps({"resourceType": "Parameters", **more}))


PURGING = (
    Operation("purge-propose", _SYSTEM, None, _DEFINITIONS + "purge-propose", _propose, changes=True),
    Operation("purge-proposals", _SYSTEM, None, _DEFINITIONS + "purge-proposals", _proposals),
    Operation("purge-approve", _SYSTEM, None, _DEFINITIONS + "purge-approve", _approve, changes=True),
    Operation("purge-withdraw", _SYSTEM, None, _DEFINITIONS + "purge-withdraw", _withdraw, changes=True),
)
