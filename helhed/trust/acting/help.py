"""Staff help citizens without digital access with what is the citizen's to decide; letters on paper; and the keeper of the directory
registers who acts for whom. Helping opens nothing of the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.indexing import normalise
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unknown
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.acting.policy import acting_policy
from helhed.trust.moments import aware
from helhed.trust.policy import BASIS_NUMBERS

_PATIENT = TYPE_NUMBERS["Patient"]
LASTS = timedelta(minutes=30)
LOG_DAYS = timedelta(days=90)
_REGISTER = "select trust.register_acting($1::fhir.ask, $2, $3, $4::text[], $5, $6::text[], $7::smallint, $8, $9, $10, $11::smallint, $12)"
_MANDATE = (
    "select trust.help_mandate($1::fhir.ask, $2, $3, $4, $5::text[], $6::text[], $7::smallint[], $8, $9, $10, $11, $12)"
)
_END_BLOCK = "select trust.help_end_block($1::fhir.ask, $2, $3, $4, $5, $6)"


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody named by CPR number and name: both have to fit."""

    number: str
    name: str

    @property
    def words(self) -> list[str]:
        """The words of the name as the register compares them."""
        return normalise(self.name).split()


@dataclass(frozen=True, slots=True)
class Helped:
    """Whom one helps now, and what is theirs to decide."""

    id: UUID
    citizen: int
    name: str
    number: str
    ends_at: datetime
    blocks: Sequence[dict[str, Any]]
    acting: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A letter in the queue."""

    id: UUID
    citizen_name: str
    kind: str
    made_at: datetime
    printed_at: datetime | None
    sent_at: datetime | None
    contested_at: datetime | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to print."""

    citizen_name: str
    kind: str
    said: dict[str, Any]
    made_at: datetime
    printed_at: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnHelp:
    """Help that the asking citizen got."""

    id: UUID
    helper_name: str
    organisation_name: str
    identified_by: str
    begun_at: datetime
    contested_at: datetime | None
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """What a keeper of the directory has registered."""

    id: UUID
    citizen_name: str
    actor_name: str
    basis: int
    ground: str
    since: datetime
    until: datetime
    holds: bool


