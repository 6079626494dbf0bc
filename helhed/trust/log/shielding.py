"""Names of staff that an organisation withholds where safety requires it. The log keeps them; they are withheld when it is read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unknown, Unprocessable
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.policy import document

_SET = "select trust.set_shield($1::fhir.ask, $2, $3, $4, $5, $6, $7)"
_END = "select trust.end_shield($1::fhir.ask, $2)"
_LIST = "select * from trust.shields_of($1::fhir.ask)"
_NAME = "select trust.name_staff($1::fhir.ask, $2, $3, $4, $5)"
_CASE = re.compile(r"(?=.*\d)[0-9A-Za-zÆØÅæøå][0-9A-Za-zÆØÅæøå./-]{1,39}")
_NEWEST_ROW = 2**62 - 1


@dataclass(frozen=True, slots=True)
class ShieldPolicy:
    """Why and for how long names may be withheld."""

    longest: timedelta
    reasons: Mapping[str, Mapping[str, str]]  #: by name, in each language


@cache
def shield_policy() -> ShieldPolicy:
    """The policy that this version of the network carries."""
    told = document("shields.json")
    reasons = {one["reason"]: {"da": one["da"], "en": one["en"]} for one in told["reasons"]}
    return ShieldPolicy(timedelta(days=told["longest_days"]), reasons)


@dataclass(frozen=True, slots=True)
class Shield:
    """A rule in force."""

    id: UUID
    organisation_name: str
    for_one: bool  #: from one citizen; else from everybody
    reason: str
    case_number: str
    valid_from: datetime
    valid_to: datetime
    set_by: str | None


class Shields:
    """The rules of organisations, and the names behind them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def withhold(
        self, ask: Ask, place: int, patient: UUID | None, reason: str, case_number: str, until: datetime
    ) -> UUID:
        """Names of a place are withheld until then. Unprocessable for a reason, number or end that is none; Forbidden; all is logged."""
        rules = shield_policy()
        if reason not in rules.reasons or not ask.at < until <= ask.at + rules.longest:
            raise Unprocessable("Give one of the reasons, and an end within a year.")
        shield = uuid4()
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            done = await connection.fetchval(
                _SET, ask_row(ask), shield, place, patient, reason, checked_case(case_number), until
            )
        if not done:
            raise Forbidden
        return shield

    async def end(self, ask: Ask, shield: UUID) -> None:
        """Names are told again. Unknown for what is no rule of the asker's organisation."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_END, ask_row(ask), shield):
                raise Unknown

    async def list(self, ask: Ask) -> Sequence[Shield]:
        """Those of the asker's organisation."""
        async with lend(self._pool) as connection:
            return [_shield(row) for row in await connection.fetch(_LIST, ask_row(ask))]

    async def name(self, ask: Ask, look: int, case_number: str, why: str, case: UUID) -> str:
        """The name behind a row, for a case. Unknown for whoever may not be told; the attempt stands in the citizen's log."""
        if not 0 <= look <= _NEWEST_ROW:
            raise Unknown
        async with lend(self._pool) as connection:
            found = await connection.fetchval(_NAME, ask_row(ask), look, case_number.strip(), why.strip(), case)
        if found is None:
            raise Unknown
        return str(found)


def checked_case(text: str) -> str:
    """A number in the organisation's own files. Unprocessable for anything else: it is no place for names."""
    if _CASE.fullmatch(text.strip()) is None:
        raise Unprocessable("A case number has at least one digit, no spaces, and at most 40 characters.")
    return text.strip()


def _shield(row: Any) -> Shield:
    return Shield(
        row["id"], row["organisation_name"], row["for_one"], row["reason"], row["case_number"], row["valid_from"],
        row["valid_to"], row["set_by_name"],
    )  # fmt: skip
