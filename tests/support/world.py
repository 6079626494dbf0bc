"""An open store with helpers that put organisations, people and resources into it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.changes import Change, Page, Written
from helhed.fhir.definitions import type_definition
from helhed.fhir.query import parse_search
from helhed.fhir.store import Store
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.writing import home_bucket
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Connection, Target, connect
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.trust.projections import ROLE_SYSTEM

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECRET = b"0" * 32


class World:
    """A store, an owner's connection beside it, and a clock that stands at ``NOW``."""

    def __init__(self, store: Store, owner: Connection, target: Target, data_dir: Path) -> None:
        self.store = store
        self.owner = owner
        self.target = target
        self.data_dir = data_dir

    @classmethod
    async def open(cls, target: Target, settings: Settings) -> "World":
        """Open everything."""
        store = await Store.open(target, settings, CursorSigner(SECRET), HOOKS)
        return cls(store, await connect(target.owner), target, settings.data_dir)

    async def close(self) -> None:
        """Close everything."""
        await self.store.close()
        await self.owner.close()

    # --- asks -------------------------------------------------------------------------------------------------------

    def system(self, organisation: UUID) -> Ask:
        """The custodian of an organisation."""
        key = key_of(organisation)
        return Ask(ActorKind.SYSTEM, key, key, "system", Purpose.OPERATIONS, "test", None, None, NOW, uuid4())

    def citizen(self, patient: UUID) -> Ask:
        """A citizen."""
        return Ask(ActorKind.CITIZEN, key_of(patient), None, "", Purpose.OWN, "test", None, frozenset(), NOW, uuid4())

    def professional(self, practitioner: UUID, organisation: UUID, role: str = "doctor") -> Ask:
        """Somebody at work."""
        return Ask(
            ActorKind.PROFESSIONAL, key_of(practitioner), key_of(organisation), role, Purpose.TREATMENT, "test",
            None, None, NOW, uuid4(),
        )  # fmt: skip

    # --- people and places ------------------------------------------------------------------------------------------

    async def organisation(self, name: str, part_of: UUID | None = None) -> UUID:
        """An organisation that is its own custodian."""
        identifier = new_id()
        await self.owner.execute("select trust.register_system($1)", key_of(identifier))
        resource: dict[str, Any] = {"resourceType": "Organization", "name": name}
        if part_of is not None:
            resource["partOf"] = {"reference": f"Organization/{part_of}"}
        await self.put(self.system(part_of or identifier), resource, identifier)
        return identifier

    async def employee(
        self, organisation: UUID, role: str = "doctor", practitioner: dict[str, Any] | None = None, **more: Any
    ) -> UUID:
        """A professional with a job; ``practitioner`` says more of who it is."""
        custodian = self.system(organisation)
        resource = {"resourceType": "Practitioner", "name": [{"family": "Test"}], **(practitioner or {})}
        practitioner_id = await self.put(custodian, resource)
        job = {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": f"Practitioner/{practitioner_id}"},
            "organization": {"reference": f"Organization/{organisation}"},
            "code": [{"coding": [{"system": ROLE_SYSTEM, "code": role}]}],
            **more,
        }
        await self.put(custodian, job)
        return practitioner_id

    async def patient(self, organisation: UUID, family: str = "Test", **more: Any) -> UUID:
        """A citizen registered by an organisation."""
        resource = {
            "resourceType": "Patient",
            "name": [{"family": family, "given": ["Ane"]}],
            "gender": "female",
            **more,
        }
        return await self.put(self.system(organisation), resource)

    async def contact(self, patient: UUID, organisation: UUID, status: str = "in-progress", **more: Any) -> UUID:
        """An open contact: a relation of class A."""
        resource = {
            "resourceType": "Encounter",
            "status": status,
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": f"Patient/{patient}"},
            "serviceProvider": {"reference": f"Organization/{organisation}"},
            **more,
        }
        return await self.put(self.system(organisation), resource)

    async def observation(self, patient: UUID, organisation: UUID, code: str = "8867-4", **more: Any) -> UUID:
        """A measurement."""
        resource = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": "2026-11-20T08:00:00Z",
            **more,
        }
        bare = {name: value for name, value in resource.items() if value is not None}
        return await self.put(self.system(organisation), bare)

    async def put(self, ask: Ask, resource: dict[str, Any], identifier: UUID | None = None) -> UUID:
        """Create ``resource``; returns its id."""
        definition = type_definition(resource["resourceType"])
        own = identifier or new_id(home_bucket(definition, resource))
        change = Change("POST", resource["resourceType"], resource, orjson.dumps(resource), own)
        await self.store.commit(ask, [change])
        return own

    async def change(
        self, ask: Ask, identifier: UUID, resource: dict[str, Any], if_match: int | None = None
    ) -> Written:
        """Update a resource."""
        change = Change(
            "PUT", resource["resourceType"], resource, orjson.dumps(resource), identifier, if_match=if_match
        )
        return (await self.store.commit(ask, [change]))[0]

    async def delete(self, ask: Ask, type_name: str, identifier: UUID) -> Written:
        """Delete a resource."""
        return (await self.store.commit(ask, [Change("DELETE", type_name, None, None, identifier)]))[0]

    async def block(self, patient: UUID, who: UUID | None = None, what: UUID | None = None) -> UUID:
        """A block set by the citizen."""
        block = uuid4()
        await self.owner.execute(
            "insert into trust.block (id, citizen, who_organisation, what_organisation, valid_from, set_by, set_at) "
            "values ($1, $2, $3, $4, '-infinity', $2, $5)",
            block, key_of(patient), None if who is None else key_of(who), None if what is None else key_of(what), NOW,
        )  # fmt: skip
        return block

    # --- looks ------------------------------------------------------------------------------------------------------

    async def search(self, ask: Ask, url: str) -> Page:
        """``Type?a=b&c=d``, strictly."""
        type_name, _, text = url.partition("?")
        pairs = [tuple(pair.split("=", 1)) for pair in text.split("&") if pair]
        return await self.store.search(ask, parse_search(type_name, pairs, strict=True))  # type: ignore[arg-type]

    async def found(self, ask: Ask, url: str) -> list[UUID]:
        """Ids of the matches, in order."""
        return [match.id for match in (await self.search(ask, url)).matches]

    async def log(self, patient: UUID) -> list[Any]:
        """The rows of a citizen's log, oldest first."""
        return list(
            await self.owner.fetch(
                "select * from foundation.access_log where citizen = $1 order by id", key_of(patient)
            )
        )


def at(ask: Ask, moment: datetime) -> Ask:
    """The same ask at another moment."""
    return replace(ask, at=moment)


__all__: Sequence[str] = ["NOW", "World", "at", "bucket_of"]
