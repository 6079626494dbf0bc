"""Two records custodians of a hospital, and a scanner that looks for a marker in everything a database holds."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from helhed.fhir.store.purging import NamedRow, Proposal, Purged, Wish
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection, Target
from helhed.foundation.settings import Settings
from helhed.trust.roles import put_roles
from tests.support.databases import copy_of
from tests.support.world import NOW, World

_COLUMNS = """
select c.oid::regclass::text as name, a.attname, a.atttypid = 'bytea'::regtype as bytes, a.atttypid = 'bytea[]'::regtype as many
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'm') and (c.relnamespace::regnamespace::text in ('foundation', 'fhir', 'registries', 'trust', 'exchange', 'insight', 'portals', 'public'))
order by 1, a.attnum"""


@dataclass
class Custodians:
    """A hospital with two of them."""

    world: World
    hospital: UUID
    one: Ask
    other: Ask

    async def propose(self, *rows: tuple[str, UUID], by: Ask | None = None, **more: Any) -> Proposal:
        """A proposal for these rows."""
        named = tuple(NamedRow(*row) for row in rows)
        wish = Wish(named, "wrong-patient", "2026-1", NOW + timedelta(days=14), **more)
        return await self.world.store.purging.propose(by or self.one, wish)

    async def approve(self, proposal: Proposal, by: Ask | None = None) -> Purged:
        """Its approval."""
        return await self.world.store.purging.approve(by or self.other, proposal.id, proposal.seal)

    async def purge(self, *rows: tuple[str, UUID], **more: Any) -> Proposal:
        """Both."""
        proposal = await self.propose(*rows, **more)
        await self.approve(proposal)
        return proposal


async def custodians(world: World, hospital: UUID) -> Custodians:
    """Two records custodians at work there."""
    await put_roles(world.owner)
    asks = [
        world.professional(await world.employee(hospital, "records-custodian"), hospital, "records-custodian")
        for _ in range(2)
    ]
    return Custodians(world, hospital, *asks)


def planted(marker: str) -> dict[str, Any]:
    """What a row holds that has the marker in every kind of place."""
    return {
        "note": [{"text": f"Skrevet på den forkerte: {marker}"}],
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{marker}</div>'},
        "valueString": marker,
        "issued": "2026-11-21T08:00:00Z",
        "contained": [{"resourceType": "Practitioner", "id": "p", "name": [{"family": marker}]}],
        "performer": [{"reference": "#p"}],
    }


@dataclass
class Ward:
    """A hospital, its custodians, and two citizens: the wrong one and the right one."""

    world: World
    staff: Custodians
    hospital: UUID
    wrong: UUID
    right: UUID
    marker: str

    def content(self, row: UUID | None = None, **more: Any) -> dict[str, Any]:
        """A result on the wrong citizen, with the marker everywhere; ``row`` is its id."""
        own = {} if row is None else {"id": str(row)}
        return {
            "resourceType": "Observation", **own, "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
            "subject": {"reference": f"Patient/{self.wrong}"}, "effectiveDateTime": "2026-11-20T08:00:00Z",
            **planted(self.marker), **more,
        }  # fmt: skip

    def report(self, row: UUID) -> dict[str, Any]:
        """A document that presents the row."""
        return {
            "resourceType": "DiagnosticReport", "status": "final", "code": {"text": "Blodprøve"},
            "conclusion": self.marker, "subject": {"reference": f"Patient/{self.wrong}"},
            "result": [{"reference": f"Observation/{row}"}],
        }  # fmt: skip

    async def planted(self) -> UUID:
        """A row on the wrong citizen, in three versions."""
        system = self.world.system(self.hospital)
        row = await self.world.put(system, self.content(language="da"))
        for status in ("amended", "corrected"):
            await self.world.change(system, row, self.content(row, status=status))
        return row

    async def put(self, resource: dict[str, Any]) -> UUID:
        """What the hospital's system records."""
        return await self.world.put(self.world.system(self.hospital), resource)

    async def found(self) -> set[str]:
        """Where the marker is."""
        return await found_in(self.world.owner, self.marker)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(
    server_target: Target, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, UUID, Custodians]]:
    """A hospital with custodians, which the tests of a module share; each has citizens and a marker of its own."""
    async with copy_of(server_target) as target:
        world = await World.open(target, Settings(data_dir=tmp_path_factory.mktemp("purging"), demo=True))
        hospital = await world.organisation("Sygehus")
        yield world, hospital, await custodians(world, hospital)
        await world.close()


@pytest_asyncio.fixture(loop_scope="module")
async def ward(place: tuple[World, UUID, Custodians]) -> Ward:
    """The wrong citizen and the right one."""
    world, hospital, staff = place
    wrong, right = await world.patient(hospital), await world.patient(hospital)
    return Ward(world, staff, hospital, wrong, right, f"zyx{uuid4().hex[:12]}")


async def found_in(connection: Connection, marker: str) -> set[str]:
    """Every column of every table that holds the marker in some row, as text or in bytes, and the samples PostgreSQL keeps."""
    found = set()
    for table, column, in_bytes, many in await connection.fetch(_COLUMNS):
        as_bytes = f'x."{column}"' if in_bytes else f"array_to_string(x.\"{column}\", '')::bytea" if many else None
        there = (
            f"position($1::text::bytea in {as_bytes}) > 0"
            if as_bytes
            else f'position(lower($1) in lower(x."{column}"::text)) > 0'
        )
        if await connection.fetchval(f"select exists (select from {table} x where {there})", marker):
            found.add(f"{table}.{column}")
    rows = await connection.fetch("select schemaname, tablename, attname, to_jsonb(s)::text as whole from pg_stats s")
    hexadecimal = marker.encode().hex()
    found |= {
        f"statistics of {row['tablename']}.{row['attname']}"
        for row in rows
        if marker.lower() in row["whole"].lower() or hexadecimal in row["whole"]
    }
    return found