class Help:
    """Help at the counter, its letters, and what keepers register."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, ask: Ask, who: Named, identified: str) -> UUID | None:
        """A citizen who is here and showed who they are; None when number and name do not fit. Forbidden for other roles."""
        help_id = uuid4()
        values = (help_id, who.number, who.words, identified, ask.at + LASTS)
        said = await self._value("select trust.begin_help($1::fhir.ask, $2, $3, $4::text[], $5, $6)", ask, *values)
        if said == "refused":
            raise Forbidden("Your role does not help citizens.")
        return help_id if said == "begun" else None

    async def see(self, ask: Ask, about: UUID) -> Helped:
        """Whom one helps, and their blocks and mandates. Unknown when it is over, or somebody else's."""
        rows = await self._rows("select * from trust.see_help($1::fhir.ask, $2)", ask, about)
        if not rows:
            raise Unknown
        row = rows[0]
        lists = (orjson.loads(row["blocks"]), orjson.loads(row["acting"]))
        return Helped(about, row["citizen"], row["name"], row["cpr"] or "", row["ends_at"], *lists)

    async def set_block(self, ask: Ask, about: UUID, who: int | None) -> None:
        """A block on everything for an organisation, or for everybody. Unknown."""
        await self._must("select trust.help_block($1::fhir.ask, $2, $3, $4, $5)", ask, about, uuid4(), who, uuid4())

    async def end_block(self, ask: Ask, about: UUID, block: UUID) -> None:
        """A block is to end, when a second person or the citizen confirms it. Unknown, also for one that waits already."""
        await self._must(_END_BLOCK, ask, about, uuid4(), block, ask.at + acting_policy().counter_waits, uuid4())

    async def mandate(self, ask: Ask, about: UUID, to: Named, scopes: Sequence[str], until: datetime) -> str:
        """A mandate on paper that both have signed: ``waits`` for a second person, or in a word why not."""
        policy = acting_policy()
        values = (
            about, uuid4(), to.number, to.words, list(scopes), policy.types_of(scopes), until,
            ask.at + policy.counter_waits, policy.giver_from_age, policy.actor_from_age, uuid4(),
        )  # fmt: skip
        return str(await self._value(_MANDATE, ask, *values))

    async def end_mandate(self, ask: Ask, about: UUID, mandate: UUID) -> None:
        """A mandate ends. Unknown."""
        statement = "select trust.help_end_mandate($1::fhir.ask, $2, $3, $4::smallint, $5)"
        await self._must(statement, ask, about, mandate, _PATIENT, uuid4())

    async def print_log(self, ask: Ask, about: UUID) -> UUID:
        """The log of the last months as a letter: who and where, never what. Unknown."""
        letter = uuid4()
        await self._must("select trust.help_log($1::fhir.ask, $2, $3, $4)", ask, about, ask.at - LOG_DAYS, letter)
        return letter

    async def letters(self, ask: Ask) -> list[LetterRow]:
        """Those of the asker's organisation: what is to be sent first."""
        return [LetterRow(*row) for row in await self._rows("select * from trust.letters($1::fhir.ask)", ask)]

    async def letter(self, ask: Ask, letter: UUID) -> Letter:
        """One to read. Looking is logged, and changes nothing else. Unknown."""
        rows = await self._rows("select * from trust.print_letter($1::fhir.ask, $2)", ask, letter)
        if not rows:
            raise Unknown
        row = rows[0]
        moments = (row["made_at"], row["printed_at"], row["sent_at"])
        return Letter(row["citizen_name"], row["kind"], orjson.loads(row["said"]), *moments)

    async def printed(self, ask: Ask, letter: UUID) -> None:
        """It lies on paper. Unknown."""
        await self._must("select trust.letter_printed($1::fhir.ask, $2)", ask, letter)

    async def sent(self, ask: Ask, letter: UUID) -> None:
        """It was printed and is sent. Unknown."""
        await self._must("select trust.send_letter($1::fhir.ask, $2)", ask, letter)

    async def own(self, ask: Ask) -> list[OwnHelp]:
        """Help that the asking citizen got."""
        rows = await self._rows("select * from trust.own_help($1::fhir.ask)", ask)
        return [OwnHelp(row["id"], row["helper_name"] or "", row["organisation_name"] or "", row["identified_by"],
                        row["begun_at"], row["contested_at"], tuple(row["kinds"])) for row in rows]  # fmt: skip

    async def contest(self, ask: Ask, about: UUID) -> None:
        """The citizen does not recognise it. Unknown."""
        await self._must("select trust.contest_help($1::fhir.ask, $2)", ask, about)

    async def register(
        self,
        ask: Ask,
        who: Named,
        by: Named,
        basis: str,
        *,
        since: datetime,
        until: datetime,
        decision: str,
        shares_home: bool = False,
    ) -> str:
        """Custody, a guardian or a proxy, from an authority's decision; ``registered``, or in a word why not. ``shares_home``: whether CPR
        says that the child lives with who has custody, which counts while the child's address is protected.
        """
        values = (
            uuid4(), who.number, who.words, by.number, by.words, BASIS_NUMBERS[basis], since, until, decision[:300], _PATIENT,
            shares_home,
        )  # fmt: skip
        return str(await self._value(_REGISTER, ask, *values))

    async def registered(self, ask: Ask) -> list[Registered]:
        """What the asker's place has registered."""
        rows = await self._rows("select * from trust.registered_acting($1::fhir.ask)", ask)
        return [
            Registered(row["id"], row["citizen_name"], row["actor_name"], row["basis"], row["ground"],
                       aware(row["since"]), aware(row["until"]), row["holds"]) for row in rows
        ]  # fmt: skip

    async def end_registered(self, ask: Ask, acting: UUID) -> None:
        """It holds no longer. Unknown."""
        await self._must("select trust.end_acting($1::fhir.ask, $2, $3::smallint)", ask, acting, _PATIENT)

    async def _value(self, statement: str, ask: Ask, *values: Any) -> Any:
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            return await connection.fetchval(statement, ask_row(ask), *values)

    async def _rows(self, statement: str, ask: Ask, *values: Any) -> list[Any]:
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            return list(await connection.fetch(statement, ask_row(ask), *values))

    async def _must(self, statement: str, ask: Ask, *values: Any) -> None:
        if not await self._value(statement, ask, *values):
            raise Unknown
