"""What the pages of organisational units need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.registries.addressing import Route
from helhed.registries.shak import Use
from helhed.registries.units.history import Found, UnitThen
from helhed.registries.units.inheriting import Inherited
from helhed.registries.units.keeping_listings import Listing
from helhed.registries.units.planning import Plan


@dataclass(frozen=True, slots=True)
class Place:
    """A unit that another names."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service that a unit offers."""

    said: Mapping[str, Any]  #: the HealthcareService
    unit: int


@dataclass(frozen=True, slots=True)
class UnitSheet:
    """Everything about a unit on a day, as it is known now."""

    id: UUID
    day: date
    line: Sequence[UnitThen]  #: itself, then those above it
    beneath: Sequence[UnitThen]  #: those directly beneath it
    told: Sequence[tuple[UnitThen, datetime]]  #: all that was ever said of it, and until when each was held true
    inherited: Mapping[str, Inherited]
    plans: Sequence[Plan]
    routes: Sequence[Route]
    services: Sequence[Service]
    listings: Sequence[Listing]  #: its own, also those that begin later
    places: Mapping[int, Place]  #: by key, every unit that is named
    registered_by: int | None
    people: Mapping[int, str]  #: names of those who planned something


class Units(Protocol):
    """``registries``: units found, told and arranged."""

    async def find(self, text: str, day: date, limit: int) -> Sequence[Found]:
        """Units open on a day by parts of words, or by a whole number: SOR, SHAK, ydernummer, GLN."""
        ...

    async def sheet(self, unit: UUID, day: date, now: datetime) -> UnitSheet:
        """Everything about one. Raises Unknown when it was not there on the day."""
        ...

    async def arranges(self, ask: Ask, unit: UUID) -> bool:
        """Whether the asker may arrange it."""
        ...

    async def place_of(self, key: int) -> Place | None:
        """The unit with this key."""
        ...

    async def shak_report(self, ask: Ask, since: date) -> Sequence[Use]:
        """Who of the asker's own part of the hierarchy still sent SHAK since a day; nothing for who arranges nothing."""
        ...

    async def change(self, ask: Ask, unit: UUID, day: date, changes: Mapping[str, Any]) -> str:
        """From a day on these elements are so; answers why not, in one word, or "". So do those that follow."""
        ...

    async def move(self, ask: Ask, unit: UUID, day: date, above: UUID) -> str:
        """From a day on it stands beneath another."""
        ...

    async def close(self, ask: Ask, unit: UUID, day: date, successors: Sequence[UUID]) -> str:
        """From a day on it is closed; several carry on when it is split, one when it is merged into that one."""
        ...

    async def register(self, ask: Ask, above: UUID, resource: Mapping[str, Any]) -> UUID | str:
        """A new unit; its id, or why not."""
        ...

    async def list_for(self, ask: Ask, unit: UUID, day: date, resource: Mapping[str, Any]) -> str:
        """From a day on this Endpoint or HealthcareService is listed for it; answers why not, in one word, or "". So do the next two."""
        ...

    async def end_listing(self, ask: Ask, unit: UUID, listed: UUID, day: date) -> str:
        """From a day on it is listed no longer."""
        ...

    async def withdraw_listing(self, ask: Ask, unit: UUID, listed: UUID) -> str:
        """What lies ahead of it is not to be."""
        ...

    async def withdraw(self, ask: Ask, plan: UUID) -> str:
        """A plan is taken back."""
        ...
