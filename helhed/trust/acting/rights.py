"""Who acts for whom: parents, mandates, guardians and proxies for a citizen; assistants for a professional; and masks, which
hide a row from those who act for the citizen.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unknown
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.moments import aware
from helhed.trust.policy import BASIS_NUMBERS

_PATIENT = TYPE_NUMBERS["Patient"]
_LET_ACT = "select trust.let_act($1::fhir.ask, $2, $3, $4, $5::smallint, $6::smallint[], $7, $8, $9, $10::smallint)"
_END_ACTING = "select trust.end_acting($1::fhir.ask, $2, $3::smallint)"
_SET_MASK = "select trust.set_mask($1::fhir.ask, $2, $3::smallint, $4, $5)"
_SHOW_AGAIN = "select trust.show_again($1::fhir.ask, $2, $3::smallint)"
_TAKE_ON = "select trust.take_on($1::fhir.ask, $2, $3, $4::smallint[], $5)"


_HIDE = "select trust.hide_row($1::fhir.ask, $2, $3::smallint, $4, $5, $6, $7)"
_HIDDEN_ON = "select * from trust.hidden_on($1::fhir.ask, $2, $3::smallint)"
_ACTING_ON = "select * from trust.acting_on($1::fhir.ask, $2, $3::smallint)"
_DECIDE = "select trust.decide_for_youth($1::fhir.ask, $2, $3, $4, $5, $6::smallint)"
_REASON = 500  #: characters of a reason that are kept


@dataclass(frozen=True, slots=True)
class Masking:
    """What a treating clinician decides to hide: which row, why, until when, and from whom."""

    type_name: str
    row: UUID
    why: str
    until: datetime
    from_citizen: bool = False  #: from the citizen too, not only from those who act for the citizen

    @property
    def reason(self) -> str:
        """``why``, as it is kept."""
        return self.why.strip()[:_REASON]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A row, or a part of one, that is hidden from those who act for a citizen, or from the citizen too."""

    id: UUID
    resource: UUID
    type_name: str
    from_citizen: bool
    reason: str
    since: datetime
    until: datetime
    set_by_name: str
    elements: tuple[str, ...] = ()  #: of a mask of a part: what is hidden; of the whole row: nothing


@dataclass(frozen=True, slots=True)
class ActingOn:
    """One who acts for a citizen, or a parent who did until the birthday, as a treating clinician is told."""

    id: UUID
    actor_name: str
    basis: int
    scopes: tuple[str, ...]
    ground: str
    until: datetime
    holds: bool
    may_decide: bool  #: a parent of a youth, whom a clinician may let see the record


@dataclass(frozen=True, slots=True)
class Assistance:
    """Who is responsible for whom, as either is told."""

    id: UUID
    i_am_responsible: bool
    other_name: str
    role: str  #: in which the one is responsible
    delegated: tuple[str, ...]
    since: datetime
    until: datetime
    holds: bool


@dataclass(frozen=True, slots=True)
class Assistant:
    """Somebody employed to assist, and who answers for them now."""

    professional: int
    name: str
    responsible_name: str


