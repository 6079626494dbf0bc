"""The citizen's log, questions and notices, and the desk of an organisation that keeps its log: ``trust``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.portals.ports.log_entries import LogPage
from helhed.trust.audit_events.delivering import LogSource
from helhed.trust.log.follow_up import StaffLook
from helhed.trust.log.notices import Channel, Notice
from helhed.trust.log.push import PushDevices
from helhed.trust.log.reader import Met
from helhed.trust.log.shielding import Shield
from helhed.trust.log.ways import Ways
from helhed.trust.log.why import OpenedQuestion, Question


@dataclass(frozen=True, slots=True)
class LogWish:
    """Which rows of the own log: all conditions hold."""

    since: datetime
    until: datetime
    cursor: str | None = None  #: where a page before ended
    place: int | None = None
    person: str = ""  #: as ``LogEntry.person`` has it
    kind: str = "alt"  #: a kind of ``presenters.log_kinds``
    text: Mapping[str, Any] = field(default_factory=dict)  #: what is looked for in words: like, roles, types, actions
    limit: int = 300
    row: int | None = None  #: one row alone


class OwnLog(Protocol):
    """The own log: pages that part no day, who is met in it, and how whole the logs of others are."""

    async def page(self, ask: Ask, wish: LogWish) -> LogPage:
        """Newest first, the last day whole. BadRequest for a cursor that is none. Reading adds one row."""
        ...

    async def page_of(self, ask: Ask, citizen: int, wish: LogWish) -> LogPage:
        """The log of somebody whom the asker acts for; empty without a basis for it."""
        ...

    async def met(self, ask: Ask, since: datetime) -> Sequence[Met]:
        """Who and where is met in it; who is met most comes first."""
        ...

    async def bundle(self, ask: Ask, wish: LogWish) -> bytes:
        """What a wish lets through as a FHIR Bundle of AuditEvents."""
        ...

    async def sources(self, ask: Ask) -> Sequence[LogSource]:
        """The places whose own logs are delivered here, as far as the citizen meets them."""
        ...


class Questions(Protocol):
    """Asking why, and answering."""

    async def ask(self, ask: Ask, look: int, words: str) -> UUID:
        """Asks about a row of the own log. Unknown for what is no row of it, Unprocessable for too many words."""
        ...

    async def own(self, ask: Ask) -> Sequence[Question]:
        """The citizen's own, newest first."""
        ...

    async def queue(self, ask: Ask) -> Sequence[Question]:
        """Those to the asker's organisation."""
        ...

    async def opened(self, ask: Ask, question: UUID) -> OpenedQuestion:
        """One of them, with whom it is about: a look. Unknown."""
        ...

    async def answer(self, ask: Ask, question: UUID, words: str) -> None:
        """Answers one. Unknown, Unprocessable."""
        ...


class NoticeBoard(Protocol):
    """What a citizen is told of, and what they want to be told of."""

    @property
    def channels(self) -> Sequence[Channel]:
        """What carries notices elsewhere."""
        ...

    async def choices(self, ask: Ask) -> Mapping[str, bool]:
        """Whether each kind is wanted."""
        ...

    async def choose(self, ask: Ask, wanted: Mapping[str, bool]) -> None:
        """From now on these. Unprocessable for what cannot be switched off."""
        ...

    async def page(self, ask: Ask, before: datetime, limit: int) -> Sequence[Notice]:
        """Those that are wanted, newest first."""
        ...

    async def page_of(self, ask: Ask, citizen: int, before: datetime, limit: int) -> Sequence[Notice]:
        """What somebody else is told of, for who acts for them in the log; nothing for anybody else. It is a look."""
        ...

    async def unread(self, ask: Ask) -> int:
        """How many are not read."""
        ...

    async def read(self, ask: Ask, up_to: datetime) -> None:
        """They are read up to a moment."""
        ...


class Withholding(Protocol):
    """Names of staff that are withheld, and told for a case."""

    async def withhold(
        self, ask: Ask, place: int, patient: UUID | None, reason: str, case_number: str, until: datetime
    ) -> UUID:
        """Names of a place are withheld until then. Unprocessable, Forbidden."""
        ...

    async def end(self, ask: Ask, shield: UUID) -> None:
        """Names are told again. Unknown."""
        ...

    async def list(self, ask: Ask) -> Sequence[Shield]:
        """The rules of the asker's organisation."""
        ...

    async def name(self, ask: Ask, look: int, case_number: str, why: str, case: UUID) -> str:
        """The name behind a row. Unknown for whoever may not be told."""
        ...


class FollowingUp(Protocol):
    """An organisation looks at what its own staff did."""

    async def looks(
        self, ask: Ask, since: datetime, until: datetime, which: str, staff: int | None = None, limit: int = 50
    ) -> Sequence[StaffLook]:
        """Looks, without saying at whom. Nothing for whoever keeps no log."""
        ...


@dataclass(frozen=True, slots=True)
class LogDesk:
    """All of it."""

    own: OwnLog
    questions: Questions
    notices: NoticeBoard
    withholding: Withholding
    follow_up: FollowingUp
    ways: Ways | None = None  #: by which notices go elsewhere; None where there are none
    push: PushDevices | None = None  #: devices that are told; None where none are
