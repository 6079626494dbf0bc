"""Building what a message is acknowledged with: MedCom Acknowledgement, whose content depends on the message and its outcome alone.

AA is ``ok``, AE ``transient-error`` (not yet: send it again), AR ``fatal-error``. The first and the last are final.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson

from helhed.exchange.messages.envelope import Message
from helhed.exchange.messages.rules import (
    ACKNOWLEDGEMENT,
    ACTIVITIES,
    DESTINATION_USE,
    DESTINATION_USES,
    ENDPOINT,
    ERRORS,
    EVENTS,
    IG,
    MESSAGING,
    rules,
)
from helhed.registries.identifiers import SOR

OK, TRANSIENT, FATAL = "ok", "transient-error", "fatal-error"
_PROFILE = IG + "acknowledgement/StructureDefinition/medcom-messaging-acknowledgementHeader"
_OUTCOME = IG + "acknowledgement/StructureDefinition/medcom-acknowledgement-operationoutcome"
_GLN = "https://www.gs1.org/gln"


def acknowledgement(
    message: Message, own: UUID, envelope: UUID, at: datetime, code: str, *, error: str = "", sentence: str = ""
) -> dict[str, Any]:
    """The acknowledgement of ``message``, which is called ``own`` here, from its receiver to its sender."""
    header, sender, receiver, outcome = (str(uuid5(own, name)) for name in ("header", "to", "from", "outcome"))
    moment = at.isoformat(timespec="milliseconds")
    response: dict[str, Any] = {"identifier": message.header, "code": code}
    entries = [
        _entry({
            "resourceType": "MessageHeader", "id": header, "meta": {"profile": [_PROFILE]},
            "eventCoding": {"system": EVENTS, "code": ACKNOWLEDGEMENT},
            "destination": [destination(message.sender, sender)],
            "sender": {"reference": f"Organization/{receiver}"},
            "source": {"endpoint": ENDPOINT + (message.receiver or "unknown")},
            "response": response,
        }),
        _provenance(str(uuid5(own, "step")), header, receiver, moment, message.header),
        _organisation(sender, message.sender, message.entries),
        _organisation(receiver, message.receiver, message.entries),
    ]  # fmt: skip
    if code != OK:
        response["details"] = {"reference": f"OperationOutcome/{outcome}"}
        entries.append(_entry(_problem(outcome, code, error, sentence)))
    profile = rules().types[ACKNOWLEDGEMENT].profile
    return {
        "resourceType": "Bundle", "id": str(envelope), "meta": {"profile": [profile]}, "type": "message", "timestamp": moment,
        "entry": entries,
    }  # fmt: skip


def again(ack: bytes, envelope: UUID, at: datetime) -> bytes:
    """The same acknowledgement in a new envelope: everything but its id and its time of sending is what it was."""
    bundle = orjson.loads(ack)
    return orjson.dumps({**bundle, "id": str(envelope), "timestamp": at.isoformat(timespec="milliseconds")})


def destination(sor: str, organisation: str) -> dict[str, Any]:
    """MessageHeader.destination of the one it is for."""
    use = {"system": DESTINATION_USES, "code": "primary"}
    return {
        "extension": [{"url": DESTINATION_USE, "valueCoding": use}],
        "endpoint": ENDPOINT + sor,
        "receiver": {"reference": f"Organization/{organisation}"},
    }


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"{IG}{resource['resourceType']}/{resource['id']}", "resource": resource}


def _provenance(own: str, header: str, agent: str, moment: str, before: str) -> dict[str, Any]:
    return _entry({
        "resourceType": "Provenance", "id": own, "meta": {"profile": [MESSAGING + "provenance"]},
        "target": [{"reference": f"MessageHeader/{header}"}], "occurredDateTime": moment, "recorded": moment,
        "activity": {"coding": [{"system": ACTIVITIES, "code": "acknowledgement"}]},
        "agent": [{"who": {"reference": f"Organization/{agent}"}}],
        "entity": [{"role": "revision", "what": {"reference": f"MessageHeader/{before}"}}],
    })  # fmt: skip


def _organisation(own: str, sor: str, entries: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """As the message said who it is."""
    known = next(
        (one for one in entries.values() if one["resourceType"] == "Organization" and any(
            i.get("system") == SOR and i.get("value") == sor for i in one.get("identifier", ()))), {},
    )  # fmt: skip
    identifiers = known.get("identifier") or [{"system": SOR, "value": sor or "unknown"}]
    resource = {
        "resourceType": "Organization", "id": own, "meta": {"profile": [MESSAGING + "organization"]},
        "identifier": identifiers, "name": known.get("name") or "unknown",
    }  # fmt: skip
    return _entry(resource)


def _problem(own: str, code: str, error: str, sentence: str) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": "error", "code": "transient" if code == TRANSIENT else "processing",
        "details": {"coding": [{"system": ERRORS, "code": error or "MSG_VALUESET_VALUE_UNKNOWN"}]},
    }  # fmt: skip
    if sentence:
        issue["diagnostics"] = sentence
    return {"resourceType": "OperationOutcome", "id": own, "meta": {"profile": [_OUTCOME]}, "issue": [issue]}
