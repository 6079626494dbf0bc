"""Staff who choose it are told by e-mail that work waits at their unit: how many pieces, how many are late, and where to log in. No more leaves."""

import asyncio
import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any
from uuid import UUID, uuid5

import msgspec

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.clock import DANISH_TIME, Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import HelhedError, Overloaded, Unprocessable
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.log.channels import Email, NotCarried

_OWN = "select * from work.own_staff_way($1::fhir.ask)"
_CHOOSE = "select work.choose_staff_way($1::fhir.ask, $2, $3, $4, $5, $6)"
_CONFIRM = "select work.confirm_staff_way($1::fhir.ask, $2)"
_CLAIM = "select * from work.claim_staff_mail($1, $2, $3, $4, $5, $6)"
_NOTE = "select work.note_staff_mail($1, $2, $3, $4)"
#: an address that a mail server can be given, as for citizens (trust.log.ways)
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")
_LONGEST = 254  #: RFC 5321, section 4.5.3.1.3
_MOST_CODES = 5  #: a day; enough for who mistypes, too few to flood an address
_SPACE = UUID("a4a6c8f5-7f0e-5d3b-8c1e-6f5a0d1b2c3d")  #: what the ids of mails follow from
_LEASE = timedelta(minutes=5)  #: after which another worker sends what a dead one had begun
_MOST_ATTEMPTS = 10
_AT_ONCE = 50
_SECONDS_BETWEEN = 30.0
_SUBJECT = "Opgaver venter / Work waits"
_TEXT = """{pieces} opgaver venter, {late} af dem er forsinkede. Log ind for at se dem:
{url}

{pieces} pieces of work wait, {late} of them are late. Log in to see them:
{url}
"""


@dataclass(frozen=True, slots=True)
class StaffWay:
    """What somebody chose for their unit. Nothing goes to an address that is not confirmed."""

    address: str
    confirmed: bool
    digest: bool
    overdue: bool


@dataclass(frozen=True, slots=True)
class Telling:
    """When is told, and of how many at most (``data/telling.json``)."""

    digest_at: time  #: in Denmark
    quiet: timedelta
    most: int


@cache
def telling() -> Telling:
    """Dated data, read once."""
    read = msgspec.json.decode((resources.files("helhed.work") / "data" / "telling.json").read_bytes())
    return Telling(time.fromisoformat(read["digest_at"]), timedelta(minutes=read["quiet_minutes"]), read["most"])


class StaffWays:
    """Chooses, each for the asking professional at the unit that they act from."""

    def __init__(self, pool: Pool, email: Email) -> None:
        self._pool, self._email = pool, email

    async def own(self, ask: Ask) -> StaffWay | None:
        """What was chosen; None for nothing."""
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(_OWN, ask_row(ask))
        return None if row is None else StaffWay(*row)

    async def want(self, ask: Ask, address: str, *, digest: bool, overdue: bool) -> None:
        """Sends a code to the address; until it comes back nothing else goes there.

        Raises Unprocessable for what is no address or no choice, Overloaded when enough codes went out within a day, or for who does not work there.
        """
        if len(address) > _LONGEST or not _ADDRESS.fullmatch(address) or not (digest or overdue):
            raise Unprocessable("Say an e-mail address, and what to be told of.")
        code = f"{secrets.randbelow(10**8):08}"
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            wanted = (ask_row(ask), address, _digest(ask, code), digest, overdue, _MOST_CODES)
            if not await connection.fetchval(_CHOOSE, *wanted):
                raise Overloaded("Enough codes were sent today.")
        await self._email.send_code(address, code)

    async def confirm(self, ask: Ask, code: str) -> bool:
        """Whether it was the code."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            return bool(await connection.fetchval(_CONFIRM, ask_row(ask), _digest(ask, code.replace(" ", "")[:20])))

    async def end(self, ask: Ask) -> None:
        """No more e-mail."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            await connection.execute(_CHOOSE, ask_row(ask), "", None, False, False, _MOST_CODES)


def _digest(ask: Ask, code: str) -> bytes:
    return hashlib.sha256(f"staff {ask.actor} {ask.organisation} {code}".encode()).digest()


class StaffMail:
    """Goes round. Every worker may, at the same time: each mail is claimed by one of them, in writing, before it leaves."""

    def __init__(self, pool: Pool, email: Email | None) -> None:
        self._pool, self._email = pool, email

    async def round(self, now: datetime) -> int:
        """How many mails were handed over."""
        if self._email is None:
            return 0
        rules = telling()
        at = datetime.combine(now.astimezone(DANISH_TIME).date(), rules.digest_at, DANISH_TIME)
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            claimed = await connection.fetch(_CLAIM, now, _LEASE, at, rules.quiet, rules.most, _AT_ONCE)
        return sum([await self._tell(self._email, row, now) for row in claimed])

    async def _tell(self, email: Email, row: Any, now: datetime) -> bool:
        most = telling().most
        said = {name: f"{row[name]}+" if row[name] >= most else str(row[name]) for name in ("pieces", "late")}
        known_as = uuid5(_SPACE, f"{row['professional']} {row['organisation']} {row['since']}")
        again: datetime | None = None
        try:
            await email.say(
                row["address"], _SUBJECT, _TEXT.format(url=f"{email.url.rstrip('/')}/opgaver", **said), known_as, now
            )
        except NotCarried:
            over = row["attempts"] >= _MOST_ATTEMPTS
            again = None if over else now + timedelta(minutes=min(2 ** row["attempts"], 720))
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            await connection.execute(_NOTE, row["professional"], row["organisation"], now, again)
        return again is None

    async def run(self, clock: Clock, stopping: asyncio.Event) -> None:
        """Rounds until it is stopped; when the database is away, the next time will do."""
        while not stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):
                if told := await self.round(clock()):
                    logger("work").info("staff were told of work that waits", mails=told)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)
