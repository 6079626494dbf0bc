"""A letter as plain sections for a page: rows of head, text, tables, and what was kept word for word. Pure.

Headings are in both languages; texts are the letter's own. Nothing is escaped here: that is the template's work.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from helhed.exchange.legacy import families, texts
from helhed.exchange.legacy.fhir import frame_of, resources
from helhed.exchange.legacy.follow_up import follow_ups
from helhed.exchange.legacy.places import Json
from helhed.exchange.legacy.tables import table


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in both languages."""

    da: str
    en: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the letter: lines of text, or a table. ``columns`` is () where there is none."""

    heading: Heading
    lines: tuple[str, ...] = ()
    columns: tuple[Heading, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The whole letter."""

    title: Heading
    head: tuple[tuple[Heading, str], ...]
    sections: tuple[Section, ...]


def page(bundle: Json) -> Page:
    """The page of a message that ``to_fhir`` made. Raises Unprocessable when its frame cannot be read."""
    found = frame_of(bundle)
    family = families.family(found[0].get("family", "OTHER") if found else "OTHER")
    by_type: dict[str, list[Json]] = {}
    for one in resources(bundle):
        by_type.setdefault(str(one.get("resourceType")), []).append(one)
    sections = [section for make in _SECTIONS for section in make(by_type)]
    asked = follow_ups(bundle)
    if asked:
        rows = tuple((one.text, f"{one.due:%d.%m.%Y}" if one.due else "") for one in asked)
        sections.insert(0, Section(_heading("follow-up"), (), _columns("text", "when"), rows))
    if found and found[1]:
        kept = tuple((one.place, one.text) for one in found[1])
        sections.append(Section(_heading("kept"), (), _columns("place", "text"), kept))
    return Page(Heading(family.danish, family.english), tuple(_head(by_type, bundle)), tuple(sections))


def _head(by_type: dict[str, list[Json]], bundle: Json) -> Iterator[tuple[Heading, str]]:
    header = by_type.get("MessageHeader", [{}])[0]
    urls = {str(entry.get("fullUrl")): entry.get("resource") for entry in bundle.get("entry", [])}
    ends = {"sender": header.get("sender"), "receiver": _first(header.get("destination")).get("receiver")}
    for name, reference in ends.items():
        unit = urls.get(str((reference or {}).get("reference")))
        if isinstance(unit, dict):
            yield _heading(name), _unit(unit)
    for patient in by_type.get("Patient", [])[:1]:
        yield _heading("patient"), _person(patient)
    if bundle.get("timestamp"):
        yield _heading("sent"), _when(bundle["timestamp"])


def _unit(unit: Json) -> str:
    names = [
        unit.get("name"),
        *[
            one.get("valueString")
            for one in _list(unit.get("extension"))
            if str(one.get("url")).endswith((":department", ":unit"))
        ],
    ]
    said = ", ".join(str(name) for name in names if name and name != "_")
    return said or str(_first(unit.get("identifier")).get("value", ""))


def _person(person: Json) -> str:
    name = _first(person.get("name"))
    given = " ".join(str(one) for one in name.get("given", []))
    numbers = [str(one["value"]) for one in _list(person.get("identifier")) if "value" in one]
    return ", ".join(
        one for one in [f"{given} {name.get('family', '')}".strip() or str(name.get("text", "")), *numbers] if one
    )


# --- the sections -----------------------------------------------------------------------------------------------------


def _written(by_type: dict[str, list[Json]]) -> Iterator[Section]:
    for composition in by_type.get("Composition", []):
        for section in _list(composition.get("section")):
            text = section.get("text")
            div = text.get("div", "") if isinstance(text, dict) else ""
            title = section.get("title")
            heading = Heading(str(title), str(title)) if title else _heading("text")
            yield Section(heading, _lines(texts.said(texts.from_xhtml(div))))
    for communication in by_type.get("Communication", []):
        topic = (communication.get("topic") or {}).get("text")
        heading = Heading(topic, topic) if topic else _heading("text")
        for payload in _list(communication.get("payload")):
            yield Section(heading, _lines(str(payload.get("contentString", ""))))


def _stays(by_type: dict[str, list[Json]]) -> Iterator[Section]:
    periods = [one.get("period") or {} for one in by_type.get("Encounter", [])]
    rows = tuple((_when(one.get("start", "")), _when(one.get("end", ""))) for one in periods if one)
    if rows:
        yield Section(_heading("stay"), (), _columns("from", "to"), rows)


