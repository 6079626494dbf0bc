"""What an operation is."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from helhed.api.answers import Answer
from helhed.api.door import Door
from helhed.api.request import Request


class Place(NamedTuple):
    """Where an operation is asked for: the system (nothing), a type, or an instance as the URL names it."""

    type_name: str | None = None
    id: str | None = None

    @property
    def level(self) -> str:
        """system, type or instance."""
        return "system" if self.type_name is None else "type" if self.id is None else "instance"


class Operation(NamedTuple):
    """One operation. ``work`` gets the door, the request and the place, and answers or raises a HelhedError."""

    name: str  #: without the dollar sign
    levels: frozenset[str]  #: of system, type, instance
    types: frozenset[str] | None  #: the types it is for; None for all, and for the system
    definition: str  #: canonical URL of its OperationDefinition
    work: Callable[[Door, Request, Place], Awaitable[Answer]]
    changes: bool = False  #: whether it changes anything, so that it is done by POST only
    post_only: bool = False  #: whether it is given a resource, or what must not stand in an address
    lines: bool = False  #: whether it answers lines of JSON, and no resource
    public: bool = False  #: whether it looks at nobody's data where no instance is named
    by_rows: bool = (
        False  #: whether all that it looks at is decided row by row, so that an ask for one patient may bring it
    )

    def fits(self, place: Place) -> bool:
        """Whether it is offered there."""
        return place.level in self.levels and (place.type_name is None or self.fits_type(place.type_name))

    def fits_type(self, type_name: str) -> bool:
        """Whether it is for that type."""
        return self.types is None or type_name in self.types
