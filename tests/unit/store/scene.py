"""A small piece of a health service: a hospital with a ward, a clinic, one citizen, and people at work."""

import copy
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.parsing import parse_json
from helhed.fhir.transaction import Outcome, transact
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Unknown
from helhed.trust.projections import ROLE_SYSTEM
from tests.support.world import World


class Scene:
    """A ward of a hospital treats a citizen whose clinic is elsewhere; a stranger works in a third place."""

    hospital: UUID
    ward: UUID
    clinic: UUID
    elsewhere: UUID
    patient: UUID
    contact: UUID
    observation: UUID
    doctor: Ask
    gp: Ask
    stranger: Ask

    def __init__(self, world: World) -> None:
        self.world = world

    async def set(self) -> "Scene":
        """Put everybody in place."""
        world = self.world
        self.hospital = await world.organisation("Sygehus")
        self.ward = await world.organisation("Afdeling", self.hospital)
        self.clinic = await world.organisation("Lægehus")
        self.elsewhere = await world.organisation("Andet")
        self.doctor = world.professional(await world.employee(self.ward), self.ward)
        self.gp = world.professional(await world.employee(self.clinic), self.clinic)
        self.stranger = world.professional(await world.employee(self.elsewhere), self.elsewhere)
        chosen = [{"reference": f"Organization/{self.clinic}"}]
        self.patient = await world.patient(self.hospital, "Ånæs", generalPractitioner=chosen, birthDate="1958-03-14")
        self.contact = await world.contact(self.patient, self.ward)
        self.observation = await world.observation(self.patient, self.hospital)
        return self

    async def with_another(self) -> "Scene":
        """The same places and people around a citizen of whom nothing happened yet."""
        own = copy.copy(self)
        chosen = [{"reference": f"Organization/{self.clinic}"}]
        own.patient = await self.world.patient(
            self.hospital, "Ånæs", generalPractitioner=chosen, birthDate="1958-03-14"
        )
        own.contact = await self.world.contact(own.patient, self.ward)
        own.observation = await self.world.observation(own.patient, self.hospital)
        return own

    @property
    def citizen(self) -> Ask:
        """The citizen."""
        return self.world.citizen(self.patient)

    @property
    def custodian(self) -> Ask:
        """The hospital's system."""
        return self.world.system(self.hospital)

    async def reads(self, ask: Ask) -> bool:
        """Whether the ask sees the citizen's result."""
        try:
            await self.world.store.read(ask, "Observation", self.observation)
        except Unknown:
            return False
        return True

    async def employed(self, where: UUID, role: str) -> tuple[Ask, dict[str, Any], UUID]:
        """Somebody whom the hospital employs in a place beneath it: the ask, the job, and the job's id."""
        practitioner = await self.world.put(self.custodian, {"resourceType": "Practitioner"})
        job = {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": f"Practitioner/{practitioner}"},
            "organization": {"reference": f"Organization/{where}"},
            "code": [{"coding": [{"system": ROLE_SYSTEM, "code": role}]}],
        }
        own = await self.world.put(self.custodian, job)
        return self.world.professional(practitioner, where, role), job, own

    def result(self, known: UUID | None = None, **more: Any) -> dict[str, Any]:
        """A result of the citizen as a client sends it; ``known`` is the id of one that is to be changed."""
        own = {} if known is None else {"id": str(known)}
        subject = {"reference": f"Patient/{self.patient}"}
        return {
            "resourceType": "Observation", **own, "status": "final", "code": {"text": "prøve"}, "subject": subject, **more
        }  # fmt: skip


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An entry of a transaction; ``fullUrl`` and what belongs to the request may be given."""
    full_url = {"fullUrl": more.pop("fullUrl")} if "fullUrl" in more else {}
    content = {} if resource is None else {"resource": resource}
    return {**full_url, **content, "request": {"method": method, "url": url, **more}}


async def transaction(world: World, ask: Ask, *entries: dict[str, Any]) -> list[Outcome]:
    """Send a transaction, as its bytes."""
    raw = orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": list(entries)})
    return await transact(world.store, ask, raw, parse_json(raw))
