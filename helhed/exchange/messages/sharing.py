"""From what was messaged to rows of the record: owned by the citizen, from the sender.

What is about the citizen becomes rows. Who took part (people, their roles, organisations that are not registered here) goes along
inside the rows that name them: a message makes nobody an employee of anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.exchange.messages.envelope import Message, Unfit, sor_of
from helhed.exchange.messages.rules import REPORT_OF_ADMISSION, rules
from helhed.exchange.messages.written import change_parts
from helhed.fhir.changes import Change
from helhed.fhir.definitions import type_definition
from helhed.fhir.indexing.dates import interval
from helhed.foundation.ids import bucket_of, new_id, parse_id
from helhed.work.tasks import kind_of, task

_ENCOUNTER, _TASK = "Encounter", "Task"
_ERROR = "entered-in-error"
_FOLLOW_UP, _REPORT = "follow-up-after-discharge", "admission-report"


class Known(NamedTuple):
    """A row that earlier messages wrote, and how far it has come."""

    id: UUID
    occurred: datetime


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is who here."""

    patient: UUID
    sender: UUID
    receiver: UUID
    organisations: Mapping[str, UUID]  #: by SOR code
    known: Mapping[str, Known]  #: by ``row_key``


@dataclass(slots=True)
class Share:
    """The rows of a message."""

    changes: list[Change] = field(default_factory=list)
    origins: dict[UUID, dict[str, Any]] = field(default_factory=dict)  #: what each row was in the message
    keys: dict[str, UUID] = field(default_factory=dict)  #: by which later messages find it
    tasks: list[UUID] = field(default_factory=list)
    late: bool = False  #: something newer is here already


def row_key(resource: Mapping[str, Any]) -> str:
    """What a later message about the same calls it: a stay by its course of care, everything else by its sender's own id."""
    if resource["resourceType"] == _ENCOUNTER:
        courses = [one.get("identifier", {}) for one in resource.get("episodeOfCare", ())]
        named = sorted(f"{one.get('system', '')}|{one['value'].removeprefix('urn:uuid:')}" for one in courses if one.get("value"))  # fmt: skip
        if named:
            return f"{_ENCOUNTER}|{named[-1]}"
    return f"{resource['resourceType']}/{resource.get('id', '')}"


def shared_resources(message: Message) -> list[dict[str, Any]]:
    """What becomes rows: what says itself that it is about the citizen. Pictures and teams that only others refer to go along inside these."""
    return [
        one
        for one in message.resources
        if one["resourceType"] in rules().shared and any(type_definition(one["resourceType"]).patient_references(one))
    ]


def keys_of(message: Message) -> list[str]:
    """By what its rows may be known already."""
    return [row_key(one) for one in shared_resources(message)]


def share(message: Message, parties: Parties, at: datetime, *, retracted: bool, rows: bool = True) -> Share:
    """The changes that a message asks for. Raises Unfit. ``retracted``: it was taken back before it came. ``rows``: whether it is shared."""
    found = Share()
    bucket = bucket_of(parties.patient)
    resources = shared_resources(message) if rows and message.about is None else []
    addresses = _addresses(message, parties)
    for one in resources:
        known = parties.known.get(row_key(one))
        identifier = known.id if known else new_id(bucket)
        found.keys[row_key(one)] = identifier
        addresses.update(dict.fromkeys(_names(message, one), f"{one['resourceType']}/{identifier}"))
    back = retracted or message.activity == "retract-message"
    for one in resources:
        known = parties.known.get(row_key(one))
        if known and known.occurred > message.occurred:
            found.late = True
            continue
        _add(found, message, one, addresses, known, back=back)
    if not back:
        focus = addresses.get(f"{message.focus['resourceType']}/{message.focus.get('id')}") if message.focus else None
        focus = focus if message.about is None else f"{message.type.focus}/{message.about}"
        for body in _tasks(message, parties, focus, at):
            own = new_id(bucket)
            found.changes.append(Change("POST", _TASK, body, orjson.dumps(body), own, where="Task"))
            found.tasks.append(own)
    return found


def _add(
    found: Share, message: Message, resource: dict[str, Any], addresses: Mapping[str, str], known: Known | None, *, back: bool
) -> None:  # fmt: skip
    identifier = found.keys[row_key(resource)]
    body = localised(resource, message.entries, addresses)
    if back and "status" in body:
        body["status"] = _ERROR
    if known:
        body = {"resourceType": body.pop("resourceType"), "id": str(identifier), **body}
    method = "PUT" if known else "POST"
    where = resource["resourceType"]
    parsed, raw = change_parts(body)
    found.changes.append(Change(method, where, parsed, raw, identifier, where=where))
    if not back:
        found.origins[identifier] = resource


