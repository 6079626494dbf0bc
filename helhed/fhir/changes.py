"""What goes into the store and what comes out of it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

#: how the body of a part of a row begins (``helhed.fhir.masking``)
_PART = re.compile(rb'\{"resourceType":"[A-Za-z]+","id":"[^"]*","meta":\{"versionId":"(\d+-[0-9a-f]{8})"')
_TAG = re.compile("([0-9]{1,9})(-[0-9a-f]{8})?")


class Version(NamedTuple):
    """One visible version of one resource. ``body`` is the complete JSON with id and meta, b"" when deleted."""

    type_name: str
    id: UUID
    version: int
    updated: datetime
    body: bytes
    deleted: bool = False

    @property
    def tag(self) -> str:
        """The version id of what is shown: the number, or, of a part of the row, a version id of its own."""
        return tag_of(self.version, self.body)


def tag_of(version: int, body: bytes) -> str:
    """The version id of a body: the number of its version, or, of a part of a row, one of its own."""
    part = _PART.match(body)
    return str(version) if part is None else part[1].decode()


def number_in(tag: str) -> int:
    """The number of the version that a version id names; 0 for what is none."""
    found = _TAG.fullmatch(tag)
    return 0 if found is None else int(found[1])


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
