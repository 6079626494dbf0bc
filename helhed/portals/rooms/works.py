"""How the network stands, gathered for the front page of operations."""

from pathlib import Path

from helhed.exchange.messages.modes import message_state
from helhed.fhir.store.index_work import index_work
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.health import pending_migrations
from helhed.foundation.keyring import State as KeyState
from helhed.foundation.keyring_file import read_keyring
from helhed.foundation.lend import lend
from helhed.foundation.workers import ReadyMarks
from helhed.portals.ports.works import KeyAge, State
from helhed.trust.audit_events import Deliveries
from helhed.trust.evidence.watching import log_state
from helhed.trust.watch.works import works


class PortalOperations:
    """On one pool and the folder of this installation."""

    def __init__(self, pool: Pool, data_dir: Path) -> None:
        self._pool, self._data_dir = pool, data_dir
        self._deliveries = Deliveries(pool)

    async def state(self, ask: Ask) -> State:
        """All of it. Forbidden for who does not keep the network running."""
        told = await works(self._pool, ask)  # first: it is the one that asks who is asking
        indexing = await index_work(self._pool)
        async with lend(self._pool) as connection:
            pending = await pending_migrations(connection)
        keys = [
            KeyAge(str(one.purpose), one.changed)
            for one in read_keyring(self._data_dir).keys
            if one.state is KeyState.ACTIVE
        ]
        return State(
            ReadyMarks(self._data_dir).living(), pending, indexing.waiting, indexing.done,
            await log_state(self._pool, ask.at), await self._deliveries.sources(ask), keys, told,
            await message_state(self._pool),
        )  # fmt: skip
