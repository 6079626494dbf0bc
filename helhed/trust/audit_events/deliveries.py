"""An AuditEvent of a source as a row of the log: read strictly, refused by the place where something is wrong."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.indexing.dates import interval
from helhed.foundation.ask import Action, ActorKind, Ask, Purpose
from helhed.foundation.errors import InvalidResource, Issue
from helhed.foundation.ids import key_of, parse_id
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr
from helhed.trust.audit_events import codes
from helhed.trust.policy import document, policy

Json = dict[str, Any]
_LONGEST_ID, _LONGEST_TEXT, _MOST_ENTITIES = 128, 200, 100
_ACTIONS = {"C": Action.CREATE, "R": Action.READ, "U": Action.UPDATE, "D": Action.DELETE, "E": Action.SEARCH}
_PURPOSES = {code: number for number, code in codes.PURPOSES.items()}


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How late is late, and who has how long to mend a gap."""

    late_after: timedelta
    silent_after: timedelta
    mend_within: timedelta
    oldest_years: int
    ahead: timedelta


@cache
def delivery_policy() -> DeliveryPolicy:
    """The policy that this version of the network carries."""
    told = document("deliveries.json")
    return DeliveryPolicy(
        timedelta(hours=told["late_after_hours"]), timedelta(hours=told["silent_after_hours"]),
        timedelta(hours=told["mend_within_hours"]), told["oldest_years"], timedelta(minutes=told["ahead_minutes"]),
    )  # fmt: skip


class _Refused(Exception):
    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path


def row_from(change: Change, ask: Ask, n: int) -> Json:
    """What ``trust.deliver_log`` takes of an event. Raises InvalidResource that names the place."""
    assert change.resource is not None
    try:
        return _row(change.resource, ask, n)
    except _Refused as refused:
        where = f"{change.where or 'AuditEvent'}.{refused.path}"
        raise InvalidResource(issues=[Issue("value", str(refused), where)]) from None


def _row(event: Json, ask: Ask, n: int) -> Json:
    moment = _moment(event, ask.at)
    agent = _requestor(event)
    person = _person(agent)
    place = _place(event, agent, ask)
    return {
        "n": n, "local_id": _local_id(event), "digest": digest_of(event), "moment": moment.isoformat(),
        "organisation": place, **person, "local_actor": _local_key(place, person["local"]), "role": _role(agent),
        "action": int(_action(event)), "permitted": event.get("outcome", "0") == codes.SHOWN,
        "purpose": int(_purpose(event)), "patient": _patient(event), "type": None, "resources": [str(one) for one in _seen(event)],
        "late": ask.at - moment > delivery_policy().late_after,
        "local": {**person["local"], **_told(event, agent)},
    }  # fmt: skip


