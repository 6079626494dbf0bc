"""What is left of a generated resource when elements of it are masked: written for reading, from the rule and from nothing of the network's own form of it.

An element goes with every type of its value. So does every text that repeats one that went (whatever its case and accents), the narrative
and, beside a text of a code, nothing else. What is empty then, goes too; what must be there says that it is masked.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from tests.generative.resources import Resource

#: what can be masked in the generated resources: type -> elements
ELEMENTS: dict[str, tuple[str, ...]] = {
    "Observation": (
        "value[x]",
        "component.value[x]",
        "performer",
        "effective[x]",
        "encounter",
        "derivedFrom",
        "component",
        "code.text",
    ),
    "Condition": ("code", "onset[x]", "recordedDate", "encounter", "code.coding.display"),
    "MedicationRequest": ("requester", "authoredOn", "encounter"),
    "DiagnosticReport": ("issued", "result", "effective[x]", "encounter"),
    "Encounter": ("period", "location", "type", "partOf"),
    "List": ("title", "date", "entry"),
}
#: properties whose texts are no words
_NO_WORDS = frozenset(
    {
        "resourceType",
        "id",
        "reference",
        "system",
        "url",
        "code",
        "unit",
        "status",
        "versionId",
        "lastUpdated",
        "profile",
        "mode",
        "comparator",
    }
)
_MOMENT = re.compile(r"\d{4}(-\d\d(-\d\d(T.*)?)?)?")
_REQUIRED = frozenset(
    {
        ("Observation", "code"),
        ("MedicationRequest", "medicationCodeableConcept"),
        ("DiagnosticReport", "code"),
        ("component", "code"),
    }
)
_MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}


def stands_in(resource: Resource, element: str) -> bool:
    """Whether the first step of an element is there."""
    return any(_is(name, element.partition(".")[0]) for name in resource)


def left_of(resource: Resource, elements: frozenset[str]) -> Resource:
    """The resource without these elements."""
    left, taken = resource, list[str]()
    for element in sorted(elements):
        left = _cut(left, element.split("."), resource["resourceType"], taken)
    texts = {_folded(text) for text in taken}
    return _silent({name: value for name, value in left.items() if name != "text"}, texts, resource["resourceType"])


def _cut(value: Resource, steps: list[str], place: str, taken: list[str]) -> Resource:
    left: Resource = {}
    for name, inner in value.items():
        if not _is(name, steps[0]):
            left[name] = inner
        elif len(steps) == 1:
            taken += _words(inner, name)
        else:
            several = inner if isinstance(inner, list) else [inner]
            kept = [one for one in (_cut(each, steps[1:], name, taken) for each in several) if one]
            _put(left, name, (kept if isinstance(inner, list) else kept[0]) if kept else None, place)
    return left


def _is(name: str, step: str) -> bool:
    bare = step.removesuffix("[x]")
    return name == bare or (step != bare and name.startswith(bare) and name[len(bare) : len(bare) + 1].isupper())


def _words(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for own, inner in value.items():
            yield from _words(inner, own)
    elif isinstance(value, list):
        for one in value:
            yield from _words(one, name)
    elif isinstance(value, str) and name not in _NO_WORDS and not _MOMENT.fullmatch(value):
        yield value


def _silent(value: Resource, texts: set[str], place: str) -> Resource:
    left: Resource = {}
    for name, inner in value.items():
        _put(left, name, _quiet(inner, name, texts), place)
    return left


def _quiet(value: Any, name: str, texts: set[str]) -> Any:
    if isinstance(value, dict):
        return _silent(value, texts, name)
    if isinstance(value, list):
        return [one for one in (_quiet(each, name, texts) for each in value) if one not in (None, {}, [])]
    says = isinstance(value, str) and name not in _NO_WORDS and not _MOMENT.fullmatch(value)
    return None if says and any(text in _folded(value) for text in texts) else value


def _put(left: Resource, name: str, value: Any, place: str) -> None:
    if value not in (None, {}, []):
        left[name] = value
    elif (place, name) in _REQUIRED:
        left[name] = _MASKED


def _folded(text: str) -> str:
    kept = {"æ": "\x01", "ø": "\x02", "å": "\x03"}
    lowered = unicodedata.normalize("NFC", text).casefold()
    for letter, mark in kept.items():
        lowered = lowered.replace(letter, mark)
    bare = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return " ".join(bare.split())
