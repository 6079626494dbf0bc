"""The parts of a row that a clinician may hide, in words: what each is called and what it says."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from helhed.fhir.masking import present
from helhed.portals.language import Words
from helhed.record.moments import moment
from helhed.record.paths import Json

_LONGEST = 160  #: characters of what a part says
#: properties that say to machines how something is meant
_MEANING = frozenset({"url", "system", "type", "use"})
#: names of things for machines: an address, or a reference by an id
_FOR_MACHINES = re.compile(r"(urn:|https?://)\S*|#\S+|[A-Za-z]+/[0-9a-f-]{36}(/_history/\S+)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
#: what of an object is told, best first
_TELLING = ("text", "display", "name", "title", "value", "valueString", "coding", "reference", "start", "end")
FIELD = "del-"  #: before the name of an element, a field of the form


@dataclass(frozen=True, slots=True)
class PartChoice:
    """An element that can be hidden."""

    field: str
    label: str
    says: str
    chosen: bool


def part_choices(content: Json, chosen: Collection[str], words: Words) -> list[PartChoice]:
    """What can be hidden of a row, in the order of its definition."""
    return [
        PartChoice(FIELD + name, element_label(name, words), _short(values, words), name in chosen)
        for name, values in present(content)
    ]


def element_label(name: str, words: Words) -> str:
    """What an element is called, in words where there are any."""
    bare = [step.removesuffix("[x]") for step in name.split(".")]
    return ": ".join(words.either(f"element.{step}", step) for step in bare)


def listed_elements(names: Iterable[str], words: Words) -> str:
    """Several of them."""
    return words.listed([element_label(name, words) for name in names])


def _short(values: list[Any], words: Words) -> str:
    told = "; ".join(dict.fromkeys(_in_words(text, words) for value in values for text in _told(value)))
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1].rstrip() + "…"


def _in_words(text: str, words: Words) -> str:
    said = moment(text) if _MOMENT.fullmatch(text) else None
    return text if said is None else words.moment(said)


def _told(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "value" in value and "unit" in value:
            yield f"{value['value']} {value['unit']}"
            return
        named = next((value[name] for name in _TELLING if value.get(name)), None)
        for inner in (one for name, one in value.items() if name not in _MEANING) if named is None else [named]:
            yield from _told(inner)
    elif isinstance(value, list):
        for one in value:
            yield from _told(one)
    elif isinstance(value, str):
        if not _FOR_MACHINES.fullmatch(value):
            yield value
    elif not isinstance(value, bool):
        yield str(value)
