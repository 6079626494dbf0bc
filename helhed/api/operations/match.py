"""``Patient/$match``: who is meant, by what is known of them, scored and explained.

http://hl7.org/fhir/R4/patient-operation-match.html. It answers with the identity minimum of the registries, by the
directory basis, like the page where a professional finds a patient: name, sex, birth date and number, whether or not there
is a relation yet, and nothing of the record. Each person returned has it in their log, and the look-ups are counted. A
citizen finds nobody but oneself. Addresses are not in the identity minimum, so they are not compared.
"""

from dataclasses import replace
from datetime import date
from typing import Any

import orjson

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import given
from helhed.api.request import Request
from helhed.fhir.validation import validate
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.errors import BadRequest, Forbidden, InvalidResource, Issue, TooMany
from helhed.registries.directory import CitizenIdentity, Directory
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr
from helhed.registries.matching import Described, Match, matched, plain_words
from helhed.registries.names import human_name
from helhed.registries.regional_systems import is_regional

_NAMES = ("resource", "onlyCertainMatches", "count")
_USUAL, _MOST, _CANDIDATES, _MOST_IDENTIFIERS = 10, 20, 20, 10
_GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
_REASON = "match-reason"  #: an extension of ours: what was compared, and how alike it is
_FULL_DATE = 10


async def _match(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("match", *_NAMES)
    described = _described(asked.resources.get("resource"))
    count, certain = asked.count("count", _USUAL, _MOST), asked.flag("onlyCertainMatches")
    ask = replace(request.ask, purpose=Purpose.DIRECTORY)
    too_many = await door.watch.over_one(ask, "match " + repr(described))
    found = matched(described, await Directory(door.store.pool).match_citizens(ask, described, _CANDIDATES))
    _refuse(request.ask)
    if too_many:
        raise TooMany
    if certain:
        found = [one for one in found if one.grade == "certain"]
        found = found if len(found) == 1 else []
    return Answer(200, _bundle(door.base, found[:count]))


def _refuse(ask: Ask) -> None:
    """Whom the directory told nothing, and wrote an attempt down for. Raises Forbidden."""
    if ask.kind is ActorKind.SYSTEM:
        raise Forbidden("A system does not look people up: it sends what it knows with If-None-Exist.")
    if ask.read_types is not None and "Patient" not in ask.read_types:
        raise Forbidden("This token does not read patients.")


def _described(resource: dict[str, Any] | None) -> Described:
    if resource is None or resource.get("resourceType") != "Patient":
        raise BadRequest("Send the Patient that is looked for, as the parameter resource.")
    if issues := validate(resource):
        raise InvalidResource(issues=issues)
    identifiers = tuple(
        (one["system"], _as_kept(one["system"], one["value"]))
        for one in resource.get("identifier", ())
        if "system" in one and "value" in one
    )[:_MOST_IDENTIFIERS]
    words = plain_words(human_name(resource.get("name", [])))
    text = resource.get("birthDate", "")
    born = date.fromisoformat(text) if len(text) == _FULL_DATE else None
    if not identifiers and len(words) < (1 if born else 2):
        needed = "An identifier, a name with a birth date, or a whole name is needed to tell who is meant."
        raise InvalidResource(issues=[Issue("required", needed, "Patient")])
    return Described(identifiers, words, born, resource.get("gender", ""))


def _as_kept(system: str, value: str) -> str:
    return normal_cpr(value) if system in {CPR, REPLACEMENT_CPR} or is_regional(system) else value


def _bundle(base: str, found: list[Match]) -> bytes:
    entries = [_entry(base, one) for one in found]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return orjson.dumps(bundle | ({"entry": entries} if entries else {}))


def _entry(base: str, one: Match) -> dict[str, Any]:
    reasons = [{"url": what, "valueDecimal": alike} for what, alike in one.reasons]
    search = {
        "extension": [
            {"url": _GRADE, "valueCode": one.grade},
            {"url": f"{base}/StructureDefinition/{_REASON}", "extension": reasons},
        ],
        "mode": "match",
        "score": one.score,
    }
    return {"fullUrl": f"{base}/Patient/{one.citizen.patient}", "resource": _patient(one.citizen), "search": search}


def _patient(citizen: CitizenIdentity) -> dict[str, Any]:
    """The identity minimum as a Patient that says it is not the whole one."""
    subsetted = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    told: dict[str, Any] = {"resourceType": "Patient", "id": str(citizen.patient), "meta": {"tag": [subsetted]}}
    if citizen.cpr:
        system = REPLACEMENT_CPR if citizen.replacement else CPR
        told["identifier"] = [{"system": system, "value": citizen.cpr}]
    if citizen.name:
        told["name"] = [{"text": citizen.name}]
    if citizen.sex:
        told["gender"] = citizen.sex
    if citizen.birth_date:
        told["birthDate"] = citizen.birth_date.isoformat()
    return told | ({"deceasedBoolean": True} if citizen.deceased else {})


MATCH = Operation(
    "match", frozenset({"type"}), frozenset({"Patient"}), "http://hl7.org/fhir/OperationDefinition/Patient-match", _match,
    post_only=True,
)  # fmt: skip
