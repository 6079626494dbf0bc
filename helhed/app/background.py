"""What runs beside the requests of a worker, from its start until it is told to stop."""

import asyncio
import contextlib
import os
import signal

from helhed.app.network import Network
from helhed.exchange.messages.dropping import exchange_messages
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Target
from helhed.foundation.errors import HelhedError
from helhed.foundation.health import AWAY, hindrances
from helhed.foundation.logging import logger
from helhed.foundation.settings import Settings
from helhed.foundation.shared_metrics import SharedMetrics
from helhed.foundation.workers import is_orphan
from helhed.record.live import opening as live_sources
from helhed.registries.units.planning import UnitPlans
from helhed.trust.background import ordering_system
from helhed.trust.log.carrying import elsewhere
from helhed.trust.log.channels import channels_of
from helhed.trust.log.push import push_of
from helhed.trust.log.rounds import LogRounds
from helhed.trust.relation.declarations import Declarations
from helhed.work.escalating import Escalation
from helhed.work.telling import StaffMail

_SECONDS_BETWEEN_CHECKS = 1.0
_SECONDS_BETWEEN_SWEEPS = 3600.0


def begun(
    settings: Settings, target: Target, network: Network, shared: SharedMetrics, stopping: asyncio.Event
) -> list[asyncio.Task[None]]:
    """All of it, begun; each ends by itself after ``stopping`` is set."""
    pool = network.store.pool
    rounds = [
        _watch(target, network, shared, stopping),
        _sweep(network, stopping),
        network.outbox.run(stopping),
        network.store.knowledge.run(stopping),
        network.watcher.run(stopping),
        network.courier.run(stopping),
        Declarations(pool).run(system_clock, stopping),
        Escalation(pool).run(system_clock, stopping),
        UnitPlans(network.store).run(system_clock, ordering_system, stopping),
        elsewhere(settings, pool)[1].run(system_clock, stopping),
        StaffMail(pool, channels_of(settings)[0]).run(system_clock, stopping),
        exchange_messages(network.store, ordering_system, settings, stopping),
        live_sources.run(network.live, system_clock, stopping),
        LogRounds(pool).run(system_clock, stopping),
    ]
    if push := push_of(settings, pool, network.keys):
        rounds.append(push[1].run(system_clock, stopping))
    return [asyncio.create_task(one) for one in rounds]


async def _watch(target: Target, network: Network, shared: SharedMetrics, stopping: asyncio.Event) -> None:
    """Bring an embedded database back when it died, whoever would ask next."""
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN_CHECKS)
        # a server that was killed could not end its workers: they would hold the port, and nobody would replace them
        if is_orphan():
            logger("app").warning("the server is gone; this worker ends")
            os.kill(os.getpid(), signal.SIGTERM)
            return
        network.keys.look_again()
        await asyncio.to_thread(shared.put)
        with contextlib.suppress(Exception):  # the database may be away
            await network.store.note_index_work()
        if not stopping.is_set() and AWAY in await hindrances(network.store.pool):
            try:
                await asyncio.to_thread(target.ensure)
            except Exception as error:
                logger("app").error("the database did not come back", error=error)


async def _sweep(network: Network, stopping: asyncio.Event) -> None:
    """Let go, now and then, of what nobody asks for any more."""
    while not stopping.is_set():
        with contextlib.suppress(HelhedError, OSError):  # the database may be away: the next time will do
            await network.lookups.forget()
            await network.identity.forget()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN_SWEEPS)
