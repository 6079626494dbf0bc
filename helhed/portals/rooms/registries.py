"""Citizens and organisations as pages ask for them."""

from collections.abc import Sequence
from typing import Any

from helhed.fhir.indexing import normalise
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.portals import ports
from helhed.portals.presenters.matches import identity_shown
from helhed.registries.directory import Directory

_BY_NAME = "select * from registries.find_by_name($1::fhir.ask, $2, $3)"


class PortalRegistries:
    """Citizens and organisations for pages."""

    def __init__(self, directory: Directory, pool: Pool) -> None:
        self._directory = directory
        self._pool = pool

    async def find_citizen(self, ask: Ask, number: str) -> ports.CitizenIdentity | None:
        """By CPR number or replacement number."""
        found = await self._directory.find_by_number(ask, number)
        return None if found is None else identity_shown(found)

    async def find_citizens_by_name(self, ask: Ask, name: str, limit: int) -> list[ports.CitizenIdentity]:
        """By the start of any part of the name."""
        return await self._citizens(_BY_NAME, ask_row(ask), normalise(name).split(), limit)

    async def attempted(self, ask: Ask) -> None:
        """Asking for no name at all finds nobody and leaves the row of an attempt."""
        await self._citizens(_BY_NAME, ask_row(ask), [], 0)

    async def own_identity(self, ask: Ask) -> ports.CitizenIdentity | None:
        """The citizen's own."""
        found = await self._citizens("select * from registries.own_identity($1::fhir.ask)", ask_row(ask))
        return found[0] if found else None

    async def _citizens(self, statement: str, *arguments: Any) -> list[ports.CitizenIdentity]:
        async with lend(self._pool) as connection:
            return [_identity_row(row) for row in await connection.fetch(statement, *arguments)]

    async def organisations(self, keys: Sequence[int]) -> dict[int, ports.Organisation]:
        """By key."""
        return {key: _organisation(one) for key, one in (await self._directory.organisations(keys)).items()}

    async def organisation_tree(self) -> list[ports.Organisation]:
        """All of them, parents first."""
        everything = (await self._directory.organisations()).values()
        return [_organisation(one) for one in sorted(everything, key=lambda one: (len(one.places), one.name))]

    async def professional_names(self, keys: Sequence[int]) -> dict[int, str]:
        """By key."""
        statement = "select key, name from registries.professional where key = any($1::bigint[])"
        async with lend(self._pool) as connection:
            return {row["key"]: row["name"] for row in await connection.fetch(statement, list(keys))}


def _identity_row(row: Any) -> ports.CitizenIdentity:
    return ports.CitizenIdentity(
        row["key"], row["patient"], row["name"], row["cpr"] or "", row["replacement"], row["birth_date"], row["sex"],
        not row["deceased"],
    )  # fmt: skip


def _organisation(one: Any) -> ports.Organisation:
    return ports.Organisation(one.key, one.name, one.kind, one.parent, one.last_received)
