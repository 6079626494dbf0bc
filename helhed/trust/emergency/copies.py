"""Emergency copies as the database keeps them: handed out, ended, told of, followed up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, Unknown
from helhed.foundation.lend import lend
from helhed.trust.emergency.entries import Claim, Entry, public_key, sealed
from helhed.trust.emergency.rules import emergency_rules

_MAY = "select trust.may_copy($1::fhir.ask)"
_PATIENTS = "select citizen from trust.emergency_patients($1::fhir.ask)"
_ISSUE = "select * from trust.issue_emergency_copy($1::fhir.ask, $2, $3, $4, $5::jsonb)"
_SEAL_KEY = "select trust.emergency_seal_key($1, $2)"
_TELL = "select trust.tell_emergency($1, $2, $3::jsonb, $4::jsonb, $5, $6)"
_END = "select trust.end_emergency_copy($1::fhir.ask, $2)"
_COPIES = "select * from trust.emergency_copies($1::fhir.ask, $2)"
_OWN = "select * from trust.own_emergency_copies($1::fhir.ask)"
_FOLLOW_UP = "select * from trust.follow_up_emergency_copies($1, $2, $3, $4)"
_AT_ONCE = 50
_LISTED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Copied:
    """What is to be in a copy of one citizen."""

    citizen: int
    resources: Sequence[UUID]
    sections: Sequence[str]
    digest: bytes  #: SHA-256 of what is handed out


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a part of a copy is of: the identity minimum."""

    key: int
    patient: UUID
    name: str
    birth_date: date | None
    sex: str
    alive: bool
    number: str
    replacement: bool


@dataclass(frozen=True, slots=True)
class Issued:
    """A copy that was handed out, and how long it holds."""

    people: Mapping[int, Identity]
    holds_until: datetime
    report_by: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What becomes of a copy, as the device is told."""

    state: str  #: holds, ended, over, closed
    take_out: tuple[str, ...]  #: patients
    told: int  #: so many openings are here
    whole: bool  #: none that the device knows of is missing
    outcomes: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class CopyLine:
    """A copy as its holder sees it, or whoever keeps the log of the place; nobody in it is named."""

    id: UUID
    own: bool
    professional: str
    issued_at: datetime
    holds_until: datetime
    report_by: datetime
    patients: int
    left_in: int
    openings: int
    met_at: datetime | None
    ended_at: datetime | None
    closed_at: datetime | None
    odd_at: datetime | None
    unaccounted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """One opening."""

    opened: datetime
    told: datetime
    reason: str
    mark: str | None


@dataclass(frozen=True, slots=True)
class OwnCopy:
    """A copy, for a citizen who is in it."""

    id: UUID
    professional: str | None  #: None where a place withholds names
    role: str
    organisation: str
    issued_at: datetime
    holds_until: datetime
    report_by: datetime
    sections: tuple[str, ...]
    rows: int
    ended_at: datetime | None
    ended_why: str | None
    closed_at: datetime | None
    odd_at: datetime | None
    unaccounted_at: datetime | None
    openings: tuple[Opened, ...]


class EmergencyCopies:
    """Hands copies out and takes openings in."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def may(self, ask: Ask) -> bool:
        """Whether the asker may hold one."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval(_MAY, ask_row(ask)))

    async def patients(self, ask: Ask) -> list[int]:
        """Whom the asker's unit treats now and the asker sees, the newest contact first: keys."""
        async with lend(self._pool) as connection:
            return [row["citizen"] for row in await connection.fetch(_PATIENTS, ask_row(ask))]

    async def issue(self, ask: Ask, copy: UUID, seal_key: bytes, token_hash: bytes, copied: Sequence[Copied]) -> Issued:
        """A copy is out: in each citizen's log before anything leaves. Whoever is not in the answer is not to be handed out.

        Raises Forbidden for who may hold none, and Unknown when nobody is left to be in it.
        """
        public_key(seal_key)
        wanted = [
            {"citizen": one.citizen, "resources": [str(row) for row in one.resources], "sections": list(one.sections), "digest": one.digest.hex()}
            for one in copied
        ]  # fmt: skip
        async with lend(self._pool) as connection, connection.transaction():
            rows = await connection.fetch(
                _ISSUE, ask_row(ask), copy, seal_key, token_hash, orjson.dumps(wanted).decode()
            )
            if not rows and not await connection.fetchval(_MAY, ask_row(ask)):
                refused = True
            elif not rows:
                raise Unknown  # and nothing is out
            else:
                refused = False
        if refused:
            raise Forbidden("Your role cannot hold an emergency copy.")
        people = {row["citizen"]: _identity(row) for row in rows}
        return Issued(people, rows[0]["holds_until"], rows[0]["report_by"])

    async def tell(
        self, copy: UUID, token: bytes, entries: Sequence[Entry], claim: Claim, now: datetime, *, unread: int = 0
    ) -> Told:
        """Takes in what a device tells, each opening once. Raises Unknown for whoever has not the copy's token.

        ``unread`` entries were told of that nobody can read: with those whose seal does not hold they count as odd.
        """
        async with lend(self._pool) as connection:
            key = await connection.fetchval(_SEAL_KEY, copy, token)
            if key is None:
                raise Unknown
            good = sealed(copy, entries, key)
            rows = orjson.dumps([one.row() for one in good]).decode()
            claimed = orjson.dumps({"n": claim.n, "hash": claim.hash, "gone": claim.gone}).decode()
            unsealed = unread + len(entries) - len(good)
            answer = orjson.loads(await connection.fetchval(_TELL, copy, token, rows, claimed, unsealed, now))
        return Told(answer["state"], tuple(answer["take_out"]), answer["told"], answer["whole"], answer["outcomes"])

    async def end(self, ask: Ask, copy: UUID) -> None:
        """Ends it, wherever the device is: it is told at its next contact. Raises Unknown."""
        async with lend(self._pool) as connection:
            if not await connection.fetchval(_END, ask_row(ask), copy):
                raise Unknown

    async def all(self, ask: Ask) -> list[CopyLine]:
        """The asker's own of late, and those of the organisation for whoever keeps its log; the newest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_COPIES, ask_row(ask), ask.at - _LISTED)
        return [CopyLine(*row) for row in rows]

    async def own(self, ask: Ask) -> list[OwnCopy]:
        """Every copy that the asking citizen was in, the newest first."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_OWN, ask_row(ask))
        return [_own(row) for row in rows]

    async def follow_up(self, now: datetime) -> tuple[int, int]:
        """Decides copies that are out again, and tells of those of which nothing came in time; how many of each."""
        rules = emergency_rules()
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_FOLLOW_UP, now, _AT_ONCE, rules.points, now + rules.due)
        return (0, 0) if row is None else (int(row["checked"]), int(row["unaccounted"]))


def _identity(row: Any) -> Identity:
    return Identity(
        row["citizen"], row["patient"], row["name"], row["birth_date"], row["sex"], not row["deceased"], row["cpr"] or "",
        row["replacement"],
    )  # fmt: skip


def _own(row: Any) -> OwnCopy:
    openings = tuple(
        Opened(datetime.fromisoformat(one["opened"]), datetime.fromisoformat(one["told"]), one["reason"], one["mark"])
        for one in orjson.loads(row["openings"])
    )
    return OwnCopy(
        row["id"], row["professional_name"], row["role"], row["organisation_name"] or "", row["issued_at"], row["holds_until"],
        row["report_by"], tuple(row["sections"]), row["row_count"], row["ended_at"], row["ended_why"], row["closed_at"], row["odd_at"],
        row["unaccounted_at"], openings,
    )  # fmt: skip
