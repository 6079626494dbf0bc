"""Replacement CPR numbers for an organisation that may be cut off: ``Organization/{id}/$replacement-cpr-reserve``,
``$replacement-cpr-return``, and ``$replacement-cpr-blocks``, which tells what it holds.

The organisation's own system asks, or a keeper of the directory. Patients are delivered by an ordinary create with the number;
sent again with ``If-None-Exist`` they are one.
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import parse_id
from helhed.registries.number_blocks import NumberBlock, NumberBlocks, block_policy
from helhed.registries.units.planning import danish_day

_DEFINITION = "urn:helhed:operation:"
_Work = Callable[[Door, Request, Place], Awaitable[Answer]]


async def _reserve(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("replacement-cpr-reserve", "block", "count", "until")
    if asked.one("count") is None:
        raise BadRequest("The parameter count says how many numbers are wanted.")
    block, count = _block(asked), asked.count("count", 0, block_policy().most_at_once + 1)
    blocks, holder = NumberBlocks(door.store.pool), _holder(place)
    numbers = await blocks.reserve(request.ask, block, holder, count, _days(asked, request.ask.at))
    held = next(one for one in await blocks.of(request.ask, holder) if one.id == block)
    parts = [*_told(held), *({"name": "number", "valueString": number} for number in numbers)]
    return Answer(200, _parameters(parts))


async def _return(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("replacement-cpr-return", "block", "number")
    named = [value for name, value in asked.pairs if name == "number"] or None
    _holder(place)
    count = await NumberBlocks(door.store.pool).give_back(request.ask, _block(asked), named)
    return Answer(200, _parameters([{"name": "returned", "valueInteger": count}]))


async def _blocks(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("replacement-cpr-blocks")
    held = await NumberBlocks(door.store.pool).of(request.ask, _holder(place))
    return Answer(200, _parameters([{"name": "held", "part": _told(one)} for one in held]))


def _holder(place: Place) -> UUID:
    found = parse_id(place.id or "")
    if found is None:
        raise Unknown
    return found


def _block(asked: Given) -> UUID:
    try:
        return UUID(asked.one("block") or "")
    except ValueError:
        raise BadRequest("The parameter block is the id of the block, a UUID that the asker made.") from None


def _days(asked: Given, now: datetime) -> int | None:
    """How many days the block is for, the named one included."""
    text = asked.one("until")
    try:
        return None if text is None else (date.fromisoformat(text) - danish_day(now)).days + 1
    except ValueError:
        raise BadRequest("The parameter until is a day, such as 2026-12-24.") from None


def _told(held: NumberBlock) -> list[dict[str, Any]]:
    moments = {
        "reserved": held.reserved_at, "issue-until": held.issue_until, "deliver-until": held.deliver_until, "returned": held.returned_at
    }  # fmt: skip
    parts: list[dict[str, Any]] = [{"name": "block", "valueId": str(held.id)}]
    parts += [{"name": name, "valueInstant": one.isoformat()} for name, one in moments.items() if one is not None]
    return [*parts, {"name": "given", "valueInteger": held.given}, {"name": "unused", "valueInteger": held.unused}]


def _parameters(parts: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


def _operation(name: str, work: _Work, *, changes: bool = True) -> Operation:
    return Operation(
        name, frozenset({"instance"}), frozenset({"Organization"}), _DEFINITION + name, work, changes=changes
    )


NUMBER_BLOCKS = (
    _operation("replacement-cpr-reserve", _reserve),
    _operation("replacement-cpr-return", _return),
    _operation("replacement-cpr-blocks", _blocks, changes=False),
)
