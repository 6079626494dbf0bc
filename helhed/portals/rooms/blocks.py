"""The citizen's own blocks and consents."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown
from helhed.foundation.lend import lend
from helhed.portals.ports.consents import Block, Consent, Job, Reader, Seen, Shape
from helhed.trust.blocks.shapes import Blocks
from helhed.trust.blocks.simulator import Simulator
from helhed.trust.consents.for_others import ConsentsForOthers, Decided

_CALLED = "select key from registries.professional where name ilike $1 order by name, key limit $2"
_JOBS = """select w.professional, p.name, w.organisation, w.role from trust.workplaces($1::bigint[], $2) w
join registries.professional p on p.key = w.professional order by p.name, w.organisation"""


class PortalBlocks:
    """The citizen's own blocks and consents."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._blocks = Blocks(pool)
        self._simulator = Simulator(pool)
        self._others = ConsentsForOthers(pool)

    async def history(self, ask: Ask) -> list[Block]:
        """All that were ever set."""
        return await self._blocks.history(ask)

    async def of_another(self, ask: Ask, citizen: int) -> Decided:
        """Those of whom the asker acts for."""
        return await self._others.read(ask, citizen)

    async def put(self, ask: Ask, shape: Shape, block: UUID, instead_of: UUID | None) -> None:
        """Sets one."""
        await self._blocks.put(ask, shape, block=block, instead_of=instead_of)

    async def end(self, ask: Ask, block: UUID) -> bool:
        """Ends one."""
        try:
            await self._blocks.end(ask, block)
        except Unknown:
            return False
        return True

    async def consents(self, ask: Ask) -> list[Consent]:
        """All that were ever given."""
        return await self._blocks.consents(ask)

    async def give(
        self,
        ask: Ask,
        consent: UUID,
        until: datetime,
        professional: int | None,
        organisation: int | None,
        block: UUID | None,
    ) -> None:
        """Gives one."""
        await self._blocks.consent(
            ask, until, professional=professional, organisation=organisation, block=block, consent=consent
        )

    async def withdraw(self, ask: Ask, consent: UUID) -> bool:
        """Ends one."""
        try:
            await self._blocks.end_consent(ask, consent)
        except Unknown:
            return False
        return True

    async def tried(
        self, ask: Ask, citizen: int, reader: Reader, types: Sequence[str], shape: Shape | None, without: UUID | None
    ) -> Mapping[UUID, Seen]:
        """The decision's answer."""
        return await self._simulator.tried(ask, citizen, reader, types, shape=shape, without=without)

    async def chosen_clinic(self, ask: Ask) -> int | None:
        """The clinic that the citizen has chosen."""
        async with lend(self._pool) as connection:
            found = await connection.fetchval("select trust.chosen_clinic($1::fhir.ask)", ask_row(ask))
        return None if found is None else int(found)

    async def jobs(self, professionals: Sequence[int], now: datetime) -> list[Job]:
        """Where these work now."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_JOBS, list(professionals), now)
        return [Job(*row) for row in rows]

    async def professionals_called(self, name: str, limit: int) -> list[int]:
        """Professionals by a part of the name: public, as the register of authorisations is."""
        pattern = "%" + name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        async with lend(self._pool) as connection:
            return [row["key"] for row in await connection.fetch(_CALLED, pattern, limit)]
