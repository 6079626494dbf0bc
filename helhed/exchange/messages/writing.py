"""Messages that are written here: by staff from the record, and by the network itself. Built as any system would build them, and taken
by the same intake: what is sent from here is held to the same rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.exchange.messages.acknowledging import destination
from helhed.exchange.messages.intake import Intake, Taken
from helhed.exchange.messages.narrating import narrated
from helhed.exchange.messages.rules import (
    ACTIVITIES,
    CARE_COMMUNICATION,
    CATEGORIES,
    ENDPOINT,
    EVENTS,
    IG,
    MESSAGING,
    rules,
)
from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Unprocessable
from helhed.foundation.lend import lend
from helhed.registries.identifiers import CPR, GLN, REPLACEMENT_CPR, SOR

_CORE = IG + "core/StructureDefinition/medcom-core-"
_CARE = IG + "carecommunication/StructureDefinition/medcom-careCommunication-"
_DEFINITION = IG + "messagedefinitions/MessageDefinition/MedComCareCommunicationMessageDefinition|5.0"
_NUMBER = "exchange.location_number(key, clock_timestamp())"
_UNITS = f"select key, id, name, sor, {_NUMBER} from registries.organisation where key = any($1::bigint[])"
_FOUND = f"""select key, id, name, sor, {_NUMBER} from registries.organisation where sor is not null and (sor = $1 or lower(name) = lower($1) or name ilike $2)
  order by (sor = $1 or lower(name) = lower($1)) desc, name limit 12"""
_WRITES = frozenset({"Communication", "Task"})
CATEGORY_CODES = (
    "carecoordination", "discharge", "examination-results", "healthcare", "medicine", "nursing", "regarding-referral", "telemedicine", "training",
    "assistive-devices", "home-care-assessment", "psychiatry-social-disability", "outpatient", "decease", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """A sender or receiver."""

    key: int
    id: UUID
    name: str
    sor: str | None
    gln: str | None = None  #: location number (EAN), its own or that of the nearest unit above it


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a message is about."""

    number: str
    replacement: bool
    name: str


@dataclass(frozen=True, slots=True)
class Written:
    """A CareCommunication as somebody wrote it."""

    topic: str
    text: str
    category: str
    writer: str  #: name
    role: str  #: in words
    phone: str = ""
    thread: str | None = None  #: what it goes on with
    before: str | None = None  #: MessageHeader.id of what it answers
    earlier: Sequence[Mapping[str, Any]] = ()  #: Communications of the thread, oldest first


class Writer:
    """Writes and sends."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def units(self, keys: Sequence[int]) -> dict[int, Unit]:
        """By key."""
        async with lend(self._store.pool) as connection:
            return {row["key"]: Unit(*row) for row in await connection.fetch(_UNITS, list(keys))}

    async def find(self, text: str) -> list[Unit]:
        """Units by SOR code or name; an exact one comes first. Public: organisations are nobody's secret."""
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        async with lend(self._store.pool) as connection:
            return [Unit(*row) for row in await connection.fetch(_FOUND, text, pattern)]

    async def send(self, ask: Ask, sender: Unit, receiver: Unit, person: Person, written: Written) -> Taken:
        """A CareCommunication in the asker's name. Raises Unprocessable when a party has no SOR code."""
        if not sender.sor or not receiver.sor:
            raise Unprocessable("Who writes and who is written to have a SOR code.")
        bundle = care_communication(sender, receiver, person, written, ask.at)
        writing = replace(
            ask, write_types=_WRITES
        )  # this much and no more; whether they may is decided where it is written
        return await Intake(self._store).take(writing, orjson.dumps(bundle), "page")