class ActingForOthers:
    """Sets and ends the facts by which somebody acts for somebody else. Each is durable when the call returns."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def let_act(
        self,
        ask: Ask,
        citizen: int,
        actor: int,
        basis: str,
        since: datetime,
        until: datetime,
        *,
        types: Collection[str] | None = None,
        obeys_blocks: bool = False,
    ) -> UUID:
        """``actor`` acts for ``citizen`` by a basis of ``policy/relation.json``. Raises Forbidden for whom the law does not
        let say so: a mandate is the citizen's to give, custody, guardian and proxy a directory keeper's to register, and
        insight into a youth's record a treating clinician's to decide.
        """
        acting = uuid4()
        numbers = None if types is None else sorted(TYPE_NUMBERS[name] for name in types)
        values = (acting, citizen, actor, BASIS_NUMBERS[basis], numbers, obeys_blocks, since, until, _PATIENT)
        await self._must(Forbidden("You cannot let somebody act for this citizen."), _LET_ACT, ask, *values)
        return acting

    async def end(self, ask: Ask, acting: UUID) -> None:
        """It holds no longer. Raises Unknown."""
        await self._must(Unknown(), _END_ACTING, ask, acting, _PATIENT)

    async def mask(self, ask: Ask, type_name: str, row: UUID, *, from_citizen: bool = False) -> UUID:
        """Hide a row that the asking clinician sees from those who act for the citizen, or from the citizen too.

        Raises Unknown for a row that the clinician does not see.
        """
        mask = uuid4()
        await self._must(Unknown(), _SET_MASK, ask, mask, TYPE_NUMBERS[type_name], row, from_citizen)
        return mask

    async def hide(self, ask: Ask, masking: Masking) -> UUID:
        """As ``mask``, with the clinician's reason and an end, without which nothing is hidden from the citizen. Raises Unknown."""
        if masking.type_name not in TYPE_NUMBERS:
            raise Unknown
        number = TYPE_NUMBERS[masking.type_name]
        values = (mask := uuid4(), number, masking.row, masking.from_citizen, masking.reason, masking.until)
        await self._must(Unknown(), _HIDE, ask, *values)
        return mask

    async def masks_on(self, ask: Ask, citizen: int) -> list[Hidden]:
        """What is hidden of a citizen now; nothing for who does not treat them."""
        return [_hidden(row) for row in await self._rows(_HIDDEN_ON, ask, citizen, _PATIENT)]

    async def acting_on(self, ask: Ask, citizen: int) -> list[ActingOn]:
        """Who acts for a citizen, and the parents of a youth; nothing for who does not treat them."""
        return [_acting_on(row) for row in await self._rows(_ACTING_ON, ask, citizen, _PATIENT)]

    async def decide_for_youth(self, ask: Ask, custody: UUID, *, why: str, until: datetime) -> None:
        """A parent sees the record of a youth of 15 to 17. Raises Forbidden for who may not decide it, or not so."""
        refused = Forbidden("You cannot decide that.")
        await self._must(refused, _DECIDE, ask, uuid4(), custody, why.strip()[:_REASON], until, _PATIENT)

    async def unmask(self, ask: Ask, mask: UUID) -> None:
        """Show it again, a row or a part of one. Raises Unknown."""
        await self._must(Unknown(), _SHOW_AGAIN, ask, mask, _PATIENT, duty=Duty.STORE)

    async def take_on(self, ask: Ask, assistant: int, until: datetime, *, delegated: Collection[str] = ()) -> UUID:
        """The asking professional is responsible for an assistant of the same organisation; ``delegated`` are the types that
        the assistant may write on the professional's behalf. Raises Forbidden.
        """
        assistance = uuid4()
        numbers = sorted(TYPE_NUMBERS[name] for name in delegated)
        refused = Forbidden("You can be responsible for assistants who are employed where you work, for a time.")
        await self._must(refused, _TAKE_ON, ask, assistance, assistant, numbers, until)
        return assistance

    async def let_go(self, ask: Ask, assistance: UUID) -> None:
        """It holds no longer; said by either of the two. Raises Unknown."""
        await self._must(Unknown(), "select trust.let_go($1::fhir.ask, $2)", ask, assistance)

    async def assistances(self, ask: Ask) -> list[Assistance]:
        """Whom the asker is responsible for, and under whom the asker works: now and before."""
        return [_assistance(row) for row in await self._rows("select * from trust.assistances_of($1::fhir.ask)", ask)]

    async def assistants(self, ask: Ask) -> list[Assistant]:
        """Who is employed to assist where the asker works."""
        rows = await self._rows("select * from trust.assistants_at($1::fhir.ask)", ask)
        return [Assistant(row["professional"], row["name"], row["responsible_name"] or "") for row in rows]

    async def _rows(self, statement: str, ask: Ask, *values: Any) -> list[Any]:
        async with lend(self._pool) as connection:
            return list(await connection.fetch(statement, ask_row(ask), *values))

    async def _must(
        self, otherwise: Exception, statement: str, ask: Ask, *values: Any, duty: Duty = Duty.PERSON
    ) -> None:
        async with lend_proven(self._pool, duty) as connection:
            if not await connection.fetchval(statement, ask_row(ask), *values):
                raise otherwise


def _hidden(row: Any) -> Hidden:
    name = TYPE_NAMES.get(row["type"]) if row["type"] is not None else None
    return Hidden(
        row["id"], row["resource"], name or "", row["from_citizen"], row["reason"], aware(row["since"]),
        aware(row["until"]), row["set_by_name"] or "", tuple(row["elements"] or ()),
    )  # fmt: skip


def _acting_on(row: Any) -> ActingOn:
    return ActingOn(
        row["id"], row["actor_name"] or "", row["basis"], tuple(row["scopes"] or ()), row["ground"],
        aware(row["until"]), row["holds"], row["may_decide"],
    )  # fmt: skip


def _assistance(row: Any) -> Assistance:
    types = tuple(sorted(TYPE_NAMES[number] for number in row["write_types"]))
    return Assistance(
        row["id"], row["i_am_responsible"], row["other_name"] or "", row["role"], types, aware(row["since"]),
        aware(row["until"]), row["holds"],
    )  # fmt: skip
