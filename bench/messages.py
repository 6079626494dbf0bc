"""Messages a second: a CareCommunication in, kept, shared, compared, asked of its receiver, logged and acknowledged in one transaction."""

import random
from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

import orjson

from bench.load import Request, post
from helhed.exchange.messages.writing import Person, Unit, Written, care_communication
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR

_KNOWN = (
    """insert into registries.citizen_identifier (system, value, citizen) values ($1, $2, $3) on conflict do nothing"""
)
_PLACES = "update registries.organisation set sor = $2 where key = $1 and sor is null returning key, id, name, sor"
_OF = "select key, id, name, sor from registries.organisation where key = any($1::bigint[])"
_CITIZENS, _VARIETY = 400, 256


async def parties(owner: Connection, clinics: Sequence[UUID], patients: Sequence[UUID]) -> tuple[list[Unit], list[str]]:
    """The clinics with SOR codes, and numbers of some citizens; both are made where they are missing."""
    for place, one in enumerate(clinics):
        await owner.execute(_PLACES, key_of(one), f"1000016{place:08}")
    rows = await owner.fetch(_OF, [key_of(one) for one in clinics])
    numbers = [f"99{place:08}" for place in range(min(_CITIZENS, len(patients)))]
    for number, patient in zip(numbers, patients, strict=False):
        await owner.execute(_KNOWN, CPR, number, key_of(patient))
    return [Unit(*row) for row in rows], numbers


def messages(units: Sequence[Unit], numbers: Sequence[str], tokens: dict[UUID, str], rng: random.Random) -> Iterator[Request]:  # fmt: skip
    """Each a message of its own: of some that were written, with new names."""
    made = []
    for _ in range(_VARIETY):
        sender, receiver = rng.choice(units), rng.choice(units)
        person = Person(rng.choice(numbers), False, "En Borger")
        written = Written(
            "Opfølgning", "Kan I se patienten i næste uge?", "healthcare", "Vera Test", "Læge", "12345678"
        )
        bundle = care_communication(sender, receiver, person, written, system_clock())
        own = {"MessageHeader", "Communication", "Provenance"}
        resources = [one["resource"] for one in bundle["entry"]]
        names = [bundle["id"], *(one["id"] for one in resources if one["resourceType"] in own)]
        made.append((sender.id, orjson.dumps(bundle), [one.encode() for one in names]))
    while True:
        sender_id, raw, names = rng.choice(made)
        for one in names:
            raw = raw.replace(one, str(uuid4()).encode())
        yield post("/fhir/$process-message", tokens[sender_id], raw)