def care_communication(sender: Unit, receiver: Unit, person: Person, written: Written, at: datetime) -> dict[str, Any]:
    """The Bundle of a CareCommunication."""
    moment, role, writer, subject = at.isoformat(timespec="milliseconds"), str(uuid4()), str(uuid4()), str(uuid4())
    payloads, authors = _earlier(written.earlier, str(sender.id))
    focus: dict[str, Any] = {
        "resourceType": "Communication", "id": str(uuid4()), "meta": {"profile": [_CARE + "communication"]},
        "identifier": [{"value": written.thread or f"urn:uuid:{uuid4()}"}], "status": "unknown",
        "category": [{"coding": [{"system": CATEGORIES, "code": written.category}]}],
        "subject": {"reference": f"Patient/{subject}"}, "topic": {"text": written.topic},
        "payload": [*payloads, {"extension": [*_signed(moment, role, str(sender.id)), *_contact(written.phone)], "contentString": written.text}],
    }  # fmt: skip
    people = [
        {
            "resourceType": "PractitionerRole", "id": role, "meta": {"profile": [_CORE + "practitionerrole"]},
            "practitioner": {"reference": f"Practitioner/{writer}"}, "code": [{"text": written.role or "Sundhedsperson"}], "organization": {"reference": f"Organization/{sender.id}"},
        },
        {"resourceType": "Practitioner", "id": writer, "meta": {"profile": [_CORE + "practitioner"]}, "name": [_name(written.writer)]},
        *authors,
    ]  # fmt: skip
    activity = "reply-message" if written.before else "new-message"
    part = part_key(focus["payload"][-1])
    return message(
        CARE_COMMUNICATION, _CARE, focus, (_patient(subject, person), *people), (sender, receiver), activity, at, before=written.before,
        definition=_DEFINITION, part=part,
    )  # fmt: skip


def message(
    event: str,
    profile: str,
    focus: dict[str, Any],
    resources: Sequence[dict[str, Any]],
    parties: tuple[Unit, Unit],
    activity: str,
    at: datetime,
    *,
    before: str | None = None,
    definition: str | None = None,
    part: str | None = None,
) -> dict[str, Any]:
    """A Bundle with its MessageHeader first and its Provenance."""
    sender, receiver = parties
    header, moment = str(uuid4()), at.isoformat(timespec="milliseconds")
    head: dict[str, Any] = {
        "resourceType": "MessageHeader", "id": header, "meta": {"profile": [profile + "messageHeader"]},
        "eventCoding": {"system": EVENTS, "code": event}, "destination": [destination(receiver.sor or "", str(receiver.id))],
        "sender": {"reference": f"Organization/{sender.id}"}, "source": {"endpoint": ENDPOINT + (sender.sor or "")},
        "focus": [{"reference": f"{focus['resourceType']}/{focus['id']}"}],
    }  # fmt: skip
    if definition:
        head["definition"] = definition
    entries = [
        head, *resources[:1], focus, *resources[1:], *_organisations(parties), *_step(header, activity, moment, str(sender.id), before, part),
    ]  # fmt: skip
    entries = [narrated(one) for one in entries]
    return {
        "resourceType": "Bundle", "id": str(uuid4()), "meta": {"profile": [rules().types[event].profile]}, "type": "message",
        "timestamp": moment, "entry": [{"fullUrl": f"{IG}{one['resourceType']}/{one['id']}", "resource": one} for one in entries],
    }  # fmt: skip


def _step(
    header: str, activity: str, moment: str, agent: str, before: str | None, part: str | None
) -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = {
        "resourceType": "Provenance", "id": str(uuid4()), "meta": {"profile": [MESSAGING + "provenance"]},
        "target": [{"reference": f"MessageHeader/{header}"}], "occurredDateTime": moment, "recorded": moment,
        "activity": {"coding": [{"system": ACTIVITIES, "code": activity}]}, "agent": [{"who": {"reference": f"Organization/{agent}"}}],
    }  # fmt: skip
    if before:
        found["entity"] = [{"role": "revision", "what": {"reference": f"MessageHeader/{before}"}}]
    if part:  # which part of the thread this step wrote
        found["meta"] = {"profile": [_CARE + "provenance"]}
        found["entity"] = [*found.get("entity", ()), {"role": "source", "what": {"identifier": {"value": part}}}]
    yield found


def _organisations(parties: tuple[Unit, Unit]) -> Iterator[dict[str, Any]]:
    for one in {unit.id: unit for unit in parties}.values():
        number = [{"system": GLN, "value": one.gln}] if one.gln else []
        yield {
            "resourceType": "Organization", "id": str(one.id), "meta": {"profile": [MESSAGING + "organization"]},
            "identifier": [*number, {"system": SOR, "value": one.sor}], "name": one.name,
        }  # fmt: skip


