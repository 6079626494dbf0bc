"""Rows of the citizen's log as the pages have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from helhed.foundation.ask import ActorKind


@dataclass(frozen=True, slots=True)
class PurgeNote:
    """What was taken out for good, or is proposed to be: how much and why, never what stood there."""

    wrongly: bool  #: recorded on the reader; else about the reader, and recorded on somebody else
    ground: str
    case_number: str
    proposer: str | None
    approver: str | None
    done_at: datetime | None
    rows: int
    versions: int
    seal: bytes


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One row of the access log. Codes are those of ``foundation.ask`` and the decision's bases."""

    id: int
    at: datetime
    kind: ActorKind
    actor: int
    actor_name: str | None
    organisation: int | None
    organisation_name: str | None
    role: str
    purpose: int
    action: int
    permitted: bool
    basis: int | None
    types: tuple[str, ...]  #: names of the resource types seen
    count: int  #: how many resources
    principal_name: str | None = None  #: the professional on whose behalf an assistant looked
    as_other: bool = False  #: a look at somebody else, whose rows name the citizen
    purge: PurgeNote | None = None  #: what the row says of data that were recorded on the wrong person
    pseudonym: str = ""  #: by which somebody is known whose name is withheld, in the log of this citizen only
    person: str = ""  #: by which the page chooses them
    source_name: str | None = None  #: the place that delivered the row from its own log
    arrived: datetime | None = None  #: when it did
    late: bool = False  #: later than agreed
    local_role: str = ""  #: the role in that place's own words
    reason: str = ""  #: the reason, likewise
    app: str = ""  #: what the app or system is registered as that asked
    ticket: str = ""  #: of the broken glass that it was seen through
    request: str = ""  #: the id of the request, which its answer bore


@dataclass(frozen=True, slots=True)
class LogPage:
    """Newest first; ``next_cursor`` is None at the end."""

    entries: Sequence[LogEntry]
    next_cursor: str | None
    total: int = 0  #: rows that the filter lets through, on all pages
