"""The units of a population as registers know them: organisations, each after what it belongs to, then staff and jobs."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from helhed.population.country import Member, Neighbourhood, Unit
from helhed.population.facts import Json, facts
from helhed.population.resources import (
    AUTHORISATION,
    HL7,
    PROVIDER_NUMBER,
    ROLE,
    SOR,
    coding,
    concept,
    human_name,
)

_TITLES = facts("places")["titles"]
_LEVELS = {"region": "govt", "kommune": "govt", "register": "govt", "almen praksis": "prov", "sygehus": "prov"}
_KINDS = {"govt": "Government", "prov": "Healthcare Provider", "dept": "Hospital Department"}
_NAMESPACE = "1000016"
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"
_SINCE = "2015-01-01"


def directory(homes: Iterable[Neighbourhood]) -> Iterator[Json]:
    """Every organisation and everybody who works in these neighbourhoods, once."""
    units: dict[str, Unit] = {}
    for home in homes:
        for unit in (*home.units.values(), *home.clinics):
            units.setdefault(unit.handle, unit)
    yield from _organisations(units.values())
    for unit in units.values():
        for member in unit.staff:
            yield from _member(unit, member)


def _organisations(units: Iterable[Unit]) -> Iterator[Json]:
    told: set[str] = set()
    for unit in units:
        chain = [*reversed(unit.above), (unit.handle, unit.name, unit.kind)]
        parent = ""
        for handle, name, kind in chain:
            if handle not in told:
                told.add(handle)
                yield _organisation(handle, name, kind, parent)
            parent = handle


def _organisation(handle: str, name: str, kind: str, parent: str) -> Json:
    level = _LEVELS.get(kind, "dept" if parent else "prov")
    numbers = [
        {"use": "official", "system": SOR, "value": f"{_number(handle, 8)}{_NAMESPACE}{_number(handle + '/', 3)}"}
    ]
    if kind == "almen praksis":
        numbers.append({"use": "secondary", "system": PROVIDER_NUMBER, "value": f"9{_number(handle, 6)}"})
    found: Json = {
        "resourceType": "Organization",
        "id": handle,
        "identifier": numbers,
        "active": True,
        "type": [{"coding": [coding(HL7 + "organization-type", level, _KINDS[level])], "text": kind}],
        "name": name,
    }
    return found | ({"partOf": {"reference": f"Organization/{parent}"}} if parent else {})


def _number(text: str, digits: int) -> str:
    """Digits that follow from a text; the first is never 0."""
    low = 10 ** (digits - 1)
    return str(low + int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") % (9 * low))


def _authorisation(handle: str) -> str:
    """Seven characters, two more than a real authorisation has."""
    number, letters = int.from_bytes(blake2b(handle.encode(), digest_size=8).digest(), "big"), "Z"
    for _ in range(6):
        number, index = divmod(number, len(_LETTERS))
        letters += _LETTERS[index]
    return letters


def _member(unit: Unit, member: Member) -> Iterator[Json]:
    name = member.reference["reference"].partition("/")[2]
    identifier = {"use": "official", "system": AUTHORISATION, "value": _authorisation(name)}
    title = _TITLES[member.role]
    yield {
        "resourceType": "Practitioner",
        "id": name,
        "identifier": [identifier],
        "active": True,
        "name": [human_name(member.reference["display"])],
        "qualification": [{"identifier": [identifier], "code": {"text": title}}],
    }
    yield {
        "resourceType": "PractitionerRole",
        "id": f"{name}-job",
        "active": True,
        "period": {"start": _SINCE},
        "practitioner": member.reference,
        "organization": unit.reference,
        "code": [concept(title, (ROLE, member.role))],
    }
