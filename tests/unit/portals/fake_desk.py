"""The desk of the log in memory: pages of the network's log, questions and notices of one citizen each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from helhed.foundation.ask import Ask
from helhed.foundation.errors import Unknown
from helhed.portals.ports.log_desk import LogDesk, LogWish
from helhed.portals.ports.log_entries import LogEntry, LogPage
from helhed.trust.log.notices import notice_kinds
from helhed.trust.log.reader import Met
from helhed.trust.log.why import Question, checked_words

_FILTERS: Mapping[str, Any] = {
    "andre": lambda one: one.basis != 1, "egne": lambda one: one.basis == 1, "afvist": lambda one: not one.permitted,
    "systemer": lambda one: one.kind == 3, "noed": lambda one: one.basis == 8, "afleveret": lambda one: one.source_name is not None,
    "rettelser": lambda one: one.basis != 1 and one.action in (5, 6, 7, 41, 42, 43, 44),
}  # fmt: skip


class FakeOwnLog:
    """The own log; a look is logged by the log beneath it."""

    def __init__(self, log: Any) -> None:
        self.log = log
        self.delivered: list[Any] = []

    async def page_of(self, ask: Ask, citizen: int, wish: LogWish) -> LogPage:
        """Nobody acts for anybody here."""
        return LogPage([], None)

    async def page(self, ask: Ask, wish: LogWish) -> LogPage:
        """All of it that the wish lets through."""
        page = await self.log.entries(ask, wish.since, wish.until, None, 10_000)
        found = [
            replace(one, person=one.person or f"{int(one.kind)}:{one.actor}")
            for one in page.entries
            if self._passes(one, wish)
        ]
        return LogPage(found, None, len(found))

    @staticmethod
    def _passes(one: LogEntry, wish: LogWish) -> bool:
        text = str(wish.text.get("like", "%%")).strip("%")
        return (
            _FILTERS.get(wish.kind, lambda _: True)(one)
            and wish.row in (None, one.id)
            and wish.place in (None, one.organisation)
            and wish.person in ("", f"{int(one.kind)}:{one.actor}")
            and text in f"{one.actor_name} {one.organisation_name}".casefold()
        )

    async def met(self, ask: Ask, since: datetime) -> Sequence[Met]:
        """Everybody."""
        mine = [one for one in self.log.network._looked.get(ask.actor, []) if one.basis != 1]
        return list(
            dict.fromkeys(
                Met(int(one.kind), one.actor, one.actor_name, "", one.role, one.organisation, one.organisation_name, 1)
                for one in mine
            )
        )

    async def bundle(self, ask: Ask, wish: LogWish) -> bytes:
        """Empty."""
        return b'{"resourceType":"Bundle","type":"collection"}'

    async def sources(self, ask: Ask) -> Sequence[Any]:
        """What a test put there."""
        return self.delivered


class FakeQuestions:
    """Questions, asked and answered."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.asked: dict[int, list[Question]] = {}

    async def ask(self, ask: Ask, look: int, words: str) -> UUID:
        """Asks."""
        one = Question(
            uuid4(),
            ask.at,
            "Sygehus Prøvefjord",
            checked_words(words, least=0),
            ask.at,
            ask.at + timedelta(days=14),
            None,
            None,
            None,
            look,
        )
        self.asked.setdefault(ask.actor, []).append(one)
        return one.id

    async def own(self, ask: Ask) -> Sequence[Question]:
        """The own."""
        return self.asked.get(ask.actor, [])

    async def queue(self, ask: Ask) -> Sequence[Question]:
        """All."""
        return [one for found in self.asked.values() for one in found]

    async def opened(self, ask: Ask, question: UUID) -> Any:
        """None."""
        raise Unknown

    async def answer(self, ask: Ask, question: UUID, words: str) -> None:
        """None."""
        raise Unknown


class FakeNotices:
    """Notices: none, and the choices as they are at first."""

    channels: Sequence[Any] = ()

    def __init__(self) -> None:
        self.chosen: dict[str, bool] = {}

    async def choices(self, ask: Ask) -> Mapping[str, bool]:
        """As chosen."""
        return {name: kind.always or self.chosen.get(name, not kind.chosen) for name, kind in notice_kinds().items()}

    async def choose(self, ask: Ask, wanted: Mapping[str, bool]) -> None:
        """From now on these."""
        self.chosen.update(wanted)

    async def page(self, ask: Ask, before: datetime, limit: int) -> Sequence[Any]:
        """None."""
        return []

    async def page_of(self, ask: Ask, citizen: int, before: datetime, limit: int) -> list[Any]:
        """None."""
        return []

    async def unread(self, ask: Ask) -> int:
        """None."""
        return 0

    async def read(self, ask: Ask, up_to: datetime) -> None:
        """Nothing to read."""


class FakeWithholding:
    """No rules."""

    async def withhold(
        self, ask: Ask, place: int, patient: UUID | None, reason: str, case_number: str, until: datetime
    ) -> UUID:
        """Takes the rule."""
        return uuid4()

    async def end(self, ask: Ask, shield: UUID) -> None:
        """There is none."""
        raise Unknown

    async def list(self, ask: Ask) -> Sequence[Any]:
        """None."""
        return []

    async def name(self, ask: Ask, look: int, case_number: str, why: str, case: UUID) -> str:
        """None."""
        raise Unknown


class FakeFollowUp:
    """No staff."""

    async def looks(
        self, ask: Ask, since: datetime, until: datetime, which: str, staff: int | None = None, limit: int = 50
    ) -> Sequence[Any]:
        """None."""
        return []


def fake_desk(log: Any) -> LogDesk:
    """All of it."""
    return LogDesk(FakeOwnLog(log), FakeQuestions(None), FakeNotices(), FakeWithholding(), FakeFollowUp())
