"""What is sent: a Bundle of type history whose first entry is the status (Subscriptions R5 Backport, R4 notifications)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import orjson

from helhed.fhir.changes import tag_of
from helhed.fhir.splice import instant
from helhed.trust.subscriptions.shape import GUIDE, topic_of


class Event(NamedTuple):
    """Something that happened, as it may be told now."""

    number: int
    type_name: str
    id: UUID
    version: int
    at: datetime
    body: bytes | None  #: the resource, where it is asked for

    @property
    def reference(self) -> str:
        """Type and id."""
        return f"{self.type_name}/{self.id}"


class Status(NamedTuple):
    """How a subscription is."""

    id: UUID
    status: str
    type_name: str
    told: int  #: events since it began
    error: str | None = None


def status_parameters(
    base: str, status: Status, kind: str, content: str, events: Sequence[Event] = ()
) -> dict[str, Any]:
    """The status as the Parameters of R4. ``kind`` is handshake, heartbeat, event-notification, query-status or query-event."""
    told: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{status.id}"}},
        {"name": "topic", "valueCanonical": topic_of(status.type_name)},
        {"name": "status", "valueCode": status.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(status.told)},
        *({"name": "notification-event", "part": _event(base, one, content)} for one in events),
    ]
    if status.error:
        told.append({"name": "error", "valueCodeableConcept": {"text": status.error}})
    profile = GUIDE + "backport-subscription-status-r4"
    return {"resourceType": "Parameters", "id": str(uuid4()), "meta": {"profile": [profile]}, "parameter": told}


def _event(base: str, event: Event, content: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": instant(event.at)},
    ]
    if content != "empty":
        parts.append({"name": "focus", "valueReference": {"reference": f"{base}/{event.reference}"}})
    return parts


def notification(
    base: str, status: Status, kind: str, content: str, now: datetime, events: Sequence[Event] = ()
) -> bytes:
    """A notification, as JSON."""
    parameters = status_parameters(base, status, kind, content, events)
    first = {
        "fullUrl": f"urn:uuid:{parameters['id']}",
        "resource": parameters,
        "request": {"method": "GET", "url": f"{base}/Subscription/{status.id}/$status"},
        "response": {"status": "200"},
    }
    focuses = [] if content == "empty" else [_focus(base, one) for one in events]
    return orjson.dumps({
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "meta": {"profile": [GUIDE + "backport-subscription-notification-r4"]},
        "type": "history",
        "timestamp": instant(now),
        "entry": [first, *focuses],
    })  # fmt: skip


def _focus(base: str, event: Event) -> dict[str, Any]:
    created = event.version == 1
    resource = {} if event.body is None else {"resource": orjson.Fragment(event.body)}
    url = event.type_name if created else event.reference
    return {
        "fullUrl": f"{base}/{event.reference}",
        **resource,
        "request": {"method": "POST" if created else "PUT", "url": url},
        "response": {"status": "201" if created else "200", "etag": f'W/"{tag_of(event.version, event.body or b"")}"'},
    }
