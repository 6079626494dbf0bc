"""A ward with requests of every kind, that remembers what each was told."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from helhed.foundation.errors import HelhedError
from helhed.foundation.ids import key_of
from helhed.trust.blocks.shapes import Blocks
from tests.faults.oracles import Promised
from tests.faults.wire import Fault, Wire
from tests.support.door import Door
from tests.support.world import World


class Ward:
    """A hospital, its doctor, a patient of theirs, and what each of them was told."""

    def __init__(self, world: World, wire: Wire | None = None) -> None:
        self.world, self.wire = world, wire
        self.promised = Promised()
        self.failures: list[int] = []

    async def open(self) -> "Ward":
        world = self.world
        self.hospital = await world.organisation("Sygehus")
        self.doctor = await world.employee(self.hospital)
        self.patient = await world.patient(self.hospital)
        await world.contact(self.patient, self.hospital)
        self.system = Door(world, world.system(self.hospital))
        self.written: list[tuple[str, int]] = []
        await self.create()
        return self

    # --- requests -----------------------------------------------------------------------------------------------------

    def observation(self) -> dict[str, Any]:
        return {
            "resourceType": "Observation",
            "identifier": [{"system": "urn:helhed:test:wire", "value": str(uuid4())}],
            "status": "final",
            "code": {"text": "prøve"},
            "subject": {"reference": f"Patient/{self.patient}"},
            "effectiveDateTime": "2026-11-20T08:00:00Z",
        }

    async def create(self) -> None:
        sent = self.observation()
        status, head, _ = await self.system.do("POST", "/fhir/Observation", sent)
        if self._acknowledged(status, 201):
            identifier = head["location"].split("/Observation/")[1].split("/")[0]
            self._note(identifier, 1, sent)

    async def update(self) -> None:
        identifier, version = self.written[-1]
        sent = {**self.observation(), "id": identifier}
        headers = {"if_match": f'W/"{version}"'}
        status, head, _ = await self.system.do("PUT", f"/fhir/Observation/{identifier}", sent, **headers)
        if self._acknowledged(status, 200):
            self._note(identifier, int(head["etag"].split('"')[1]), sent)
        else:
            self._forget(identifier)  # nobody knows which version it has now

    async def transaction(self) -> None:
        sent = [self.observation() for _ in range(3)]
        names = [f"urn:uuid:{uuid4()}" for _ in sent]
        entries = [
            {"fullUrl": name, "resource": one, "request": {"method": "POST", "url": "Observation"}}
            for name, one in zip(names, sent, strict=True)
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        self.promised.attempted.append([one["identifier"][0]["value"] for one in sent])
        status, _, answer = await self.system.do("POST", "/fhir", bundle)
        if self._acknowledged(status, 200):
            made = [entry["response"]["location"].split("Observation/")[1].split("/")[0] for entry in answer["entry"]]
            self.promised.together.append([UUID(identifier) for identifier in made])
            for identifier, one in zip(made, sent, strict=True):
                self._note(identifier, 1, one)

    async def delete(self) -> None:
        identifier, version = self.written[-1]
        self._forget(identifier)
        status, _, _ = await self.system.do("DELETE", f"/fhir/Observation/{identifier}")
        if self._acknowledged(status, 200, 204):
            self.promised.acknowledged[UUID(identifier), version + 1] = None

    async def read(self) -> None:
        ask = replace(self.world.professional(self.doctor, self.hospital), trace=uuid4())
        identifier, version = self.written[-1]
        status, _, body = await Door(self.world, ask).do("GET", f"/fhir/Observation/{identifier}")
        if self._acknowledged(status, 200):
            assert (body["id"], body["meta"]["versionId"]) == (identifier, str(version))
            self.promised.shown.add((ask.trace, UUID(identifier), version))

    async def search(self) -> None:
        ask = replace(self.world.professional(self.doctor, self.hospital), trace=uuid4())
        query = f"/fhir/Observation?patient={self.patient}&_count=5"
        status, _, body = await Door(self.world, ask).do("GET", query)
        if self._acknowledged(status, 200):
            found = [entry["resource"] for entry in body.get("entry", ())]
            told = {(ask.trace, UUID(one["id"]), int(one["meta"]["versionId"])) for one in found}
            self.promised.shown |= told

    async def forbid(self) -> None:
        """A block that was acknowledged holds for the next request; the wire is well again by then."""
        citizen, blocks = self.world.citizen(self.patient), Blocks(self.world.store.pool)
        try:
            block = await blocks.set(citizen, key_of(self.hospital), None)
        except HelhedError:
            self.failures.append(503)
            await self.world.owner.execute("delete from trust.block")
            return
        if self.wire is not None:
            self.wire.fault = Fault()
        ask = self.world.professional(self.doctor, self.hospital)
        for _ in range(3):
            status, _, _ = await Door(self.world, ask).do("GET", f"/fhir/Observation/{self.written[-1][0]}")
            assert status in {404, 503}, "a citizen's no did not hold"
        await self.world.owner.execute("delete from trust.block where id = $1", block)

    def _acknowledged(self, status: int, *good: int) -> bool:
        if status not in good:
            self.failures.append(status)
        return status in good

    def _forget(self, identifier: str) -> None:
        self.written = [one for one in self.written if one[0] != identifier]

    def _note(self, identifier: str, version: int, content: Any) -> None:
        self.written.append((identifier, version))
        self.promised.acknowledged[UUID(identifier), version] = content
