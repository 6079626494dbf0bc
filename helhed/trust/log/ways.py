"""The ways by which citizens want to be told that there is a notice: e-mail, and letters in the shape of Digital Post."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Overloaded, Unprocessable
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.log.channels import Email

_WAYS = "select * from trust.notice_ways($1::fhir.ask)"
_CHOOSE = "select trust.choose_way($1::fhir.ask, $2, $3, $4, $5, $6)"
_CONFIRM = "select trust.confirm_way($1::fhir.ask, $2, $3)"
#: an address that a mail server can be given; what is more unusual than this is not taken
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")
_MOST_CODES = 5  #: a day; our own number: enough for who mistypes, too few to flood an address or to guess
_LONGEST = 254  #: RFC 5321, section 4.5.3.1.3


@dataclass(frozen=True, slots=True)
class Way:
    """A way that was chosen; it is used once it is confirmed."""

    name: str
    address: str
    confirmed: bool


class Ways:
    """Chooses ways, each for the asking citizen alone."""

    def __init__(self, pool: Pool, email: Email | None, *, letters: bool) -> None:
        self._pool, self.email = pool, email
        self.open = frozenset(name for name, here in (("email", email is not None), ("letter", letters)) if here)

    async def of(self, ask: Ask) -> list[Way]:
        """What was chosen."""
        async with lend(self._pool) as connection:
            return [Way(*row) for row in await connection.fetch(_WAYS, ask_row(ask))]

    async def want_email(self, ask: Ask, address: str) -> None:
        """Sends a code to the address; until it comes back nothing else goes there. Unprocessable for what is no address,
        Overloaded when enough codes were sent within a day.
        """
        if self.email is None or len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
            raise Unprocessable("That is no e-mail address.")
        code = f"{secrets.randbelow(10**8):08}"
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            wanted = (ask_row(ask), "email", address, True, _digest(ask, code), _MOST_CODES)
            if not await connection.fetchval(_CHOOSE, *wanted):
                raise Overloaded("Enough codes were sent today.")
        await self.email.send_code(address, code)

    async def confirm_email(self, ask: Ask, code: str) -> bool:
        """Whether it was the code."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            brought = _digest(ask, code.replace(" ", "")[:20])
            return bool(await connection.fetchval(_CONFIRM, ask_row(ask), "email", brought))

    async def want_letters(self, ask: Ask, *, wanted: bool) -> None:
        """Letters from now on, or no more. Unprocessable where none are sent."""
        if wanted and "letter" not in self.open:
            raise Unprocessable("No letters are sent from here.")
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            await connection.execute(_CHOOSE, ask_row(ask), "letter", "", wanted, None, _MOST_CODES)

    async def end_email(self, ask: Ask) -> None:
        """No more e-mail."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            await connection.execute(_CHOOSE, ask_row(ask), "email", "", False, None, _MOST_CODES)


def _digest(ask: Ask, code: str) -> bytes:
    return hashlib.sha256(f"{ask.actor} {code}".encode()).digest()
