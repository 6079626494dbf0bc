"""Asking one source about one citizen: who it knows under this number, and what it has of them.

Whatever is about somebody else, in a single row, makes the whole answer one that is not used: a source that is mistaken once about whom
it speaks of may be mistaken in every row.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from helhed.fhir.definitions import type_definition
from helhed.record.live.faults import Fault, SourceFault
from helhed.record.live.rules import rules
from helhed.record.live.talking import Talk, beneath
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr
from helhed.registries.sources import Question

_PAGE = 500
_ID = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.")
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Number:
    """The number a citizen is known by at a source."""

    value: str
    replacement: bool

    @property
    def system(self) -> str:
        """Its system."""
        return REPLACEMENT_CPR if self.replacement else CPR


@dataclass(frozen=True, slots=True)
class Person:
    """One of the keys of a citizen, and a number they are known by under it."""

    citizen: int  #: the key
    patient: UUID  #: here
    number: Number


@dataclass(frozen=True, slots=True)
class Answered:
    """What a source answered: entries of its Bundles as they came, and the id of the citizen there (None: it knows nobody)."""

    patient: str | None
    entries: tuple[dict[str, Any], ...] = ()
    people: tuple[
        Person, ...
    ] = ()  #: of ours, whose numbers the source has for this one: the first is who was asked about


async def ask_about(talk: Talk, people: Sequence[Person], types: Sequence[str]) -> list[Answered]:
    """By each number, one after the other; whom the source has given once already, under another number, is not asked for again, and a
    number that it was seen to have is not told it. Raises SourceFault.
    """
    found: dict[str, list[Person]] = {}
    seen: dict[Number, str] = {}
    for one in people:
        patient = seen.get(one.number)
        if patient is None and (known := await _known_as(talk, one.number)) is not None:
            patient = known[0]
            seen |= dict.fromkeys(known[1], patient)
        if patient is not None:
            found.setdefault(patient, []).append(one)
    return [
        Answered(patient, await _everything(talk, patient, types), tuple(those)) for patient, those in found.items()
    ]


async def ask(talk: Talk, number: Number, types: Sequence[str]) -> Answered:
    """Everything of these types. Raises SourceFault."""
    known = await _known_as(talk, number)
    return Answered(None) if known is None else Answered(known[0], await _everything(talk, known[0], types))


async def _everything(talk: Talk, patient: str, types: Sequence[str]) -> tuple[dict[str, Any], ...]:
    if talk.terms.question is Question.EVERYTHING:
        asked = urlencode({"_type": ",".join([*types, *_NAMED]), "_count": _PAGE}, safe=",")
        url = f"{talk.terms.address}/Patient/{quote(patient, safe='')}/$everything?{asked}"
        return tuple(await _pages(talk, await talk.get(url)))
    gate = asyncio.Semaphore(rules().searches_at_once)
    try:
        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(_search(talk, name, patient, gate)) for name in types]
    except* SourceFault as faults:
        raise _first(faults) from None
    return tuple(entry for part in parts for entry in part.result())


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    found = faults.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


#: those who are named in rows: they tell us who of ours is meant, and stand in no record themselves
_NAMED = ("Practitioner", "PractitionerRole", "Organization")


async def _known_as(talk: Talk, number: Number) -> tuple[str, list[Number]] | None:
    """The id of the one Patient with this number at the source, and all numbers that it has there."""
    form = urlencode({"identifier": f"{number.system}|{number.value}", "_count": 2}).encode()
    found = [one for one in _resources(await talk.search("Patient", form)) if one.get("resourceType") == "Patient"]
    ids = {one.get("id") for one in found}
    if not ids:
        return None
    numbers = [_numbers(one) for one in found]
    if len(ids) > 1 or not all(number in some for some in numbers):
        raise SourceFault(Fault.WRONG_PERSON)
    (identifier,) = ids
    if not is_id(identifier):
        raise SourceFault(Fault.UNREADABLE)
    return str(identifier), numbers[0]


def _numbers(patient: dict[str, Any]) -> list[Number]:
    named = patient.get("identifier")
    return [
        Number(normal_cpr(one["value"]), one["system"] == REPLACEMENT_CPR)
        for one in (named if isinstance(named, list) else ())
        if isinstance(one, dict) and one.get("system") in {CPR, REPLACEMENT_CPR} and isinstance(one.get("value"), str)
    ]


def is_id(value: object) -> bool:
    """Whether it is a FHIR id (http://hl7.org/fhir/R4/datatypes.html#id)."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and set(value) <= _ID


async def _search(talk: Talk, type_name: str, patient: str, gate: asyncio.Semaphore) -> list[dict[str, Any]]:
    parameters = type_definition(type_name).parameters
    name = "patient" if "patient" in parameters else "subject"
    form = urlencode({name: f"Patient/{patient}", "_count": _PAGE}).encode()
    async with gate:
        return await _pages(talk, await talk.search(type_name, form))


async def _pages(talk: Talk, bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of all pages. Raises SourceFault when they go on elsewhere, round in a circle, or too long."""
    found, followed = list(_entries(bundle)), set[str]()
    while (url := _next(bundle)) is not None:
        there = beneath(talk.terms.address, url)
        if there is None:
            raise SourceFault(Fault.SENT_ELSEWHERE)
        if there in followed or len(followed) >= rules().most_pages - 1:
            raise SourceFault(Fault.TOO_LARGE)
        followed.add(there)
        bundle = await talk.get(there)
        found += _entries(bundle)
    return found


def _next(bundle: dict[str, Any]) -> str | None:
    links = bundle.get("link")
    for one in links if isinstance(links, list) else ():
        if isinstance(one, dict) and one.get("relation") == "next":
            url = one.get("url")
            return url if isinstance(url, str) else None
    return None


def _entries(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Raises SourceFault for what is no Bundle of answers."""
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "searchset" or not isinstance(entries, list):
        raise SourceFault(Fault.UNREADABLE)
    if len(entries) > rules().most_rows:
        raise SourceFault(Fault.TOO_LARGE)
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
            raise SourceFault(Fault.UNREADABLE)
        yield entry


def _resources(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in _entries(bundle):
        yield entry["resource"]
