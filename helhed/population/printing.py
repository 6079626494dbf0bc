"""A record as a clinician would leaf through it, in plain text."""

import base64
from collections.abc import Iterator
from typing import Any

from helhed.population.chart import Written
from helhed.population.facts import Json

_WHEN = ("effectiveDateTime", "occurrenceDateTime", "performedDateTime", "onsetDateTime", "authoredOn", "date", "start", "started", "createdDateTime", "created", "recordedDate", "whenHandedOver", "startDate")  # fmt: skip


def leaf_through(written: list[Written]) -> Iterator[str]:
    """The citizen, then everything by date, one line each; letters in full."""
    yield _patient(written[0].resource)
    for one in sorted(written[1:], key=lambda one: _when(one.resource)):
        resource = one.resource
        kind = resource["resourceType"]
        yield f"{_when(resource)[:16]:16} {kind:18} {_words(resource)}   [{one.source.name}]"
        if kind == "DocumentReference":
            text = base64.b64decode(resource["content"][0]["attachment"]["data"]).decode()
            yield "\n".join(f"{'':20}| {line}" for line in text.splitlines())


def _when(resource: Json) -> str:
    found = next((resource[name] for name in _WHEN if name in resource), "") or resource.get("period", {}).get(
        "start", ""
    )
    return str(found)


def _patient(resource: Json) -> str:
    dead = f", død {resource['deceasedDateTime'][:10]}" if "deceasedDateTime" in resource else ""
    address = resource["address"][0]["text"]
    clinic = resource["generalPractitioner"][0]["display"]
    return f"=== {resource['name'][0]['text']}, {resource['gender']}, født {resource['birthDate']}{dead}, {address}. Læge: {clinic}"


def _words(resource: Json) -> str:
    return ", ".join(text for text in _parts(resource) if text)


def _parts(resource: Json) -> Iterator[str]:
    for name in ("code", "vaccineCode", "medicationCodeableConcept"):
        yield _concept(resource.get(name))
    yield from (_concept(one) for one in resource.get("type", ()) if isinstance(one, dict))
    yield _medicine(resource)
    yield _quantity(resource.get("valueQuantity"))
    yield "/".join(_quantity(part["valueQuantity"]) for part in resource.get("component", ()))
    yield from (str(resource.get(name, "")) for name in ("valueString", "title", "description", "conclusion", "status"))
    yield from (_concept(one) for one in resource.get("reasonCode", ()))
    yield from (one["detail"]["description"] for one in resource.get("activity", ()))
    yield from (one["text"] for one in resource.get("note", ()))
    yield from (one["text"] for one in resource.get("name", ()))
    yield "til " + resource["period"]["end"][:16] if "end" in resource.get("period", {}) else ""


def _medicine(resource: Json) -> str:
    if "dosageInstruction" not in resource:
        return ""
    product = resource["contained"][0]
    dose = resource["dosageInstruction"][0]
    since = dose["timing"]["repeat"]["boundsPeriod"]
    return f"{product['code']['text']} {product['extension'][0]['valueString']}: {dose['text']} ({since['start']}–{since.get('end', '')})"


def _concept(value: Any) -> str:
    if not value:
        return ""
    codes = " ".join(one["code"] for one in value.get("coding", ())[:1])
    return f"{value.get('text', '')} ({codes})" if codes else str(value.get("text", ""))


def _quantity(value: Any) -> str:
    return f"{value['value']} {value.get('unit', '')}" if value else ""
