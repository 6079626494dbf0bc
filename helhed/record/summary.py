"""The International Patient Summary of one citizen: a document out of what the asker may see, and of nothing else.

http://hl7.org/fhir/uv/ips/. An empty section says *unavailable*, never *none known*: something may be kept elsewhere, or be
hidden from this asker, and a summary must not turn that into the statement that a patient has no allergies.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib import resources
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from helhed.fhir.changes import Version
from helhed.fhir.splice import instant

_REFUSED = frozenset({"entered-in-error", "refuted"})
_WORDS = ("code", "medicationCodeableConcept", "vaccineCode", "title", "device", "type", "category")
_NOTHING = "Ingen oplysninger vises her."
_DATES = (
    "onsetDateTime", "recordedDate", "effectiveDateTime", "occurrenceDateTime", "performedDateTime", "authoredOn", "issued",
)  # fmt: skip


class Document(NamedTuple):
    """Whose summary, for which look, and what it is made of."""

    base: str  #: the absolute URL of ``/fhir``
    patient: Version
    rows: Sequence[Version]  #: of the citizen, newest first
    referred: Sequence[Version]  #: what those refer to
    at: datetime
    trace: UUID  #: of the look: it gives the document its identifier


@cache
def _facts() -> Any:
    return json.loads((resources.files("helhed.record") / "data" / "ips_sections.json").read_text("utf-8"))


def summary_types() -> list[str]:
    """The types of resources a summary is made of."""
    return ["Patient", *dict.fromkeys(name for section in _facts()["sections"] for name in section["types"])]


def document(about: Document) -> bytes:
    """The document Bundle, its clinical entries as their stored bytes."""
    chosen = _chosen(about.rows)
    composition, device = _own_id(about, "Composition"), _own_id(about, "Device")
    author = {
        "resourceType": "Device",
        "id": str(device),
        "deviceName": [{"name": "Helhed", "type": "user-friendly-name"}],
    }
    entries = [
        _made(composition, _composition(about, chosen, composition, device)),
        _stored(about.base, about.patient),
        *(_stored(about.base, version) for version in _once(chosen)),
        *(_stored(about.base, version) for version in about.referred),
        _made(device, author),
    ]
    identifier = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{_own_id(about, 'Bundle')}"}
    return (
        b'{"resourceType":"Bundle","meta":{"profile":["http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"]},'
        b'"identifier":' + orjson.dumps(identifier) + b',"type":"document","timestamp":"' + instant(about.at).encode()
        + b'","entry":[' + b",".join(entries) + b"]}"
    )  # fmt: skip


def shown_in_summary(rows: Sequence[Version]) -> list[Version]:
    """Those of ``rows`` that some section takes."""
    return list(_once(_chosen(rows)))


def _chosen(rows: Sequence[Version]) -> dict[str, list[tuple[Version, dict[str, Any]]]]:
    found: dict[str, list[tuple[Version, dict[str, Any]]]] = {section["key"]: [] for section in _facts()["sections"]}
    for version in rows:
        resource = orjson.loads(version.body)
        for section in _facts()["sections"]:
            if version.type_name in section["types"] and _belongs(section, resource):
                if len(found[section["key"]]) < section["most"]:
                    found[section["key"]].append((version, resource))
                break
    return found


def _once(chosen: dict[str, list[tuple[Version, dict[str, Any]]]]) -> Iterable[Version]:
    return (version for some in chosen.values() for version, _ in some)


def _belongs(section: Any, resource: dict[str, Any]) -> bool:
    if _REFUSED & {*_codes(resource.get("verificationStatus")), resource.get("status")}:
        return False
    if "statuses" in section and resource.get("status") not in {None, *section["statuses"]}:
        return False
    if "clinical" in section:
        # an unspoken clinical status is a current one
        found = _codes(resource.get("clinicalStatus")) or ["active"]
        if not set(found) & set(section["clinical"]):
            return False
    narrowed = {*section.get("categories", ())}, section.get("codes", ())
    if not any(narrowed) or resource["resourceType"] == "DiagnosticReport":
        return True
    kinds = [code for one in resource.get("category", ()) for code in _codes(one)]
    said = [f"{one.get('system', '')}|{one.get('code', '')}" for one in resource.get("code", {}).get("coding", ())]
    return bool(narrowed[0].intersection(kinds)) or any(
        one == code or (code.endswith("|") and one.startswith(code)) for code in narrowed[1] for one in said
    )


def _codes(concept: Any) -> list[str]:
    return [one["code"] for one in (concept or {}).get("coding", ()) if "code" in one]


def _composition(
    about: Document, chosen: dict[str, list[tuple[Version, dict[str, Any]]]], own: UUID, device: UUID
) -> dict[str, Any]:
    facts = _facts()
    sections = [
        _section(about.base, section, chosen[section["key"]])
        for section in facts["sections"]
        if chosen[section["key"]] or section["key"] in facts["required"]
    ]
    return {
        "resourceType": "Composition",
        "id": str(own),
        "meta": {"profile": ["http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips"]},
        "language": "da",
        "text": _narrative(
            ["Patientresumé til brug i det sundhedsfaglige samarbejde. Noget kan være udeladt eller skjult."]
        ),
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "60591-5", "display": "Patient summary Document"}]},
        "subject": {"reference": f"{about.base}/Patient/{about.patient.id}"},
        "date": instant(about.at),
        "author": [{"reference": f"urn:uuid:{device}"}],
        "title": "Internationalt patientresumé",
        "section": sections,
    }


def _section(base: str, section: Any, some: list[tuple[Version, dict[str, Any]]]) -> dict[str, Any]:
    code = {"system": "http://loinc.org", "code": section["loinc"], "display": section["display"]}
    told: dict[str, Any] = {
        "title": section["title"],
        "code": {"coding": [code]},
        "text": _narrative([_line(resource) for _, resource in some] or [_NOTHING]),
    }
    if some:
        told["entry"] = [{"reference": f"{base}/{version.type_name}/{version.id}"} for version, _ in some]
    else:
        told["emptyReason"] = {"coding": [_facts()["empty"]]}
    return told


def _narrative(lines: Sequence[str]) -> dict[str, str]:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    body = f"<ul>{items}</ul>" if len(lines) > 1 else f"<p>{escape(lines[0])}</p>"
    div = f'<div xmlns="http://www.w3.org/1999/xhtml" lang="da" xml:lang="da">{body}</div>'
    return {"status": "generated", "div": div}


def _line(resource: dict[str, Any]) -> str:
    """What, how much, and when, as far as the resource says."""
    what = next((text for name in _WORDS if (text := _text(resource.get(name)))), "")
    quantity = resource.get("valueQuantity", {})
    value = " ".join(str(quantity[part]) for part in ("value", "unit") if part in quantity)
    when = next((str(resource[name])[:10] for name in _DATES if name in resource), "")
    return ", ".join(part for part in (what or "Uden betegnelse", value, when) if part)


def _text(concept: Any) -> str:
    if isinstance(concept, list):
        return _text(concept[0]) if concept else ""
    if isinstance(concept, str):
        return concept
    if not isinstance(concept, dict):
        return ""
    codings = concept.get("coding", ())
    shown = next((one["display"] for one in codings if "display" in one), "")
    return str(
        concept.get("text")
        or shown
        or concept.get("display")
        or next((one["code"] for one in codings if "code" in one), "")
    )


def _own_id(about: Document, part: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{about.base}/summary/{about.trace}/{about.patient.id}/{part}")


def _stored(base: str, version: Version) -> bytes:
    return b'{"fullUrl":"%b/%b/%b","resource":%b}' % (
        base.encode(), version.type_name.encode(), str(version.id).encode(), version.body,
    )  # fmt: skip


def _made(own: UUID, resource: dict[str, Any]) -> bytes:
    return b'{"fullUrl":"urn:uuid:%b","resource":%b}' % (str(own).encode(), orjson.dumps(resource))
