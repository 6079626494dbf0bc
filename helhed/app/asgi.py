"""The ASGI application of a worker: it opens the network, leads each path to its door, and ends in order."""

import asyncio
import contextlib
import gc
from functools import partial

from helhed.api.oauth import serves
from helhed.app.background import begun
from helhed.app.installation import database
from helhed.app.network import Network
from helhed.app.telling import tell, tell_health, tell_interface, tell_metrics
from helhed.foundation import metrics
from helhed.foundation.asgi import Message, Receive, Scope, Send
from helhed.foundation.database import Target, connected
from helhed.foundation.health import STARTING, pending_migrations
from helhed.foundation.logging import configure, let_no_error_speak, logger
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.settings import Settings
from helhed.foundation.shared_metrics import SharedMetrics
from helhed.foundation.workers import GOODBYE, LEAVING, ReadyMarks

_SECONDS_UNTIL_ASKED_AGAIN = 1.0
#: requests leave no cycles behind; looking for some every 700 objects costs a tenth of the time
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


class Application:
    """The ASGI application: the doors, health and metrics."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._network: Network | None = None
        self._stopping = asyncio.Event()
        self._background: list[asyncio.Task[None]] = []
        self._server: EmbeddedPostgres | None = None
        self._marks = ReadyMarks(self._settings.data_dir)
        self._saying_goodbye = self._leaving = False
        self._metrics = SharedMetrics(self._settings.data_dir)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            if self._saying_goodbye:
                send = _closing(send, scope)
            path: str = scope["path"]
            network = self._network
            if network is None:
                await tell(send, 503, {"live": True, "ready": False, "reasons": [STARTING]})
            elif path == "/openapi.json":
                await tell_interface(self._settings, scope, send)
            elif serves(path):
                await network.oauth(scope, receive, send)
            elif path.startswith("/fhir"):
                await network.fhir(scope, receive, send)
            elif path.startswith("/log/"):
                await network.log(scope, receive, send)
            elif path.startswith("/insight/"):
                await network.insight(scope, receive, send)
            elif path == "/health":
                await tell_health(network, send, leaving=self._leaving)
            elif path == "/metrics":
                await tell_metrics(network, self._metrics, send)
            elif network.demo_provider is not None and path.startswith(("/demo-log-ind/", "/demo-kilder/")):
                await network.demo_provider(scope, receive, send)
            else:
                await network.portal(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:
            logger("app").error("start failed", error=error)
            await send({"type": "lifespan.startup.failed", "message": "see the log"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        """Open the rooms."""
        configure(self._settings.log_level)
        let_no_error_speak()
        target, self._server = database(self._settings)
        await asyncio.to_thread(target.ensure)
        await _migrated(target)
        network = self._network = await Network.open(self._settings, target)
        await network.store.note_index_work()
        self._background = begun(self._settings, target, network, self._metrics, self._stopping)
        _count_batches(network)
        self._metrics.join()
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        with contextlib.suppress(ValueError, RuntimeError):  # outside the main thread nobody replaces us by signals
            asyncio.get_running_loop().add_signal_handler(GOODBYE, self.say_goodbye)
            asyncio.get_running_loop().add_signal_handler(LEAVING, self.leave)
        self._marks.put()

    def say_goodbye(self) -> None:
        """From now on each connection ends with its next answer: another worker takes over."""
        self._saying_goodbye = True

    def leave(self) -> None:
        """From now on /health says that the server is about to end; everything is answered still."""
        self._leaving = True

    async def stop(self) -> None:
        """Finish what is in flight, then close."""
        self.leave()
        self._marks.take_away()
        self._stopping.set()
        await asyncio.gather(*self._background)
        self._metrics.leave()
        if self._network is not None:
            await self._network.store.close()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)


def _closing(send: Send, scope: Scope) -> Send:
    """``send`` that ends the connection with this answer (HTTP/1; HTTP/2 says goodbye by itself)."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start" and scope.get("http_version", "1.1").startswith("1"):
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return closing


async def _migrated(target: Target) -> None:
    """Waits until the database is as new as the code. A worker that answered before would answer with errors."""
    async with connected(target.application) as connection:
        while pending := await pending_migrations(connection):
            logger("app").warning("waiting for `helhed migrate`", pending=pending)
            await asyncio.sleep(_SECONDS_UNTIL_ASKED_AGAIN)


def _count_batches(network: Network) -> None:
    batcher = network.store.reads.batcher
    for gauge, number in ((metrics.BATCHES, "batches"), (metrics.BATCHED, "items"), (metrics.WAITING, "waiting")):
        gauge.set_function(partial(getattr, batcher, number))


def application() -> Application:
    """For servers that take a factory."""
    return Application()
