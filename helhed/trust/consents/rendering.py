"""A block or a consent as a ``Consent``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Version
from helhed.fhir.splice import instant
from helhed.fhir.virtual import Shown
from helhed.trust.blocks.shapes import Block, Consent, Shape
from helhed.trust.consents import shape as words
from helhed.trust.consents.moments import written

Json = dict[str, Any]
_NEVER, _ALWAYS = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids behind keys, and the types of rows, as references need them."""

    patient: UUID
    organisations: Mapping[int, UUID]
    professionals: Mapping[int, UUID]
    types: Mapping[UUID, str]

    def organisation(self, key: int) -> str:
        """A reference."""
        return f"Organization/{self.organisations[key]}"

    def professional(self, key: int) -> str:
        """A reference."""
        return f"Practitioner/{self.professionals[key]}"

    def row(self, identifier: UUID) -> str:
        """A reference to a row; by its id alone when it is no longer there."""
        kind = self.types.get(identifier)
        return f"{kind}/{identifier}" if kind else f"urn:uuid:{identifier}"


def of_block(block: Block, ids: Ids) -> list[Version]:
    """Its versions, newest first: as it was set, and once more when it was ended."""
    first = _version(_block(block, ids, "active", 1, block.set_at), block.id, 1, block.set_at)
    if block.ended_at is None:
        return [first]
    return [_version(_block(block, ids, "inactive", 2, block.ended_at), block.id, 2, block.ended_at), first]


def of_consent(consent: Consent, ids: Ids) -> list[Version]:
    """Its one version: a consent that is withdrawn has ended, and its period says when."""
    return [_version(_consent(consent, ids), consent.id, 1, consent.given_at)]


def _version(resource: Json, identifier: UUID, number: int, moment: datetime) -> Version:
    return Version("Consent", identifier, number, moment, orjson.dumps(resource))


def _head(identifier: UUID, ids: Ids, kind: str, status: str, number: int, moment: datetime) -> Json:
    return {
        "resourceType": "Consent",
        "id": str(identifier),
        "meta": {"versionId": str(number), "lastUpdated": instant(moment)},
        "status": status,
        "scope": words.SCOPE,
        "category": [words.CATEGORY],
        "patient": {"reference": f"Patient/{ids.patient}"},
        "policyRule": {"coding": [{"system": words.ACT, "code": words.RULES[kind]}]},
    }


def _block(block: Block, ids: Ids, status: str, number: int, moment: datetime) -> Json:
    shape = block.shape
    resource = _head(block.id, ids, "deny", status, number, moment) | {"dateTime": instant(block.set_at)}
    if shape.shown:
        resource["extension"] = [{"url": words.SHOWN, "valueBoolean": True}]
    if block.replaces is not None:
        resource["sourceReference"] = {"reference": f"Consent/{block.replaces}"}
    provision: Json = {"type": "deny", "actor": list(_actors(shape, ids))}
    provision["period"] = written(shape.valid_from, shape.valid_to)
    provision["dataPeriod"] = written(shape.what_from, shape.what_to)
    if shape.what_document is not None:
        provision["data"] = [{"meaning": words.INSTANCE, "reference": {"reference": ids.row(shape.what_document)}}]
    return resource | {"provision": {name: value for name, value in provision.items() if value}}


def _actors(shape: Shape, ids: Ids) -> list[Json]:
    found = []
    if shape.who_organisation is not None:
        found.append(_actor(words.READER, ids.organisation(shape.who_organisation), alone=shape.who_alone))
    if shape.who_professional is not None:
        found.append(_actor(words.READER, ids.professional(shape.who_professional)))
    if shape.what_organisation is not None:
        found.append(_actor(words.CUSTODIAN, ids.organisation(shape.what_organisation), alone=shape.what_alone))
    if shape.what_author is not None:
        found.append(_actor(words.AUTHOR, ids.professional(shape.what_author)))
    return found


def _actor(role: str, reference: str, *, alone: bool = False) -> Json:
    more = {"extension": [{"url": words.ALONE, "valueBoolean": True}]} if alone else {}
    return {
        **more,
        "role": {"coding": [{"system": words.PARTICIPATION, "code": role}]},
        "reference": {"reference": reference},
    }


def _consent(consent: Consent, ids: Ids) -> Json:
    actors = []
    if consent.organisation is not None:
        actors.append(_actor(words.READER, ids.organisation(consent.organisation)))
    if consent.professional is not None:
        actors.append(_actor(words.READER, ids.professional(consent.professional)))
    provision: Json = {"type": "permit", "period": written(consent.given_at, consent.until), "actor": actors}
    if consent.block is not None:
        lifted = {"reference": f"Consent/{consent.block}"}
        provision["data"] = [{"meaning": words.INSTANCE, "reference": lifted}]
    head = _head(consent.id, ids, "permit", "active", 1, consent.given_at)
    return head | {"dateTime": instant(consent.given_at), "provision": provision}


def shown(version: Version) -> Shown:
    """What a Consent answers to each parameter that it is searched by."""
    resource = orjson.loads(version.body)
    provision = resource["provision"]
    moment = datetime.fromisoformat(resource["dateTime"])
    period = provision.get("period", {})
    return Shown(
        version,
        {
            "_id": [(None, str(version.id))],
            "_lastUpdated": [(version.updated, version.updated)],
            "patient": [resource["patient"]["reference"]],
            "status": [("http://hl7.org/fhir/consent-state-codes", resource["status"])],
            "scope": [_token(resource["scope"])],
            "category": [_token(one) for one in resource["category"]],
            "date": [(moment, moment)],
            "period": [(_bound(period.get("start"), _NEVER), _bound(period.get("end"), _ALWAYS))],
            "actor": [one["reference"]["reference"] for one in provision.get("actor", ())],
            "data": [one["reference"]["reference"] for one in provision.get("data", ())],
        },
        (resource["dateTime"], str(version.id)),
    )


def _token(concept: Json) -> tuple[str, str]:
    coding = concept["coding"][0]
    return coding["system"], coding["code"]


def _bound(text: str | None, otherwise: datetime) -> datetime:
    return datetime.fromisoformat(text) if text else otherwise