def _diagnoses(by_type: dict[str, list[Json]]) -> Iterator[Section]:
    for kind, heading, when in (
        ("Condition", "diagnoses", "recordedDate"),
        ("Procedure", "operations", "performedDateTime"),
    ):
        rows = tuple((*_concept(one.get("code")), _when(one.get(when, ""))) for one in by_type.get(kind, []))
        if rows:
            yield Section(_heading(heading), (), _columns("code", "name", "when"), rows)


def _requests(by_type: dict[str, list[Json]]) -> Iterator[Section]:
    for request in by_type.get("ServiceRequest", []):
        reasons = tuple(_concept(one) for one in _list(request.get("reasonCode")))
        if reasons:
            yield Section(_heading("reasons"), (), _columns("code", "name"), reasons)
        titles = table("referral")["notes"]
        for note in _list(request.get("note")):
            title = titles.get(str(note.get("id")), "")
            yield Section(Heading(title, title) if title else _heading("text"), _lines(str(note.get("text", ""))))


def _results(by_type: dict[str, list[Json]]) -> Iterator[Section]:
    for report in by_type.get("DiagnosticReport", []):
        if report.get("conclusion"):
            yield Section(_heading("text"), _lines(str(report["conclusion"])))
    rows = tuple(_result(one) for one in by_type.get("Observation", []))
    if rows:
        yield Section(
            _heading("results"), (), _columns("name", "value", "reference", "flag", "status", "comment"), rows
        )


def _result(one: Json) -> tuple[str, ...]:
    code = one.get("code") or {}
    name = _first(code.get("coding")).get("display") or _concept(code)[1] or _concept(code)[0]
    flag = _first(_first(one.get("interpretation")).get("coding")).get("code", "")
    notes = "; ".join(str(note.get("text", "")).strip() for note in _list(one.get("note")))
    return (
        str(name),
        _value(one),
        _range(_first(one.get("referenceRange"))),
        str(flag),
        str(one.get("status", "")),
        notes,
    )


def _value(one: Json) -> str:
    quantity = one.get("valueQuantity")
    if not isinstance(quantity, dict):
        return str(one.get("valueString", "")).strip()
    said = f"{quantity.get('comparator', '')} {_number(quantity.get('value'))} {quantity.get('unit', '')}"
    return " ".join(said.split())


def _range(one: Json) -> str:
    low, high = (_number((one.get(end) or {}).get("value")) for end in ("low", "high"))
    return str(one.get("text") or (f"{low}–{high}" if low or high else "")).strip()


def _drugs(by_type: dict[str, list[Json]]) -> Iterator[Section]:
    rows = tuple(_drug(one) for kind in ("MedicationRequest", "MedicationStatement") for one in by_type.get(kind, []))
    if rows:
        yield Section(_heading("drugs"), (), _columns("name", "dosage", "amount", "reason"), rows)


def _drug(one: Json) -> tuple[str, ...]:
    facts = {
        str(each.get("url")).rpartition(":")[2]: str(each.get("valueString", ""))
        for each in _list(one.get("extension"))
    }
    name = " ".join(
        filter(
            None, [_concept(one.get("medicationCodeableConcept"))[1], facts.get("strength"), facts.get("dosage-form")]
        )
    )
    dosage = "; ".join(str(each.get("text", "")) for each in _list(one.get("dosageInstruction") or one.get("dosage")))
    return name, dosage, facts.get("package-size", ""), _concept(_first(one.get("reasonCode")))[1]


def _receipts(by_type: dict[str, list[Json]]) -> Iterator[Section]:
    for outcome in by_type.get("OperationOutcome", []):
        rows = tuple(
            (str(one.get("severity", "")), str(one.get("diagnostics", "")).strip())
            for one in _list(outcome.get("issue"))
        )
        yield Section(_heading("receipt"), (), _columns("status", "text"), rows)


_SECTIONS: tuple[Callable[[dict[str, list[Json]]], Iterator[Section]], ...] = (
    _written, _requests, _results, _drugs, _diagnoses, _stays, _receipts,
)  # fmt: skip


# --- small things -----------------------------------------------------------------------------------------------------


def _heading(name: str) -> Heading:
    return Heading(**table("headings")["headings"][name])


def _columns(*names: str) -> tuple[Heading, ...]:
    return tuple(_heading(name) for name in names)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.rstrip("\n").split("\n"))


def _concept(concept: Any) -> tuple[str, str]:
    concept = concept if isinstance(concept, dict) else {}
    return str(_first(concept.get("coding")).get("code", "")), str(concept.get("text", "")).strip()


def _number(value: Any) -> str:
    return "" if value is None else str(getattr(value, "text", value))


def _when(said: Any) -> str:
    text = str(said)
    return f"{text[8:10]}.{text[5:7]}.{text[:4]} {text[11:16]}".strip() if len(text) >= 10 else text


def _first(value: Any) -> Json:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}


def _list(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
