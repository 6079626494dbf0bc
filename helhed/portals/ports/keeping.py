"""Numbers that are given in person, and links between registrations. The shapes are those of ``registries``."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.foundation.errors import Unknown
from helhed.registries.directory import CitizenIdentity as Identity
from helhed.registries.issuing import Issued, Newcomer, Searched
from helhed.registries.keeping import SeenLink
from helhed.registries.wrongly_linked import WronglyLinked


class Keeping(Protocol):
    """``registries``: who is who, for staff who give numbers and for keepers of the directory."""

    async def search(self, ask: Ask, newcomer: Newcomer) -> Searched:
        """Who may be meant, each logged. Forbidden, Unprocessable."""
        ...

    async def issue(self, ask: Ask, newcomer: Newcomer, search: UUID, reason: str, unlike: str) -> Issued:
        """A new citizen with a number. Forbidden, Unprocessable, Conflict, NotSupported."""
        ...

    async def with_regional_number(self, ask: Ask, number: str, limit: int) -> Sequence[Identity]:
        """Everybody who has this old regional number, each logged."""
        ...

    async def find(self, ask: Ask, number: str) -> Identity | None:
        """Whoever has a number, for a keeper of the directory; logged."""
        ...

    async def links(self, ask: Ask) -> Sequence[SeenLink]:
        """The newest links; whoever is named has it in the log."""
        ...

    async def one(self, ask: Ask, link: UUID) -> SeenLink:
        """One link. Unknown."""
        ...

    async def link(self, ask: Ask, replaced: UUID, kept: UUID, reason: str) -> None:
        """They are one citizen. Forbidden, Unprocessable, Conflict."""
        ...

    async def part(self, ask: Ask, link: SeenLink, reason: str) -> None:
        """They are two. Forbidden, Unprocessable, Conflict."""
        ...

    async def acted(self, ask: Ask, link: SeenLink) -> WronglyLinked:
        """Who looked or wrote while it stood. Forbidden, Unknown."""
        ...

    async def tell(self, ask: Ask, link: SeenLink) -> int:
        """A piece of work for each unit that acted; how many are new."""
        ...


class NoKeeping:
    """Pages without the registers: nobody is found."""

    def __getattr__(self, name: str) -> Any:
        async def nothing(*_: Any) -> Any:
            if name in {"links", "with_regional_number"}:
                return []
            if name == "find":
                return None
            raise Unknown

        return nothing
