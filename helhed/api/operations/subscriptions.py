"""``Subscription/$status`` and ``$events``: how subscriptions are, and what was told before, told again.

https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-status.html and
OperationDefinition-backport-subscription-events.html. What is told again is decided again.
"""

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.foundation.ask import Action
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import parse_id
from helhed.trust.subscriptions.criteria import Criteria
from helhed.trust.subscriptions.notices import Status, notification, status_parameters
from helhed.trust.subscriptions.shape import CONTENTS
from helhed.trust.subscriptions.store import Seen, Subscriptions

_SUBSCRIPTION = frozenset({"Subscription"})
_GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/"
_MOST_NUMBER = 2**62
_MOST_DIGITS = 18


async def _status(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("status", "id", "status")
    ids = [place.id] if place.id is not None else [one for name, one in asked.pairs if name == "id"]
    states = [one for name, one in asked.pairs if name == "status"]
    wanted = parse_id(place.id) if place.id is not None else None
    if place.id is not None and wanted is None:
        raise Unknown
    found = await _rows(door).seen(request.ask, wanted, Action.READ)
    if place.id is not None and not found:
        raise Unknown
    fitting = [one for one in found if (not ids or str(one.id) in ids) and (not states or one.status in states)]
    entries = [
        {"resource": status_parameters(door.base, _of(one), "query-status", one.content), "search": {"mode": "match"}}
        for one in fitting
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        **({"entry": entries} if entries else {}),
    }
    return Answer(200, orjson.dumps(bundle))


async def _events(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("events", "eventsSinceNumber", "eventsUntilNumber", "content")
    identifier = parse_id(place.id or "")
    content = asked.one("content")
    if content not in {None, *CONTENTS}:
        raise BadRequest(f"The parameter content is one of {', '.join(CONTENTS)}.")
    since, until = _number(asked, "eventsSinceNumber", 1), _number(asked, "eventsUntilNumber", _MOST_NUMBER)
    found = await _rows(door).seen(request.ask, identifier, Action.READ) if identifier is not None else []
    if not found or not found[0].own:  # an operator sees that there is a subscription, and nothing of what it told
        raise Unknown
    one, usual = found[0], found[0].content
    plan = Criteria(one.type_name, one.criteria).plan(door.root)
    events = await _rows(door).again(request.ask, one, (since, until), plan, content=content or usual)
    return Answer(200, notification(door.base, _of(one), "query-event", content or usual, request.ask.at, events))


def _number(asked: Given, name: str, usual: int) -> int:
    text = asked.one(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise BadRequest(f"The parameter {name} is the number of an event.")
    return int(text)


def _rows(door: Door) -> Subscriptions:
    return Subscriptions(door.store.pool, demo=False)


def _of(one: Seen) -> Status:
    return Status(one.id, one.status, one.type_name, one.told, one.error)


SUBSCRIPTIONS: tuple[Operation, ...] = (
    Operation("status", frozenset({"type", "instance"}), _SUBSCRIPTION, _GUIDE + "backport-subscription-status", _status, by_rows=True),
    Operation("events", frozenset({"instance"}), _SUBSCRIPTION, _GUIDE + "backport-subscription-events", _events, by_rows=True),
)  # fmt: skip