def digest_of(event: Json) -> str:
    """By which the same event is known again; what the server gives it does not count."""
    own = {name: value for name, value in event.items() if name not in {"meta"}}
    return hashlib.sha256(json.dumps(own, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _extension(element: Mapping[str, Any], name: str) -> Any:
    for one in element.get("extension", ()):
        if one.get("url") == codes.EXTENSION + name:
            return next((value for key, value in one.items() if key.startswith("value")), None)
    return None


def _local_id(event: Json) -> str:
    found = _extension(event, "local-id") or event.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_ID or not found.isprintable():
        raise _Refused("id", "The event has an id of the source's own, of at most 128 printable characters.")
    return found


def _moment(event: Json, now: datetime) -> datetime:
    rules, moment = delivery_policy(), interval(event["recorded"])[0]
    if moment > now + rules.ahead:
        raise _Refused("recorded", "This has not happened yet: look at the source's clock.")
    if moment < now - timedelta(days=366 * rules.oldest_years):
        raise _Refused("recorded", f"The log is kept for {rules.oldest_years} years; this is older.")
    return moment


def _requestor(event: Json) -> Json:
    found = [one for one in event["agent"] if one.get("requestor")]
    if len(found) != 1:
        raise _Refused("agent", "One agent is the one who asked: its requestor is true.")
    return dict(found[0])


def _person(agent: Json) -> Json:
    """Who asked: somebody of the registry, somebody by the source's own name, or a system."""
    who = agent.get("who", {})
    name, _, identifier = str(who.get("reference", "")).rpartition("/")
    parsed = parse_id(identifier)
    own = who.get("identifier", {}).get("value") or agent.get("altId") or ""
    local = {"name": _text(agent.get("name") or who.get("display") or ""), "identifier": _text(own)}
    local = {key: value for key, value in local.items() if value}
    if name in {"Organization", "Device"}:
        return {"kind": int(ActorKind.SYSTEM), "actor": None, "local": local}
    if name not in {"", "Practitioner", "PractitionerRole"}:
        raise _Refused("agent.who", "Who asked is a Practitioner, or a Device or an Organization for a system.")
    if not local and parsed is None:
        raise _Refused("agent.who", "Say who asked: by reference, by an identifier, or at least by name.")
    known = key_of(parsed) if parsed is not None and name == "Practitioner" else None
    return {"kind": int(ActorKind.PROFESSIONAL), "actor": known, "local": local}


def _local_key(place: int, local: Mapping[str, str]) -> int:
    """The same number for the same person of a source's own log. It is nobody's key: those are of registered people."""
    text = f"{place}|{local.get('identifier') or local.get('name', '')}"
    return int.from_bytes(hashlib.sha256(b"person of a local log " + text.encode()).digest()[:8], signed=True)


def _place(event: Json, agent: Json, ask: Ask) -> int:
    told = _extension(agent, "organisation") or event["source"].get("observer", {})
    name, _, identifier = str(told.get("reference", "") if isinstance(told, dict) else "").rpartition("/")
    parsed = parse_id(identifier)
    if name == "Organization" and parsed is not None:
        return key_of(parsed)
    if name == "Organization":
        raise _Refused("source.observer", "This is no Organization of this network.")
    return ask.organisation or ask.actor


def _role(agent: Json) -> str:
    for coding in _codings(agent.get("role", ())):
        if coding.get("system") == codes.ROLE and coding.get("code") in policy().roles:
            return str(coding["code"])
    return ""


def _codings(concepts: Any) -> Iterator[Json]:
    for concept in concepts:
        yield from concept.get("coding", ())


def _action(event: Json) -> Action:
    for coding in event.get("subtype", ()):
        for action, (_, interaction, _) in codes.INTERACTIONS.items():
            if coding.get("system") == codes.REST and coding.get("code") == interaction:
                return Action(action)
    if event.get("action") not in _ACTIONS:
        raise _Refused("action", "Say what was done: C, R, U, D or E.")
    return _ACTIONS[event["action"]]


def _purpose(event: Json) -> Purpose:
    for coding in _codings(event.get("purposeOfEvent", ())):
        if coding.get("code") in _PURPOSES:
            return Purpose(_PURPOSES[coding["code"]])
    return Purpose.TREATMENT


def _patient(event: Json) -> str:
    found = {text for entity in _entities(event) if (text := _patient_named(entity.get("what", {})))}
    if len(found) != 1:
        raise _Refused("entity", "The event is about one patient: by Patient/id, or by CPR number as an identifier.")
    return found.pop()


def _patient_named(what: Json) -> str:
    name, _, identifier = str(what.get("reference", "")).rpartition("/")
    if name == "Patient" and parse_id(identifier):
        return f"Patient/{identifier}"
    own = what.get("identifier", {})
    system, value = own.get("system"), str(own.get("value", ""))
    if system in {CPR, REPLACEMENT_CPR}:
        return f"{system}|{normal_cpr(value)[:20]}"
    return ""


def _entities(event: Json) -> list[Json]:
    found: list[Json] = event.get("entity", [])
    if len(found) > _MOST_ENTITIES:
        raise _Refused("entity", f"An event names at most {_MOST_ENTITIES} entities.")
    return found


def _seen(event: Json) -> Iterator[UUID]:
    for entity in _entities(event):
        name, _, identifier = str(entity.get("what", {}).get("reference", "")).rpartition("/")
        parsed = parse_id(identifier)
        if name in TYPE_NUMBERS and name != "Patient" and parsed is not None:
            yield parsed


def _told(event: Json, agent: Json) -> Json:
    """What the source says beside, in words: kinds of data, role, reason."""
    types = {str(one.get("type", {}).get("code")) for one in _entities(event)} & TYPE_NUMBERS.keys()
    types |= {
        str(one.get("what", {}).get("reference", "")).partition("/")[0] for one in _entities(event)
    } & TYPE_NUMBERS.keys()
    role = next((str(one.get("text")) for one in agent.get("role", ()) if one.get("text")), "")
    reason = next((str(one.get("text")) for one in event.get("purposeOfEvent", ()) if one.get("text")), "")
    told = {"types": sorted(types - {"Patient"}), "role": _text(role), "reason": _text(reason)}
    return {name: value for name, value in told.items() if value}


def _text(text: object) -> str:
    """A source's words on one line: nothing in them starts a line of anybody's log."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())[:_LONGEST_TEXT]