def _patient(own: str, person: Person) -> dict[str, Any]:
    system = REPLACEMENT_CPR if person.replacement else CPR
    return {
        "resourceType": "Patient", "id": own, "meta": {"profile": [_CORE + "patient"]},
        "identifier": [{"system": system, "value": person.number}], "name": [{"use": "official", **_name(person.name)}],
    }  # fmt: skip


def _name(whole: str) -> dict[str, Any]:
    *given, family = whole.split() or ["Ukendt"]
    return {"family": family, **({"given": given} if given else {})}


def _signed(moment: str, role: str, assigner: str) -> list[dict[str, Any]]:
    own = {"value": f"urn:uuid:{uuid4()}", "assigner": {"reference": f"Organization/{assigner}"}}
    return [
        {"url": _CORE + "datetime-extension", "valueDateTime": moment},
        {"url": _CORE + "identifier-extension", "valueIdentifier": own},
        {"url": _CORE + "practitioner-extension", "valueReference": {"reference": f"PractitionerRole/{role}"}},
    ]


def _contact(phone: str) -> Iterator[dict[str, Any]]:
    if phone:
        yield {"url": _CORE + "contact-extension", "valueContactPoint": {"system": "phone", "value": phone}}


def _earlier(rows: Sequence[Mapping[str, Any]], sender: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was written before in the thread goes along, each part once, with who wrote it."""
    payloads: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    known: set[str] = set()
    for row in rows:
        inside = {f"#{one['id']}": one for one in row.get("contained", ())}
        names = {text: str(uuid4()) for text in inside}
        fresh = [one for one in row.get("payload", ()) if part_key(one) not in known]
        known.update(map(part_key, fresh))
        payloads += [_readdressed(one, inside, names, sender) for one in fresh]
        people += [
            _readdressed({**one, "id": names[text]}, inside, names, sender) for text, one in inside.items() if fresh
        ]
    return payloads, people


def _readdressed(value: Any, inside: Mapping[str, Any], names: Mapping[str, str], sender: str) -> Any:
    if isinstance(value, list):
        return [_readdressed(one, inside, names, sender) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _readdressed(inner, inside, names, sender) for name, inner in value.items()}
    text = value.get("reference")
    if isinstance(text, str):
        if text in inside:
            found["reference"] = f"{inside[text]['resourceType']}/{names[text]}"
        elif text.startswith("Organization/"):
            found["reference"] = f"Organization/{sender}"
    return found


def part_key(payload: Mapping[str, Any]) -> str:
    """What a part of a thread is called: by its identifier, else by what it says."""
    for one in payload.get("extension", ()):
        if one.get("url") == _CORE + "identifier-extension" and one.get("valueIdentifier", {}).get("value"):
            return str(one["valueIdentifier"]["value"])
    return str(payload.get("contentString") or payload.get("contentAttachment", {}).get("title", ""))


def part_moment(payload: Mapping[str, Any]) -> str:
    """When a part was written, as it says."""
    return next((str(one.get("valueDateTime", "")) for one in payload.get("extension", ()) if one.get("url") == _CORE + "datetime-extension"), "")  # fmt: skip


def part_writer(payload: Mapping[str, Any], inside: Mapping[str, Mapping[str, Any]]) -> str:
    """Who wrote a part: name and role in words, as far as it says."""
    reference = next((one.get("valueReference", {}).get("reference", "") for one in payload.get("extension", ()) if one.get("url") == _CORE + "practitioner-extension"), "")  # fmt: skip
    role = inside.get(reference, {})
    person = inside.get(
        role.get("practitioner", {}).get("reference", ""), role if role.get("resourceType") == "Practitioner" else {}
    )
    name = next(
        (" ".join([*one.get("given", ()), one.get("family", "")]).strip() for one in person.get("name", ())), ""
    )
    concept: Mapping[str, Any] = next(iter(role.get("code", ())), {})
    title = concept.get("text") or next((c.get("display") or "" for c in concept.get("coding", ())), "")
    return ", ".join(filter(None, (name, title)))
