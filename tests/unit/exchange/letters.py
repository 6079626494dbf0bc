"""Organisations that write to each other, and messages as their systems write them."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.exchange.messages.acknowledging import destination
from helhed.exchange.messages.rules import ACTIVITIES, CATEGORIES, ENDPOINT, EVENTS, IG
from helhed.foundation.ids import key_of, new_id
from helhed.registries.identifiers import CPR, SOR
from tests.support.world import NOW, World

HOSPITAL, CLINIC, TOWN, CLOSED = "1000016000001", "1000016000002", "1000016000003", "1000016000004"
NUMBER = "0101709995"


@dataclass
class Post:
    """Three organisations with SOR codes, and a citizen with a number."""

    world: World
    hospital: UUID
    clinic: UUID
    town: UUID
    patient: UUID

    @classmethod
    async def opened(cls, world: World) -> "Post":
        """Everybody in place."""
        hospital, clinic = await unit(world, "Sygehus", HOSPITAL), await unit(world, "Klinik", CLINIC)
        town = await unit(world, "Kommune", TOWN)
        await unit(world, "Nedlagt", CLOSED, active=False)
        await world.owner.execute(
            "update registries.unit_fact set valid_from = '2020-01-01'"
        )  # the clock of the world stands
        patient = await world.patient(hospital, identifier=[{"system": CPR, "value": NUMBER}])
        return cls(world, hospital, clinic, town, patient)


async def unit(world: World, name: str, sor: str, **more: Any) -> UUID:
    """An organisation with a SOR code that is its own custodian."""
    identifier = new_id()
    await world.owner.execute("select trust.register_system($1)", key_of(identifier))
    resource = {"resourceType": "Organization", "name": name, "identifier": [{"system": SOR, "value": sor}], **more}
    await world.put(world.system(identifier), resource, identifier)
    return identifier


def letter(
    *resources: dict[str, Any],
    sender: str = HOSPITAL,
    receiver: str = CLINIC,
    event: str = "care-communication-message",
    activity: str = "new-message",
    focus: dict[str, Any] | None = None,
    number: str = NUMBER,
    header: str | None = None,
    before: str | None = None,
    role: str = "revision",
    at: datetime = NOW,
    chain: tuple[dict[str, Any], ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """A message about one citizen. ``focus`` and ``resources`` refer to ``Patient/p``, ``Organization/s`` and ``Organization/r``."""
    header = header or str(uuid4())
    focus = focus or communication()
    moment = at.isoformat()
    entries: list[dict[str, Any]] = [
        {
            "resourceType": "MessageHeader", "id": header, "eventCoding": {"system": EVENTS, "code": event},
            "destination": [destination(receiver, "r")], "sender": {"reference": "Organization/s"},
            "source": {"endpoint": ENDPOINT + sender},
            "focus": [{"reference": f"{focus['resourceType']}/{focus['id']}"}],
        },
        {"resourceType": "Patient", "id": "p", "identifier": [{"system": CPR, "value": number}], "name": [{"family": "Elmer"}]},
        focus, *resources, organisation("s", sender), organisation("r", receiver),
        step(header, activity, moment, before, role), *chain,
    ]  # fmt: skip
    return {
        "resourceType": "Bundle", "id": str(uuid4()), "type": "message", "timestamp": moment,
        "entry": [{"fullUrl": f"{IG}{one['resourceType']}/{one['id']}", "resource": one} for one in entries], **more,
    }  # fmt: skip


def step(header: str, activity: str, moment: str, before: str | None = None, role: str = "revision") -> dict[str, Any]:
    """One Provenance."""
    found: dict[str, Any] = {
        "resourceType": "Provenance", "id": str(uuid4()), "target": [{"reference": f"MessageHeader/{header}"}],
        "occurredDateTime": moment, "recorded": moment, "activity": {"coding": [{"system": ACTIVITIES, "code": activity}]},
        "agent": [{"who": {"reference": "Organization/s"}}],
    }  # fmt: skip
    if before:
        found["entity"] = [{"role": role, "what": {"reference": f"MessageHeader/{before}"}}]
    return found


def undated() -> dict[str, Any]:
    """A message whose step says, where FHIR has a moment, that nobody knows it: sound for FHIR, and no message."""
    message = letter()
    (one,) = [entry["resource"] for entry in message["entry"] if entry["resource"]["resourceType"] == "Provenance"]
    del one["recorded"]
    one["_recorded"] = {"extension": [{"url": "urn:why", "valueCode": "unknown"}]}
    return message


def organisation(own: str, sor: str) -> dict[str, Any]:
    """As a message says who it is."""
    identifiers = [{"system": "https://www.gs1.org/gln", "value": "5790000000005"}, {"system": SOR, "value": sor}]
    return {"resourceType": "Organization", "id": own, "identifier": identifiers, "name": "Et sted"}


def communication(text: str = "Kan I se på ham?", thread: str = "urn:uuid:1", **more: Any) -> dict[str, Any]:
    """What is written, by somebody who is named inside."""
    extension = {"url": IG + "core/StructureDefinition/medcom-core-practitioner-extension", "valueReference": {"reference": "PractitionerRole/w"}}  # fmt: skip
    return {
        "resourceType": "Communication", "id": str(uuid4()), "identifier": [{"value": thread}], "status": "unknown",
        "category": [{"coding": [{"system": CATEGORIES, "code": "healthcare"}]}], "subject": {"reference": "Patient/p"},
        "topic": {"text": "Opfølgning"}, "payload": [{"extension": [extension], "contentString": text}], **more,
    }  # fmt: skip


WRITER = (
    {
        "resourceType": "PractitionerRole", "id": "w", "practitioner": {"reference": "Practitioner/v"},
        "code": [{"coding": [{"system": "urn:helhed:role", "code": "doctor"}], "text": "Læge"}], "organization": {"reference": "Organization/s"},
    },
    {"resourceType": "Practitioner", "id": "v", "name": [{"family": "Test", "given": ["Vera"]}]},
)  # fmt: skip


def stay(activity: str, status: str, course: str = "urn:uuid:c1", at: datetime = NOW, **more: Any) -> dict[str, Any]:
    """A HospitalNotification."""
    focus = {
        "resourceType": "Encounter", "id": str(uuid4()), "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": "Patient/p"}, "episodeOfCare": [{"identifier": {"system": "urn:s", "value": course}}],
        "period": {"start": (NOW - timedelta(days=1)).isoformat(), **more.pop("period", {})},
        "serviceProvider": {"reference": "Organization/s"},
    }  # fmt: skip
    event = "hospital-notification-message"
    return letter(event=event, activity=activity, focus=focus, receiver=more.pop("receiver", TOWN), at=at, **more)


def report(value: str = "38.70", **more: Any) -> dict[str, Any]:
    """A HomeCareObservation; ``value`` as it is written."""
    result = {
        "resourceType": "Observation", "id": more.pop("observation", "o1"), "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "urn:oid:1.2.208.176.2.1", "code": "NPU08676"}]},
        "effectiveDateTime": "2026-11-23T07:00:00+01:00", "valueQuantity": {"value": float(value), "unit": "°C"},
    }  # fmt: skip
    focus = {
        "resourceType": "DiagnosticReport", "id": more.pop("diagnostic", "d1"), "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": IG + "terminology/CodeSystem/MedComDiagnosticReportCodes", "code": "HomeCareReport"}]},
        "issued": "2026-11-23T08:00:00+01:00", "result": [{"reference": f"Observation/{result['id']}"}], "conclusion": "Feber",
    }  # fmt: skip
    return letter(result, focus=focus, event="homecareobservation-message", sender=more.pop("sender", TOWN), **more)


def envelope(message: dict[str, Any]) -> dict[str, Any]:
    """The same message in another envelope."""
    return {**deepcopy(message), "id": str(uuid4()), "timestamp": (NOW + timedelta(minutes=30)).isoformat()}


def raw(message: dict[str, Any]) -> bytes:
    """Its bytes."""
    return orjson.dumps(message)
