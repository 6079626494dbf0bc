"""Apps that ask for access, and those that have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.portals.authentication import Authentication


@dataclass(frozen=True, slots=True)
class DataScope:
    """One thing an app may do with one type of data."""

    text: str  #: as the app asked for it
    type_name: str  #: "*" is every type
    letters: str  #: of cruds: create, read, update, delete, search


@dataclass(frozen=True, slots=True)
class AppRequest:
    """What an app asks of whoever is logged in."""

    handle: str
    app: str  #: its name, as the operator or its maker registered it
    goes_to: str  #: scheme and host of where the answer goes
    scopes: Sequence[DataScope]
    tells_who: bool  #: it asks who somebody is
    lasts: timedelta
    offline: bool  #: also while nobody uses it
    wants_patient: bool
    for_one: bool  #: a professional's, that will see nobody but that patient
    patient: UUID | None  #: whom it was opened with
    broken: bool  #: it was opened with a patient in a way that does not hold: nobody is asked
    log_in_holds: bool  #: False when it asks for a log-in that is younger


@dataclass(frozen=True, slots=True)
class AppInUse:
    """An app with access."""

    id: UUID
    name: str
    scopes: Sequence[DataScope]
    tells_who: bool
    begun_at: datetime
    used_at: datetime
    valid_to: datetime


@dataclass(frozen=True, slots=True)
class OpenableApp:
    """An app that can be opened from a record."""

    id: str
    name: str
    goes_to: str  #: scheme and host of where it is


class AppNotKnown(Exception):
    """The request cannot be shown to anybody, nor answered where it came from. Its text says why, for the app's maker."""


class Apps(Protocol):
    """``trust.identity``: the authorisation server, as its pages use it."""

    async def begin(self, pairs: Sequence[tuple[str, str]], session: Authentication | None) -> str:
        """Where a browser goes that brings an app's request: on to the page that asks, or back. Raises AppNotKnown."""
        ...

    async def request(self, ask: Ask, handle: str, login: Authentication) -> AppRequest:
        """What an app asks of the asker. Raises Unknown when nothing waits behind a handle."""
        ...

    async def allow(
        self, ask: Ask, handle: str, chosen: Sequence[str], login: Authentication, patient: UUID | None
    ) -> str:
        """Where to go with the answer. Raises Unknown when the asker may not give this, or answered before."""
        ...

    async def refuse(self, handle: str, *, broken: bool = False) -> str:
        """Where to go with a no; ``broken`` says that nobody could be asked. Raises Unknown."""
        ...

    async def in_use(self, ask: Ask) -> Sequence[AppInUse]:
        """The apps that the asker allowed something that holds still."""
        ...

    async def end(self, ask: Ask, id: UUID) -> bool:
        """Ends one's access, from the next request on; False when it is none of the asker's."""
        ...

    async def openable(self, ask: Ask) -> Sequence[OpenableApp]:
        """Those that can be opened from a record."""
        ...

    async def launch(self, ask: Ask, id: str, patient: UUID) -> str:
        """The address that opens one with a patient. Raises Unknown when the asker may not see them."""
        ...


CONSENT_PAGE = "/oauth/samtykke"
HANDLE = "anmodning"
