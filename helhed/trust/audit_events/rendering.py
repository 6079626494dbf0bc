"""A row of the log as an AuditEvent: shaped as IHE BALP has it, a denied look by a profile of this network."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Version
from helhed.fhir.splice import instant
from helhed.foundation.ask import Action, ActorKind
from helhed.trust.audit_events import codes
from helhed.trust.audit_events.shape import event_id
from helhed.trust.log.reader import Look

Json = dict[str, Any]
_NETWORK = {"display": "Helhed"}
#: looks that are no interaction of FHIR's
_LOOKS = frozenset({Action.LOOKUP, Action.OVERVIEW, Action.OWN_LOG})


def rendered(look: Look) -> Version:
    """The AuditEvent of a row. It has one version: what is logged is never changed."""
    identifier = event_id(look.id)
    action = codes.action_code(look.action)
    system, code = codes.subtype(look.action)
    resource: Json = {
        "resourceType": "AuditEvent",
        "id": str(identifier),
        "meta": {"versionId": "1", "lastUpdated": instant(look.at), "profile": [_profile(look)]},
        "extension": _extensions(look),
        "type": {"system": codes.EVENT_TYPE, "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": system, "code": code}],
        "action": action,
        "recorded": instant(look.moment),
        "outcome": codes.SHOWN if look.permitted else codes.DENIED,
        "purposeOfEvent": [{"coding": [_purpose(look)]}],
        "agent": [_agent(look), *_principal(look), _client(look)],
        "source": _source(look),
        "entity": _entities(look),
    }
    if not look.permitted:
        resource["outcomeDesc"] = "Denied: nothing was shown"
    return Version(
        "AuditEvent", identifier, 1, look.at, orjson.dumps({k: v for k, v in resource.items() if v not in ([], None)})
    )


def _profile(look: Look) -> str:
    if not look.permitted:
        return codes.DENIAL
    named = codes.INTERACTIONS.get(look.action)
    if named is not None:
        return f"{codes.BALP}IHE.BasicAudit.{named[2]}"
    return f"{codes.BALP}IHE.BasicAudit.PatientQuery" if look.action in _LOOKS else codes.EXTENSION + "act"


def _extensions(look: Look) -> list[Json]:
    found: list[Json] = []
    if look.basis is not None:
        found.append(_extension("basis", valueCoding={"system": codes.BASIS, "code": codes.BASES[look.basis]}))
    if look.as_other:
        found.append(_extension("as-other", valueBoolean=True))
    if look.source is not None:
        found.append(_extension("delivered", valueInstant=instant(look.at)))
        found.append(_extension("local-id", valueString=look.local_id))
        if look.local.get("late"):
            found.append(_extension("late", valueBoolean=True))
    return found


def _extension(name: str, **value: Any) -> Json:
    return {"url": codes.EXTENSION + name, **value}


def _purpose(look: Look) -> Json:
    return {"system": codes.REASON, "code": codes.PURPOSES.get(look.purpose, "HOPERAT")}


def _agent(look: Look) -> Json:
    kind = codes.KINDS[look.kind]
    told: Json = {
        "type": {"coding": [{"system": codes.DICOM, "code": "110153", "display": "Source Role ID"}]},
        "requestor": True,
    }
    identifier = look.actor_id or (look.organisation_id if look.kind == ActorKind.SYSTEM else None)
    if look.pseudonym:
        told["who"] = {"identifier": {"system": codes.EXTENSION + "withheld", "value": look.pseudonym}}
        told["name"] = look.pseudonym
    elif identifier is not None:
        told["who"] = {"reference": f"{kind}/{identifier}"}
    if look.actor_name:
        told["name"] = look.actor_name
    elif look.kind == ActorKind.SYSTEM and look.organisation_name:
        told["name"] = look.organisation_name
    if look.role:
        told["role"] = [{"coding": [{"system": codes.ROLE, "code": look.role}]}]
    if look.organisation_id is not None:
        told["extension"] = [_extension("organisation", valueReference=_organisation(look))]
    return told


def _principal(look: Look) -> list[Json]:
    if not look.principal_name:
        return []
    return [
        {"type": {"coding": [{"system": codes.EXTENSION + "agent", "code": "principal"}]}, "name": look.principal_name, "requestor": False}
    ]  # fmt: skip


def _client(look: Look) -> Json:
    kind = {"coding": [{"system": codes.DICOM, "code": "110150", "display": "Application"}]}
    named = {"name": look.client_name} if look.client_name else {}
    return {"type": kind, "who": {"display": look.client}, **named, "requestor": False}


def _organisation(look: Look) -> Json:
    told: Json = {"reference": f"Organization/{look.organisation_id}"}
    return {**told, "display": look.organisation_name} if look.organisation_name else told


def _source(look: Look) -> Json:
    observer: Mapping[str, Any] = _NETWORK
    if look.source_id is not None:
        observer = {"reference": f"Organization/{look.source_id}", "display": look.source_name or ""}
    return {
        "observer": dict(observer),
        "type": [{"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4"}],
    }


def _entities(look: Look) -> list[Json]:
    found = [] if look.citizen_id is None else [_entity("Patient", look.citizen_id, "1", "1")]
    found += [_entity(name, one, "2", "4") for name, one in look.seen if one != look.citizen_id]
    trace = {
        "what": {"identifier": {"value": str(look.trace)}},
        "type": {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId"},
    }
    return [*found, trace]


def _entity(name: str, identifier: UUID, kind: str, role: str) -> Json:
    return {
        "what": {"reference": f"{name}/{identifier}"},
        "type": {"system": codes.ENTITY_TYPE, "code": kind}
        if name == "Patient"
        else {"system": codes.RESOURCE_TYPE, "code": name},
        "role": {"system": codes.ENTITY_ROLE, "code": role},
    }