def _addresses(message: Message, parties: Parties) -> dict[str, str]:
    """What each reference of the message reads here."""
    found: dict[str, str] = {}
    for name, one in message.entries.items():
        if one["resourceType"] == "Patient":
            found[name] = f"Patient/{parties.patient}"
        elif one["resourceType"] == "Organization" and (here := parties.organisations.get(sor_of(one))):
            found[name] = f"Organization/{here}"
    return found


def _names(message: Message, resource: dict[str, Any]) -> Iterator[str]:
    return (name for name, one in message.entries.items() if one is resource)


def localised(
    resource: dict[str, Any], entries: Mapping[str, dict[str, Any]], addresses: Mapping[str, str]
) -> dict[str, Any]:
    """A resource with its references as they read here; what it refers to and is no row goes along inside."""
    inside: dict[str, dict[str, Any]] = {}
    taken = {str(one.get("id")) for one in resource.get("contained", ())}

    def written(value: Any) -> Any:
        if isinstance(value, list):
            return [written(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {n: address(v) if n == "reference" and isinstance(v, str) else written(v) for n, v in value.items()}

    def address(text: str) -> str:
        if text in addresses:
            return addresses[text]
        target = entries.get(text)
        if target is None:
            return text
        name = str(target.get("id"))
        if name in taken:
            raise Unfit("Two resources within one have the same id.", resource["resourceType"])
        if name not in inside:
            inside[name] = {}
            bare = {own: inner for own, inner in target.items() if own not in {"text", "meta"}}
            inside[name] = written(bare)
        return "#" + name

    body: dict[str, Any] = written({name: inner for name, inner in resource.items() if name != "id"})
    if inside:
        body["contained"] = [*body.get("contained", ()), *inside.values()]
    return body


def _tasks(message: Message, parties: Parties, focus: str | None, at: datetime) -> Iterator[dict[str, Any]]:
    """What the sender asks to be done, in so many words; else what the family of the message asks for."""
    asked = [one for one in message.resources if one["resourceType"] == _TASK]
    patient, sender = f"Patient/{parties.patient}", f"Organization/{parties.sender}"
    for one in asked:
        owner = _owner(message, one, parties)
        due = one.get("restriction", {}).get("period", {}).get("end")
        text = one.get("description") or one.get("code", {}).get("text", "")
        yield task(
            kind=kind_of(one) or _FOLLOW_UP, requester=sender, owner=f"Organization/{owner}", patient=patient, focus=focus, authored=at,
            due=max(at, interval(due)[1]) if due else None, description=text, urgent=one.get("priority") in {"urgent", "asap", "stat"},
        )  # fmt: skip
    if not asked and asks_for_report(message):
        yield task(
            kind=_REPORT, requester=sender, owner=f"Organization/{parties.receiver}", patient=patient, focus=focus, authored=at,
        )  # fmt: skip
    if not asked and message.type.task:
        text = (message.focus or {}).get("topic", {}).get("text", "")
        urgent = (message.focus or {}).get("priority") in {"urgent", "asap", "stat"}
        yield task(
            kind=message.type.task, requester=sender, owner=f"Organization/{parties.receiver}", patient=patient, focus=focus,
            authored=at, description=text, urgent=urgent,
        )  # fmt: skip


def asks_for_report(message: Message) -> bool:
    """Whether the hospital asks the municipality for its report of admission (indlæggelsesrapport)."""
    header: dict[str, Any] = next(iter(message.resources), {})
    return any(
        one.get("url") == REPORT_OF_ADMISSION and one.get("valueBoolean") is True for one in header.get("extension", ())
    )


def _owner(message: Message, asked: Mapping[str, Any], parties: Parties) -> UUID:
    target = message.entries.get(asked.get("owner", {}).get("reference", ""))
    if target is None:
        return parties.receiver
    here = parties.organisations.get(sor_of(target))
    if here is None:
        raise Unfit("The unit that a piece of work is asked of is not known.", "Task.owner", error="MSG_Receiver_Identifier_UNKNOWN")  # fmt: skip
    return here


def parse_known(told: Mapping[str, Any]) -> dict[str, Known]:
    """As the database tells it."""
    found = {}
    for key, one in told.items():
        identifier = parse_id(one["id"])
        assert identifier is not None
        found[key] = Known(identifier, datetime.fromisoformat(one["occurred"]))
    return found
