"""Purging from the command line: a custodian's token says who it is, as at the FHIR door; a shell alone is nobody."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from helhed.commands.holders import holder_of
from helhed.commands.purging.moving import Moved, approve_and_move
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.purging import NamedRow, Proposal, Purged, Purging, Wish
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.ask import Ask
from helhed.foundation.database import Target, create_pool, read_secret
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import parse_id
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.registries.directory import Directory
from helhed.trust.keeping.purges import checked_reason, purge_policy


class Custodian:
    """One asker, and what they may have done."""

    def __init__(self, ask: Ask, sessions: Sessions, purging: Purging, directory: Directory) -> None:
        self._ask = ask
        self._sessions = sessions
        self._purging = purging
        self._directory = directory

    async def propose(
        self, rows: Sequence[str], ground: str, case_number: str, rightful: str, *, apart: bool
    ) -> Proposal:
        """A proposal for rows named as Type/id. Raises what ``Purging.propose`` raises, and BadRequest."""
        checked_reason(ground, case_number)
        until = self._ask.at + purge_policy().open_for
        right = NamedRow.parse(rightful, "Patient").id if rightful else None
        wish = Wish(tuple(dict.fromkeys(map(NamedRow.parse, rows))), ground, case_number, until, right, apart)
        return await self._purging.propose(self._ask, wish)

    async def waiting(self) -> list[Proposal]:
        """What waits for a second custodian of the organisation."""
        return await self._purging.open_ones(self._ask)

    async def approve(self, proposal: str, seal: str) -> tuple[Purged, list[str]]:
        """Carried out, and the names of those who have seen it and must be told."""
        purged = await self._purging.approve(self._ask, _identifier(proposal), _seal(seal))
        return purged, await self._directory.names_of(purged.seen_by)

    async def approve_and_move(self, proposal: str, seal: str) -> tuple[Moved, list[str]]:
        """Carried out, and recorded on the rightful citizen; and the names of those who must be told."""
        known, sealed = _identifier(proposal), _seal(seal)
        moved = await approve_and_move(self._sessions, self._purging, self._ask, known, sealed)
        return moved, await self._directory.names_of(moved.purged.seen_by)

    async def withdraw(self, proposal: str) -> None:
        """Taken back."""
        await self._purging.withdraw(self._ask, _identifier(proposal))


@asynccontextmanager
async def custodian(
    settings: Settings, target: Target, token: str, *, as_owner: bool = False
) -> AsyncIterator[Custodian]:
    """The holder of a token; ``as_owner`` on the operator's connection, for what moves. Raises NotAuthenticated."""
    ask = holder_of(settings, token)
    where = Target(target.owner, target.owner) if as_owner else target
    pool = await create_pool(where, size=1, statement_timeout_ms=settings.statement_timeout_ms)
    try:
        sessions = Sessions(pool, HOOKS, CursorSigner(read_secret(settings.data_dir)))
        yield Custodian(ask, sessions, Purging(pool, sessions), Directory(pool))
    finally:
        await pool.close()


def _seal(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadRequest("The seal is written in hexadecimal, as the proposal has it.") from None


def _identifier(text: str) -> UUID:
    identifier = parse_id(text)
    if identifier is None:
        raise Unknown
    return identifier
