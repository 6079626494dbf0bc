"""Many people at once, put straight into the tables: who they are, what they have, and when."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.definitions import type_definition
from helhed.foundation.database import Connection
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.insight.scheme import scheme

SKS = "urn:oid:1.2.208.176.2.4"
CODES = {"diabetes": "DE119", "copd": "DJ449", "heart": "DI489"}
_CITIZEN = (
    "insert into registries.citizen (key, patient, name, sort_name, birth_date, sex) values ($1, $2, 'x', 'x', $3, $4)"
)
_RESOURCE = """
insert into fhir.resource (bucket, type, ownership, version, id, citizen, origin, date_lo, updated, tokens, digest, body)
values ($1, $2, 1, 1, $3, $4, 1, coalesce($6::date, '-infinity'::date), now(), '{}', '', $5)"""
PLACE = "Læsø Kommune"


@dataclass
class Person:
    """Somebody to be counted."""

    born: date = date(1970, 1, 1)
    sex: str = "female"
    place: str = PLACE
    has: tuple[str, ...] = ()  #: groups of conditions
    vaccinated: bool = False
    seen: str = ""  #: class of a contact in the third quarter of 2026
    patient: UUID = field(default_factory=lambda: new_id(bucket_of(uuid4())))

    @property
    def key(self) -> int:
        """The citizen's key."""
        return key_of(self.patient)


async def put(owner: Connection, people: list[Person]) -> None:
    """Store them."""
    await owner.executemany(_CITIZEN, [(one.key, one.patient, one.born, one.sex) for one in people])
    rows = [row for one in people for row in _rows(one)]
    await owner.executemany(_RESOURCE, rows)


async def falls_ill(owner: Connection, person: Person, *groups: str) -> None:
    """From now on this person has these too."""
    await owner.executemany(_RESOURCE, [_condition(person, group) for group in groups])


def _rows(one: Person) -> list[tuple[object, ...]]:
    home: dict[str, Any] = {
        "resourceType": "Patient",
        "address": [{"use": "old", "district": "Ærø Kommune"}, {"use": "home", "district": one.place}],
    }
    found = [_row("Patient", one, home, one.patient), *(_condition(one, group) for group in one.has)]
    if one.vaccinated:
        vaccine: dict[str, Any] = {
            "resourceType": "Immunization",
            "status": "completed",
            "vaccineCode": _concept("http://www.whocc.no/atc", "J07BB02"),
        }
        found.append(_row("Immunization", one, vaccine, day=date(2026, 10, 5)))
    if one.seen:
        found.append(
            _row(
                "Encounter",
                one,
                {"resourceType": "Encounter", "status": "finished", "class": {"code": one.seen}},
                day=date(2026, 8, 1),
            )
        )
    return found


def _condition(one: Person, group: str) -> tuple[object, ...]:
    return _row("Condition", one, {"resourceType": "Condition", "code": _concept(SKS, CODES[group])})


def _concept(system: str, code: str) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code}]}


def _row(
    name: str, one: Person, body: dict[str, Any], identifier: UUID | None = None, day: date | None = None
) -> tuple[object, ...]:
    own = identifier or new_id(bucket_of(one.patient))
    return bucket_of(own), type_definition(name).number, own, one.key, orjson.dumps(body), day


def definition(**changes: object) -> dict[str, Any]:
    """The scheme in use, with changes."""
    return {**scheme(), **changes}
