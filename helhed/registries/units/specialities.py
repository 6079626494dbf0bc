"""Medical specialities as they are called, and their codes (``specialities.json``): written by name, shown by name."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from helhed.fhir.indexing import normalise

SNOMED = "http://snomed.info/sct"


@cache
def _known() -> tuple[Mapping[str, str], ...]:
    return tuple(orjson.loads((files("helhed.registries") / "specialities.json").read_bytes())["specialities"])


def names(language: str) -> list[str]:
    """All of them, for whoever writes one down."""
    return [one[language] for one in _known()]


def by_name(text: str) -> dict[str, Any]:
    """A CodeableConcept: with its code when it is known by that name, else as text."""
    for one in _known():
        if normalise(text) in {normalise(one["da"]), normalise(one["en"])}:
            return {**(by_code(one["snomed"]) if "snomed" in one else {}), "text": one["da"]}
    return {"text": text}


def by_code(code: str) -> dict[str, Any]:
    """A CodeableConcept by a SNOMED CT code."""
    return {"coding": [{"system": SNOMED, "code": code}]}


def told(concepts: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    """What they are called: as they say themselves, else as the list has their code, else by the code."""
    return [text for one in concepts if (text := _told(one, language))]


def _told(concept: Mapping[str, Any], language: str) -> str:
    codings = concept.get("coding", ())
    said = concept.get("text") or next((one["display"] for one in codings if one.get("display")), None)
    codes = [str(one.get("code", "")) for one in codings]
    known = (one[language] for one in _known() if one.get("snomed") in codes)
    return str(said or next(known, None) or next(iter(codes), ""))
