"""``AuditEvent/$log-manifest`` and ``AuditEvent/$log-sources``: a source says what it sent of its own log, and hears what is here.

Both are the network's own (``docs/reference/audit-event.md``).
"""

from typing import Any

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import Request
from helhed.fhir.splice import instant
from helhed.foundation.errors import BadRequest
from helhed.trust.audit_events.delivering import Deliveries, LogSource

_AUDIT_EVENT = frozenset({"AuditEvent"})
_TYPE = frozenset({"type"})
_DIGEST_BYTES = 32
_MOST_EVENTS = 2**31 - 1


async def _manifest(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("log-manifest", "since", "until", "events", "digest")
    since, until = asked.moments("since"), asked.moments("until")
    if since is None or until is None:
        raise BadRequest("A manifest says of which time it is: since and until.")
    told = await Deliveries(door.store.pool).tell(request.ask, since[0], until[0], _events(asked), _digest(asked))
    return _told([told])


async def _sources(door: Door, request: Request, place: Place) -> Answer:
    (await given(door, request)).only("log-sources")
    return _told(await Deliveries(door.store.pool).sources(request.ask))


def _events(asked: Given) -> int:
    text = asked.one("events") or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= _MOST_EVENTS):
        raise BadRequest("The parameter events is how many events were sent.")
    return int(text)


def _digest(asked: Given) -> bytes:
    try:
        found = bytes.fromhex(asked.one("digest") or "")
    except ValueError:
        found = b""
    if len(found) != _DIGEST_BYTES:
        raise BadRequest("The parameter digest is SHA-256, in hexadecimal, of the ids that were sent.")
    return found


def _told(sources: list[LogSource]) -> Answer:
    parameters = [{"name": "source", "part": _source(one)} for one in sources]
    return Answer(
        200, orjson.dumps({"resourceType": "Parameters", **({"parameter": parameters} if parameters else {})})
    )


def _source(one: LogSource) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [
        {"name": "name", "valueString": one.name}, {"name": "said", "valueInteger": one.said},
        {"name": "here", "valueInteger": one.here}, {"name": "late", "valueInteger": one.late},
        {"name": "whole", "valueBoolean": one.whole},
    ]  # fmt: skip
    for name, moment in (
        ("whole-until", one.whole_until),
        ("told-until", one.told_until),
        ("silent-since", one.silent_since),
    ):
        if moment is not None:
            told.append({"name": name, "valueInstant": instant(moment)})
    for gap in one.gaps:
        part = [
            {"name": "since", "valueInstant": instant(gap.since)}, {"name": "until", "valueInstant": instant(gap.until)},
            {"name": "said", "valueInteger": gap.said}, {"name": "here", "valueInteger": gap.here},
            {"name": "mend-by", "valueInstant": instant(gap.mend_by)},
        ]  # fmt: skip
        told.append({"name": "gap", "part": part})
    return told


LOG_DELIVERIES = (
    Operation("log-manifest", _TYPE, _AUDIT_EVENT, "urn:helhed:operation:log-manifest", _manifest, changes=True),
    Operation("log-sources", _TYPE, _AUDIT_EVENT, "urn:helhed:operation:log-sources", _sources),
)
