"""What citizens are told of, as they chose: the kinds, the notices, the choices, and the channels that carry them elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol
from uuid import UUID

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unprocessable
from helhed.foundation.lend import lend
from helhed.trust.feeds import feed_rules
from helhed.trust.policy import document

_OWN = "select * from trust.own_notices($1::fhir.ask, $2, $3, $4)"
_OTHERS = "select * from trust.notices_seen($1::fhir.ask, $2, $3::smallint, $4::text[], $5, $6)"
_UNREAD = "select trust.unread_notices($1::fhir.ask, $2)"
_READ = "select trust.read_notices($1::fhir.ask, $2)"
_CHOICES = "select * from trust.notice_choices($1::fhir.ask)"
_CHOOSE = "select trust.choose_notice($1::fhir.ask, $2, $3)"
_NEWS = "select trust.look_for_news($1, $2, $3, $4)"
_REMIND = "select trust.remind_of_appointments($1, $2, $3)"
_LOG = TYPE_NUMBERS["AuditEvent"]
_LOOK_BACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of notice. Its words say nothing about health."""

    name: str
    words: Mapping[str, str]  #: by language
    address: str  #: where to read more, behind the log-in
    always: bool  #: cannot be switched off
    chosen: bool  #: written only for those who chose it
    for_who_acts: bool  #: told to those who act for the citizen, too


@cache
def notice_kinds() -> Mapping[str, Kind]:
    """The kinds of this version of the network."""
    told = document("notices.json")
    return {
        one["kind"]: Kind(
            one["kind"], {"da": one["da"], "en": one["en"]}, one["address"], one.get("always", False), one.get("chosen", False),
            one.get("for_who_acts", False),
        )
        for one in told["kinds"]
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a citizen is told of."""

    id: UUID
    at: datetime
    kind: str
    about: UUID
    professional_name: str | None
    organisation_name: str | None
    read_at: datetime | None


class Channel(Protocol):
    """Carries notices elsewhere: e-mail, text message, Digital Post. None is here yet, and the page says so."""

    @property
    def name(self) -> str:
        """What it is called on the page."""
        ...

    async def send(self, citizen: int, kind: str) -> None:
        """That there is something to read, and nothing of what it is."""
        ...


class Notices:
    """The notices of citizens."""

    def __init__(self, pool: Pool, channels: Sequence[Channel] = ()) -> None:
        self._pool = pool
        self.channels: Sequence[Channel] = tuple(channels)

    async def choices(self, ask: Ask) -> dict[str, bool]:
        """Whether each kind is wanted, as the citizen chose or as it is unless they choose."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_CHOICES, ask_row(ask))
        chosen = {row["kind"]: row["wanted"] for row in rows}
        return {
            name: kind.always or chosen.get(name, not kind.chosen) for name, kind in notice_kinds().items()
        }  # fmt: skip

    async def choose(self, ask: Ask, wanted: Mapping[str, bool]) -> None:
        """From now on these. Unprocessable for what cannot be switched off, or is no kind."""
        kinds = notice_kinds()
        if any(name not in kinds or (kinds[name].always and not wish) for name, wish in wanted.items()):
            raise Unprocessable("That cannot be chosen.")
        async with lend(self._pool) as connection:
            for name, wish in wanted.items():
                await connection.execute(_CHOOSE, ask_row(ask), name, wish)

    async def page(self, ask: Ask, before: datetime, limit: int) -> list[Notice]:
        """The notices that are wanted, newest first; what was looked for lately among them."""
        wanted = [name for name, wish in (await self.choices(ask)).items() if wish]
        await self.look_for_news(ask.at, [ask.actor])
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_OWN, ask_row(ask), wanted, before, limit)
        return [Notice(*row) for row in rows]

    async def page_of(self, ask: Ask, citizen: int, before: datetime, limit: int) -> list[Notice]:
        """What another citizen is told of, for who acts for them in the log, as one look; nothing for anybody else."""
        kinds = [name for name, kind in notice_kinds().items() if kind.for_who_acts]
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_OTHERS, ask_row(ask), citizen, _LOG, kinds, before, limit)
        return [Notice(*row) for row in rows]

    async def unread(self, ask: Ask) -> int:
        """How many are not read."""
        wanted = [name for name, wish in (await self.choices(ask)).items() if wish]
        async with lend(self._pool) as connection:
            return int(await connection.fetchval(_UNREAD, ask_row(ask), wanted))

    async def read(self, ask: Ask, up_to: datetime) -> None:
        """They are read up to a moment."""
        async with lend(self._pool) as connection:
            await connection.execute(_READ, ask_row(ask), up_to)

    async def look_for_news(self, now: datetime, citizens: Sequence[int] | None = None) -> int:
        """Writes what citizens chose to be told of and nobody writes when it happens."""
        kinds = [name for name, kind in notice_kinds().items() if kind.chosen]
        async with lend(self._pool) as connection:
            reminded = await connection.fetchval(_REMIND, citizens, now, feed_rules().remind)
            return int(reminded) + int(await connection.fetchval(_NEWS, citizens, now - _LOOK_BACK, now, kinds))
