"""Types that another room serves instead of the store: ``AuditEvent``, ``Consent``.

They have no rows. The room that serves one says what the asker may see of it; whoever may see nothing of it is answered by
the store, which holds none: nothing is hidden that is not missing, too. So they are found by no include, chain, ``_has`` or
``$everything`` of another type, for anybody.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from helhed.fhir.changes import Change, Version, Written
from helhed.fhir.virtual.wish import Found, Shown, Wish, pick, wish_of
from helhed.foundation.ask import Ask

__all__ = ["Found", "Served", "Shown", "VirtualShape", "Wish", "pick", "wish_of"]


class VirtualShape(NamedTuple):
    """What may be asked of a type that another room serves; the CapabilityStatement says the same."""

    name: str
    parameters: Mapping[str, str]  #: the search parameters that are understood, with FHIR's word for their kind
    writes: frozenset[str] = frozenset()  #: of POST, PUT, DELETE


class Served(Protocol):
    """A room that serves a type. It decides and logs by itself, and answers nothing for what the asker may not see."""

    @property
    def shape(self) -> VirtualShape:
        """What may be asked."""
        ...

    async def versions(self, ask: Ask, identifier: UUID) -> Sequence[Version]:
        """The versions that the asker may see, newest first; none is what the store says of it: it is not here."""
        ...

    async def search(self, ask: Ask, wish: Wish) -> Found | None:
        """A page of what the asker may see; None when the asker can see nothing of this type, whatever the search."""
        ...

    async def change(self, ask: Ask, changes: Sequence[Change]) -> Sequence[Written]:
        """Do all of the changes or none. Raises what the first that is refused is refused for."""
        ...
