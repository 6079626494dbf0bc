"""How likely it is that two descriptions are of the same person: a score that explains itself.

The weights are data (``matching.json``). http://hl7.org/fhir/R4/patient-operation-match.html
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from functools import cache
from importlib import resources
from typing import Any

from helhed.fhir.indexing import normalise
from helhed.registries.directory import Candidate, CitizenIdentity
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr
from helhed.registries.regional_systems import is_regional

_MOST_WORDS = 12
_PLAIN = {"æ": "ae", "ø": "oe", "å": "aa"}
_DIGITS_APART = 0.7  #: a birth date with two digits exchanged or one mistyped
_MOST_DIGITS_APART = 2


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of somebody who is looked for."""

    identifiers: tuple[tuple[str, str], ...] = ()  #: system and value, numbers without hyphen
    words: tuple[str, ...] = ()  #: of the name, as ``plain_words`` writes them
    born: date | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """Somebody who may be meant. ``grade`` is certain, probable or possible (match-grade of FHIR)."""

    citizen: CitizenIdentity
    score: float
    grade: str
    reasons: tuple[tuple[str, float], ...]  #: what was compared, and how alike it is


@cache
def _policy() -> Any:
    return json.loads((resources.files("helhed.registries") / "matching.json").read_text("utf-8"))


def contradicts() -> float:
    """Below this likeness a thing speaks against two being the same."""
    return float(_policy()["contradicts"])


def plain_words(name: str) -> tuple[str, ...]:
    """The words of a name as they are written without a Danish keyboard: Sørensen and Soerensen are one."""
    words = normalise(name).replace("-", " ").split()[:_MOST_WORDS]
    return tuple(dict.fromkeys("".join(_PLAIN.get(letter, letter) for letter in word) for word in words))


def matched(described: Described, candidates: Sequence[Candidate]) -> list[Match]:
    """Those who are at least possibly meant, the likeliest first."""
    found = [match for one in candidates if (match := _match(described, one)) is not None]
    order = ("certain", "probable", "possible")
    return sorted(found, key=lambda match: (order.index(match.grade), -match.score, match.citizen.key))


def _match(described: Described, candidate: Candidate) -> Match | None:
    policy, citizen = _policy(), candidate.citizen
    reasons = tuple(compared(described, candidate))
    whole = sum(policy["weights"][what] for what, _ in reasons)
    score = round(sum(policy["weights"][what] * alike for what, alike in reasons) / whole, 3) if whole else 0.0
    contradicted = any(alike < policy["contradicts"] for _, alike in reasons)
    if ("identifier", 1.0) in reasons and not contradicted:
        return Match(citizen, score, "certain", reasons)
    grades = policy["grades"]
    if score >= grades["probable"] and {"name", "birthDate"} <= {what for what, _ in reasons} and not contradicted:
        return Match(citizen, score, "probable", reasons)
    return Match(citizen, score, "possible", reasons) if score >= grades["possible"] or candidate.aliased else None


def compared(described: Described, candidate: Candidate) -> list[tuple[str, float]]:
    """What both sides know, and how alike it is. A number that was somebody's before they got a new one is still theirs."""
    reasons, citizen = [], candidate.citizen
    numbers = {normal_cpr(value) for system, value in described.identifiers if system in {CPR, REPLACEMENT_CPR}}
    if numbers and citizen.cpr:
        reasons.append(("identifier", float(candidate.numbered or citizen.cpr in numbers)))
    if candidate.aliased and any(is_regional(system) for system, _ in described.identifiers):
        reasons.append(("regionalNumber", 1.0))
    if described.words and citizen.name:
        reasons.append(("name", names_alike(described.words, plain_words(citizen.name))))
    if described.born and citizen.birth_date:
        reasons.append(("birthDate", _dates_alike(described.born, citizen.birth_date)))
    if described.sex not in {"", "unknown"} and citizen.sex not in {"", "unknown"}:
        reasons.append(("gender", float(described.sex == citizen.sex)))
    return reasons


def names_alike(one: Sequence[str], other: Sequence[str]) -> float:
    """How well the words of the shorter name are found in the longer one, in whatever order."""
    few, many = sorted((one, other), key=len)
    if not few:
        return 0.0
    best = [max(SequenceMatcher(None, word, each).ratio() for each in many) for word in few]
    left_out = 1 - 0.05 * min(len(many) - len(few), 4)  # a middle name more or less says little
    return round(sum(best) / len(best) * left_out, 3)


def _dates_alike(one: date, other: date) -> float:
    if one == other:
        return 1.0
    apart = sum(a != b for a, b in zip(one.isoformat(), other.isoformat(), strict=True))
    swapped = (one.year, one.month, one.day) == (other.year, other.day, other.month)
    return _DIGITS_APART if swapped or apart == 1 or (apart == _MOST_DIGITS_APART and one.year == other.year) else 0.0
