"""Composition: settings, wiring, the ASGI application. Upper rooms are plugged into lower ones here and nowhere else."""

import asyncio
import contextlib
import gc
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from helhed.api import FhirApi
from helhed.fhir.store import Store
from helhed.foundation import metrics
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import (
    Connection,
    Target,
    application_password,
    embedded_target,
    read_secret,
    url_target,
)
from helhed.foundation.logging import configure, logger
from helhed.foundation.outbox import Outbox
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.settings import Settings
from helhed.foundation.workers import GOODBYE, ReadyMarks
from helhed.hooks import HOOKS
from helhed.portals import build_portal_app
from helhed.portals.rooms import portal_ports
from helhed.trust.lookups import Lookups
from helhed.trust.tokens import TokenVerifier, load_or_create_key

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SECONDS_BETWEEN_CHECKS = 1.0
#: requests leave no cycles behind; looking for some every 700 objects costs a tenth of the time
_OBJECTS_BETWEEN_COLLECTIONS = 50_000
_PLAIN = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


def database(settings: Settings) -> tuple[Target, EmbeddedPostgres | None]:
    """Where the database is; the embedded server when there is no URL."""
    if settings.database_url:
        password = application_password(settings, read_secret(settings.data_dir))
        return url_target(settings.database_url, password), None
    server = EmbeddedPostgres(settings.data_dir, programs=settings.postgres_bin, shared_buffers=settings.shared_buffers)
    return embedded_target(server), server


def token_audience(settings: Settings) -> str:
    """Whom tokens are for: the public address, or this installation wherever it listens."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    return "urn:helhed:" + hashlib.sha256(b"audience of " + read_secret(settings.data_dir)).hexdigest()[:32]


def token_key(settings: Settings) -> Path:
    """The file with the key that signs demo tokens."""
    return settings.data_dir / "demo-token-key.json"


async def note_received(connection: Connection, _key: int, event: Any) -> None:
    """A source delivered something: its last delivery shows on the completeness line."""
    if event["origin"] != "None":
        statement = "select registries.note_received($1::bigint, $2::text::timestamptz)"
        await connection.execute(statement, int(event["origin"]), event["at"])


HANDLERS = {"resources-stored": note_received}


@dataclass(slots=True)
class Network:
    """The running rooms."""

    store: Store
    fhir: App
    portal: App
    outbox: Outbox

    @classmethod
    async def open(cls, settings: Settings, target: Target, clock: Clock = system_clock) -> "Network":
        """Connect and wire everything."""
        secret = read_secret(settings.data_dir)
        store = await Store.open(target, settings, secret, HOOKS)
        verifier = TokenVerifier.for_key(
            load_or_create_key(token_key(settings)), clock, token_audience(settings), demo=settings.demo
        )
        lookups = Lookups()
        fhir = FhirApi(
            store,
            verifier,
            base_url=settings.public_url,
            max_body_bytes=settings.max_body_bytes,
            max_resource_elements=settings.max_resource_elements,
            lookups=lookups,
        )
        ports = portal_ports(
            store,
            clock,
            lookups,
            demo=settings.demo,
            self_declared_hours=settings.self_declared_hours,
            secure_cookies=settings.public_url.startswith("https:"),
            version=version("helhed"),
        )
        return cls(store, fhir, build_portal_app(ports), Outbox(store.pool, clock, HANDLERS))


class Application:
    """The ASGI application: the doors, health and metrics."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._network: Network | None = None
        self._stopping = asyncio.Event()
        self._background: list[asyncio.Task[None]] = []
        self._server: EmbeddedPostgres | None = None
        self._marks = ReadyMarks(self._settings.data_dir)
        self._saying_goodbye = False

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
                await _answer(send, 503, {"ready": False})
            elif path.startswith("/fhir"):
                await network.fhir(scope, receive, send)
            elif path == "/health":
                await self._health(network, send)
            elif path == "/metrics":
                await self._metrics(network, send)
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
        target, self._server = database(self._settings)
        await asyncio.to_thread(target.ensure)
        self._network = await Network.open(self._settings, target)
        await self._network.store.note_index_work()
        self._background = [
            asyncio.create_task(self._network.outbox.run(self._stopping)),
            asyncio.create_task(self._watch(target, self._network)),
            asyncio.create_task(self._network.store.knowledge.run(self._stopping)),
        ]
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        with contextlib.suppress(ValueError, RuntimeError):  # outside the main thread nobody replaces us by signals
            asyncio.get_running_loop().add_signal_handler(GOODBYE, self.say_goodbye)
        self._marks.put()

    def say_goodbye(self) -> None:
        """From now on each connection ends with its next answer: another worker takes over."""
        self._saying_goodbye = True

    async def stop(self) -> None:
        """Finish what is in flight, then close."""
        self._marks.take_away()
        self._stopping.set()
        await asyncio.gather(*self._background)
        if self._network is not None:
            await self._network.store.close()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    async def _watch(self, target: Target, network: Network) -> None:
        """Bring an embedded database back when it died, whoever would ask next."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _SECONDS_BETWEEN_CHECKS)
            with contextlib.suppress(Exception):  # the database may be away
                await network.store.note_index_work()
            if not self._stopping.is_set() and not await _answers(network):
                try:
                    await asyncio.to_thread(target.ensure)
                except Exception as error:
                    logger("app").error("the database did not come back", error=error)

    async def _health(self, network: Network, send: Send) -> None:
        ready = await _answers(network)
        await _answer(send, 200 if ready else 503, {"live": True, "ready": ready})

    async def _metrics(self, network: Network, send: Send) -> None:
        batcher = network.store.reads.batcher
        metrics.BATCHES.set(batcher.batches)
        metrics.BATCHED.set(batcher.items)
        metrics.WAITING.set(batcher.waiting)
        head = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": metrics.exposition()})


def _closing(send: Send, scope: Scope) -> Send:
    """``send`` that ends the connection with this answer (HTTP/1; HTTP/2 says goodbye by itself)."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start" and scope.get("http_version", "1.1").startswith("1"):
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return closing


async def _answers(network: Network) -> bool:
    """Whether the database answers."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(2), network.store.pool.acquire() as connection:
            return bool(await connection.fetchval("select true"))
    return False


async def _answer(send: Send, status: int, content: Any) -> None:
    await send({"type": "http.response.start", "status": status, "headers": _PLAIN})
    await send({"type": "http.response.body", "body": orjson.dumps(content)})


def application() -> Application:
    """For servers that take a factory."""
    return Application()


__all__ = ["Application", "Network", "application", "database"]
