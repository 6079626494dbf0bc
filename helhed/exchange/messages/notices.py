"""The message that tells of a stay: MedCom's HospitalNotification, whose content follows from what changed and whom it is for alone.

Two who build it at the same time build the same, to the byte: ids are made of the change. It says no more than the standard asks:
name and number, when and where; no address, and nothing of why. https://medcomfhir.dk/ig/hospitalnotification/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from helhed.exchange.messages.narrating import narrated
from helhed.exchange.messages.rules import (
    ACTIVITIES,
    DESTINATION_USE,
    DESTINATION_USES,
    ENDPOINT,
    EVENTS,
    IG,
    MESSAGING,
    NOTIFICATION,
    REPORT_OF_ADMISSION,
    rules,
)
from helhed.exchange.messages.stays import LEAVE, Step, Told, notifying
from helhed.registries.identifiers import CPR, GLN, SOR

_PROFILE = IG + "hospitalnotification/StructureDefinition/medcom-hospitalNotification-"
_CORE = IG + "core/StructureDefinition/medcom-core-"
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_MOST_BEFORE = 90  #: of earlier steps in the chain: a message has at most 100


@dataclass(frozen=True, slots=True)
class Party:
    """Who tells, or is told."""

    key: int
    id: UUID
    name: str
    sor: str
    gln: str | None
    holds: bool = True  #: whether the citizen is theirs now

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Party":
        """As the database tells it."""
        return cls(said["key"], UUID(said["id"]), said["name"], said["sor"], said["gln"], said.get("holds", True))


@dataclass(frozen=True, slots=True)
class Stay:
    """Whose stay, and by what it is called."""

    id: UUID
    number: str  #: CPR
    name: str
    course: str  #: SOR code of the organisation whose stay it is


def header_of(change: int, stay: UUID, receiver: UUID, place: int) -> str:
    """MessageHeader.id of the message about a change, for a receiver."""
    return str(uuid5(NAMESPACE_URL, f"urn:helhed:stay:{stay}:{change}:{receiver}:{place}"))


def notice(
    stay: Stay, parties: tuple[Party, Party], header: str, step: Step, told: Sequence[Told], at: datetime
) -> dict[str, Any]:
    """The Bundle. ``told``: what the receiver was sent of this stay before, oldest first."""
    sender, receiver = parties
    moment = at.isoformat(timespec="milliseconds")
    resources = [
        _header(header, sender, receiver, stay, step),
        _patient(header, stay, step),
        _encounter(header, stay, sender, step, moment),
        *(_organisation(one) for one in {one.id: one for one in parties}.values()),
        *_steps(header, sender, step, told, moment),
    ]
    resources = [narrated(one) for one in resources]
    return {
        "resourceType": "Bundle", "id": _own(header, "envelope"), "meta": {"profile": [rules().types[NOTIFICATION].profile]},
        "type": "message", "timestamp": moment,
        "entry": [{"fullUrl": f"{IG}{one['resourceType']}/{one['id']}", "resource": one} for one in resources],
    }  # fmt: skip


def _own(header: str, name: str) -> str:
    return str(uuid5(UUID(header), name))


def _header(header: str, sender: Party, receiver: Party, stay: Stay, step: Step) -> dict[str, Any]:
    primary = {"url": DESTINATION_USE, "valueCoding": {"system": DESTINATION_USES, "code": "primary"}}
    found: dict[str, Any] = {
        "resourceType": "MessageHeader", "id": header, "meta": {"profile": [_PROFILE + "messageHeader"]},
        "eventCoding": {"system": EVENTS, "code": NOTIFICATION},
        "destination": [{"extension": [primary], "endpoint": ENDPOINT + receiver.sor, "receiver": {"reference": f"Organization/{receiver.id}"}}],
        "sender": {"reference": f"Organization/{sender.id}"}, "source": {"endpoint": ENDPOINT + sender.sor},
        "focus": [{"reference": f"Encounter/{stay.id}"}],
    }  # fmt: skip
    if step.activity in notifying().reports_asked_for and step.died is None:
        found["extension"] = [{"url": REPORT_OF_ADMISSION, "valueBoolean": True}]
    return found


def _patient(header: str, stay: Stay, step: Step) -> dict[str, Any]:
    *given, family = stay.name.split() or ["Ukendt"]
    return {
        "resourceType": "Patient", "id": _own(header, "patient"), "meta": {"profile": [_CORE + "patient"]},
        "identifier": [{"system": CPR, "value": stay.number}],
        "name": [{"use": "official", "family": family, **({"given": given} if given else {})}],
        **({} if step.died is None else {"deceasedBoolean": step.died}),
    }  # fmt: skip


def _encounter(header: str, stay: Stay, sender: Party, step: Step, moment: str) -> dict[str, Any]:
    state = step.state
    left = state.left or (moment if step.status == "onleave" else "")  # a system that keeps a status alone says no time
    leave = {"start": left, **({"end": state.back} if state.back and step.status != "onleave" else {})}
    return {
        "resourceType": "Encounter", "id": str(stay.id), "meta": {"profile": [_PROFILE + "encounter"]},
        **({"extension": [{"url": LEAVE, "valuePeriod": leave}]} if step.on_leave and left else {}),
        "status": step.status, "class": {"system": _ACT, "code": state.kind},
        "subject": {"reference": f"Patient/{_own(header, 'patient')}"},
        "episodeOfCare": [{"identifier": {"system": ENDPOINT + stay.course, "value": f"urn:uuid:{stay.id}"}}],
        "period": {"start": state.start, **({"end": state.end} if step.ended and state.end else {})},
        "serviceProvider": {"reference": f"Organization/{sender.id}"},
    }  # fmt: skip


def _organisation(one: Party) -> dict[str, Any]:
    number = [{"system": GLN, "value": one.gln}] if one.gln else []
    return {
        "resourceType": "Organization", "id": str(one.id), "meta": {"profile": [MESSAGING + "organization"]},
        "identifier": [{"system": SOR, "value": one.sor}, *number], "name": one.name,
    }  # fmt: skip


def _steps(header: str, sender: Party, step: Step, told: Sequence[Told], moment: str) -> Iterator[dict[str, Any]]:
    """The chain: what this message does, to which one before it; then those before it."""
    entity = ("removal", step.takes_back) if step.takes_back else ("revision", told[-1].header) if told else None
    yield _provenance(_own(header, "step"), header, step.activity, moment, sender, entity)
    recent = list(told)[-_MOST_BEFORE:]
    for place, one in enumerate(recent):
        before = ("revision", recent[place - 1].header) if place else None
        at = one.at.isoformat(timespec="milliseconds")
        yield _provenance(_own(header, f"step {one.header}"), one.header, one.activity, at, sender, before)


def _provenance(
    own: str, header: str, activity: str, moment: str, agent: Party, entity: tuple[str, str] | None
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Provenance", "id": own, "meta": {"profile": [MESSAGING + "provenance"]},
        "target": [{"reference": f"MessageHeader/{header}"}], "occurredDateTime": moment, "recorded": moment,
        "activity": {"coding": [{"system": ACTIVITIES, "code": activity}]}, "agent": [{"who": {"reference": f"Organization/{agent.id}"}}],
    }  # fmt: skip
    if entity:
        found["entity"] = [{"role": entity[0], "what": {"reference": f"MessageHeader/{entity[1]}"}}]
    return found
