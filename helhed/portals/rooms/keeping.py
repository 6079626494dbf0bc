"""The national registers behind pages: numbers that are given in person, and links between registrations."""

from collections.abc import Sequence
from uuid import UUID

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Unknown
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.registries.directory import CitizenIdentity, Directory
from helhed.registries.issuing import Issued, Issuing, Newcomer, Searched
from helhed.registries.keeping import SeenLink, keeper_finds, links_seen, note_told
from helhed.registries.linking import Linking
from helhed.registries.regional import find_by_regional_number
from helhed.registries.wrongly_linked import WronglyLinked, acted_while_linked
from helhed.trust.background import national_system
from helhed.work.tasks import task

_SAYS = (
    "To registreringer var lagt sammen ved en fejl og er skilt ad igen. I har {looked} gange set og {wrote} gange skrevet om denne borger,"
    " mens de var én. Gennemgå, om noget er sket på den forkertes oplysninger, og ret det."
)


class PortalKeeping:
    """Searches before numbers are given, gives them, links and parts, and tells the units that acted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._issuing = Issuing(store)
        self._linking = Linking(store.pool)

    async def search(self, ask: Ask, newcomer: Newcomer) -> Searched:
        """Who may be meant, each logged."""
        return await self._issuing.search(ask, newcomer)

    async def issue(self, ask: Ask, newcomer: Newcomer, search: UUID, reason: str, unlike: str) -> Issued:
        """A new citizen with a number."""
        keeper = await national_system(self._store.pool, ask)
        return await self._issuing.issue(ask, keeper, newcomer, search, reason, unlike)

    async def with_regional_number(self, ask: Ask, number: str, limit: int) -> Sequence[CitizenIdentity]:
        """Everybody who has this alias."""
        return await find_by_regional_number(self._store.pool, ask, number, limit)

    async def find(self, ask: Ask, number: str) -> CitizenIdentity | None:
        """Whoever has a number, for a keeper."""
        return await keeper_finds(self._store.pool, ask, number)

    async def links(self, ask: Ask) -> Sequence[SeenLink]:
        """Those that stand, and those that were undone."""
        return await links_seen(self._store.pool, ask)

    async def one(self, ask: Ask, link: UUID) -> SeenLink:
        """One of them. Unknown."""
        found = await links_seen(self._store.pool, ask, link)
        if not found:
            raise Unknown
        return found[0]

    async def link(self, ask: Ask, replaced: UUID, kept: UUID, reason: str) -> None:
        """They are one citizen."""
        await self._linking.link(ask, replaced, kept, reason)

    async def part(self, ask: Ask, link: SeenLink, reason: str) -> None:
        """They are two."""
        await self._linking.unlink(ask, link.replaced, link.kept, reason)

    async def acted(self, ask: Ask, link: SeenLink) -> WronglyLinked:
        """Who looked or wrote while it stood."""
        return await acted_while_linked(self._store.pool, ask, link.replaced, link.kept)

    async def tell(self, ask: Ask, link: SeenLink) -> int:
        """A piece of work for each unit that acted, about each citizen that it acted on; how many were made. Each once."""
        acted, keeper = await self.acted(ask, link), await national_system(self._store.pool, ask)
        counts: dict[tuple[UUID, UUID], list[int]] = {}
        for one in acted.acted:
            if one.organisation is not None and key_of(one.organisation) != keeper.actor:
                for citizen, looked, wrote in (
                    (link.replaced, one.looks_at_replaced, one.writes_on_replaced),
                    (link.kept, one.looks_at_kept, one.writes_on_kept),
                ):
                    if looked or wrote:
                        count = counts.setdefault((one.organisation, citizen), [0, 0])
                        count[0], count[1] = count[0] + looked, count[1] + wrote
        changes = []
        places = await Directory(self._store.pool).organisations([keeper.actor])
        place = places[keeper.actor].id
        async with self._store.session(keeper) as session:
            for (unit, citizen), (looked, wrote) in counts.items():
                own = new_id(bucket_of(citizen))
                if await note_told(session.connection, ask, link.id, unit, citizen, own):
                    said = _SAYS.format(looked=looked, wrote=wrote)
                    body = task(
                        kind="wrongly-linked", requester=f"Organization/{place}", owner=f"Organization/{unit}", authored=ask.at,
                        patient=f"Patient/{citizen}", description=said,
                    )  # fmt: skip
                    changes.append(Change("POST", "Task", body, orjson.dumps(body), own))
            if changes:
                await session.write(changes)
        return len(changes)
