"""The store a bench runs on: many actors, citizens and resources, written by the real write path.

It is kept between runs in ``.bench/`` and topped up when more is asked for.
"""

import asyncio
import gc
import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any
from uuid import UUID, uuid4

import orjson
import uvloop

from helhed.commands.importing import owner_pool
from helhed.fhir.changes import Change
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Pool, Target, connect, read_secret
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.trust.projections import ROLE_SYSTEM

CLINICS = 200
ACTORS = 1000
PER_CITIZEN = 100
CODES = [f"NPU{19000 + n}" for n in range(50)]
NPU = "urn:oid:1.2.208.176.2.1"
START = datetime(2020, 1, 1, tzinfo=UTC)
_LANES = 2
_SHARES = 40
_BUNDLE_CITIZENS = 5


@dataclass(slots=True)
class Population:
    """Who and what the bench draws from."""

    clinics: list[UUID] = field(default_factory=list)
    staff: dict[int, list[UUID]] = field(default_factory=dict)  #: by clinic key
    citizens: list[tuple[UUID, int]] = field(default_factory=list)  #: (patient, clinic key)


def system_ask(clinic: UUID) -> Ask:
    """The custodian of a clinic."""
    key = key_of(clinic)
    return Ask(
        ActorKind.SYSTEM, key, key, "system", Purpose.OPERATIONS, "bench", None, None, datetime.now(UTC), uuid4()
    )


def create(resource: dict[str, Any], identifier: UUID) -> Change:
    """A create with a known id."""
    return Change("POST", resource["resourceType"], resource, orjson.dumps(resource), identifier)


async def build(settings: Settings, target: Target, resources: int) -> Population:
    """A population of about ``resources`` resources; what an earlier run stored is used again."""
    pool = await owner_pool(target, _LANES + 1)
    try:
        sessions = Sessions(pool, HOOKS, CursorSigner(read_secret(settings.data_dir)))
        population = await _existing(pool)
        if not population.clinics:
            await _organisations(pool, sessions, population)
        missing = resources // PER_CITIZEN - len(population.citizens)
        if missing > 0:
            await asyncio.to_thread(_citizens, settings, target, population.clinics, missing)
            await _settle(target)
            population = await _existing(pool)
        return population
    finally:
        await pool.close()


async def _existing(pool: Pool) -> Population:
    population = Population()
    for row in await pool.fetch("select id from registries.organisation where kind = 'bench' order by id"):
        population.clinics.append(row["id"])
    statement = (
        "select p.id, e.organisation from trust.employment e join registries.professional p on p.key = e.professional"
    )
    for row in await pool.fetch(statement):
        population.staff.setdefault(row["organisation"], []).append(row["id"])
    statement = "select c.patient, r.organisation from registries.citizen c join trust.relation r on r.citizen = c.key and r.class = 3"
    population.citizens = [(row["patient"], row["organisation"]) for row in await pool.fetch(statement)]
    return population


async def _organisations(pool: Pool, sessions: Sessions, population: Population) -> None:
    for number in range(CLINICS):
        clinic = new_id()
        await pool.execute("select trust.register_system($1)", key_of(clinic))
        staff = [new_id() for _ in range(ACTORS // CLINICS)]
        async with sessions.begin(system_ask(clinic)) as session:
            await session.write([create(one, identifier) for one, identifier in _clinic(number, clinic, staff)])
        population.clinics.append(clinic)
        population.staff[key_of(clinic)] = staff


def _clinic(number: int, clinic: UUID, staff: list[UUID]) -> Iterator[tuple[dict[str, Any], UUID]]:
    kind = [{"coding": [{"system": "urn:helhed:bench", "code": "bench"}]}]
    yield {"resourceType": "Organization", "name": f"Bench {number}", "type": kind}, clinic
    for member, one in enumerate(staff):
        yield {"resourceType": "Practitioner", "name": [{"family": f"Test {number}-{member}"}]}, one
        job = {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": f"Practitioner/{one}"},
            "organization": {"reference": f"Organization/{clinic}"},
            "code": [{"coding": [{"system": ROLE_SYSTEM, "code": "doctor"}]}],
        }
        yield job, new_id()


def _citizens(settings: Settings, target: Target, clinics: list[UUID], count: int) -> None:
    """Store ``count`` citizens, spread over processes."""
    shares = [count // _SHARES + (1 if share < count % _SHARES else 0) for share in range(_SHARES)]
    secret = read_secret(settings.data_dir)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as processes:
        done = 0
        work = [processes.submit(_share, target.owner, secret, clinics, share) for share in shares if share]
        for one in as_completed(work):
            done += one.result()
            print(f"  storing citizens: {done * 100 // count} %", flush=True)


def _share(owner: dict[str, Any], secret: bytes, clinics: list[UUID], count: int) -> int:
    gc.disable()
    return uvloop.run(_store(Target(owner, owner), secret, clinics, count))


async def _store(target: Target, secret: bytes, clinics: list[UUID], count: int) -> int:
    pool = await owner_pool(target, _LANES)
    sessions = Sessions(pool, HOOKS, CursorSigner(secret))
    work = iter([min(_BUNDLE_CITIZENS, count - start) for start in range(0, count, _BUNDLE_CITIZENS)])

    async def lane() -> None:
        for some in work:
            clinic = random.choice(clinics)
            patients = [new_id() for _ in range(some)]
            async with sessions.begin(system_ask(clinic)) as session:
                await session.write([change for patient in patients for change in citizen_changes(patient, clinic)])

    await asyncio.gather(*(lane() for _ in range(_LANES)))
    await pool.close()
    return count


def citizen_changes(patient: UUID, clinic: UUID) -> Iterator[Change]:
    """A citizen of a clinic and what was measured."""
    resource = {
        "resourceType": "Patient",
        "name": [{"family": "Test", "given": ["Bench"]}],
        "gender": random.choice(["male", "female"]),
        "birthDate": f"{random.randrange(1930, 2020)}-01-01",
        "generalPractitioner": [{"reference": f"Organization/{clinic}"}],
    }
    yield create(resource, patient)
    for _ in range(PER_CITIZEN - 1):
        yield create(observation(patient), new_id(bucket_of(patient)))


def observation(patient: UUID) -> dict[str, Any]:
    """A laboratory result of ordinary size, about 900 bytes."""
    code = random.choice(CODES)
    when = START + timedelta(minutes=random.randrange(3_600_000))
    value = round(random.uniform(1, 200), 1)
    return {
        "resourceType": "Observation",
        "identifier": [{"system": "urn:helhed:bench:lab", "value": str(uuid4())}],
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                        "display": "Laboratory",
                    }
                ]
            }
        ],
        "code": {
            "coding": [{"system": NPU, "code": code, "display": f"P-Måling {code}; stofk. = ? mmol/L"}],
            "text": code,
        },
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": when.isoformat(),
        "issued": (when + timedelta(hours=2)).isoformat(),
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "referenceRange": [{"low": {"value": 10, "unit": "mmol/L"}, "high": {"value": 100, "unit": "mmol/L"}}],
        "note": [{"text": "Prøven er taget fastende og analyseret samme dag på laboratoriet."}],
    }


async def _settle(target: Target) -> None:
    owner = await connect(target.owner)
    await owner.execute("vacuum (analyze)")
    await owner.execute("checkpoint")
    await owner.close()
