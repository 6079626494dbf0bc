"""What goes into the store and what comes out of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID


class Version(NamedTuple):
    """One visible version of one resource. ``body`` is the complete JSON with id and meta, b"" when deleted."""

    type_name: str
    id: UUID
    version: int
    updated: datetime
    body: bytes
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Matches in order, what was included with them, the total when asked for, and where the next page starts."""

    matches: list[Version]
    included: list[Version]
    total: int | None
    next_cursor: str | None
    explained: tuple[str, ...] = ()  #: how it was found, when an operator asked
    goes_on: bool = False  #: whether includes that iterate would have brought more after their last round


class Change(NamedTuple):
    """One create (POST), update (PUT) or delete (DELETE).

    ``resource`` is parsed, valid, and has its references resolved, and so have its bytes ``raw``; ``digest`` is the SHA-256
    of what was submitted, when that differs. A create carries the id it will have. ``where`` is the FHIRPath of the
    resource in what was sent, "" when it is all of it.
    """

    method: str
    type_name: str
    resource: dict[str, Any] | None
    raw: bytes | None
    id: UUID | None
    if_match: int | None = None
    digest: bytes | None = None
    where: str = ""


class Written(NamedTuple):
    """What a change led to. ``created`` is False when an If-None-Exist condition found the resource.

    ``body`` is what this very change stored: what its sender sent, with the id and meta it was given, and, for a patient, a
    replacement number. It is b"" when nothing was stored.
    """

    type_name: str
    id: UUID
    version: int
    updated: datetime
    created: bool
    deleted: bool
    body: bytes = b""
