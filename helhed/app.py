"""Composition: settings, wiring, the ASGI application. Upper rooms are plugged into lower ones here and nowhere else."""

import asyncio
import contextlib
import gc
import hashlib
import os
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import orjson
from joserfc.jwk import OKPKey

from helhed.api import FhirApi
from helhed.api.cors import CrossOrigin
from helhed.api.gate import Gate
from helhed.api.insight_door import InsightDoor
from helhed.api.log_watch import log_alarms, log_door, measure_log
from helhed.api.oauth import OAuthDoor, serves
from helhed.api.oauth.opening import open_authorisation_server
from helhed.api.openapi import openapi
from helhed.exchange.messages.dropping import exchange_messages
from helhed.exchange.messages.modes import message_alarms
from helhed.fhir.store import Store
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.index_work import index_work
from helhed.foundation import metrics
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import (
    Target,
    connected,
    embedded_target,
    read_secret,
    url_target,
)
from helhed.foundation.database_keys import keys_for_database
from helhed.foundation.errors import HelhedError
from helhed.foundation.health import AWAY, LEAVING as SHUTTING_DOWN, STARTING, hindrances, pending_migrations
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.logging import configure, let_no_error_speak, logger
from helhed.foundation.outbox import Outbox
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.seal import Seal
from helhed.foundation.settings import Settings
from helhed.foundation.shared_metrics import SharedMetrics
from helhed.foundation.workers import GOODBYE, LEAVING, ReadyMarks, is_orphan
from helhed.hooks import HANDLERS, HOOKS
from helhed.insight.figures import Figures
from helhed.portals import build_portal_app
from helhed.portals.rooms import portal_ports
from helhed.portals.rooms.gate import open_gate
from helhed.record.live import opening as live_sources
from helhed.registries.units.planning import UnitPlans
from helhed.trust.background import ordering_system
from helhed.trust.identity.passkeys import Passkeys
from helhed.trust.identity.server import AuthorisationServer
from helhed.trust.log.carrying import elsewhere
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.log.rounds import LogRounds
from helhed.trust.lookups.counting import Lookups
from helhed.trust.relation.declarations import Declarations
from helhed.trust.served import served_types
from helhed.trust.subscriptions.delivering import Courier
from helhed.trust.subscriptions.reading import Terms
from helhed.trust.tokens.verifying import signing_key
from helhed.trust.watch.watcher import Watcher, siem_of
from helhed.work.escalating import Escalation

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SECONDS_BETWEEN_CHECKS = 1.0
_SECONDS_BETWEEN_SWEEPS = 3600.0
#: requests leave no cycles behind; looking for some every 700 objects costs a tenth of the time
_OBJECTS_BETWEEN_COLLECTIONS = 50_000
_PLAIN = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


def database(settings: Settings) -> tuple[Target, EmbeddedPostgres | None]:
    """Where the database is; the embedded server when there is no URL."""
    passwords, proofs = keys_for_database(settings)
    if settings.database_url:
        return url_target(settings.database_url, now=passwords, proofs=proofs), None
    server = EmbeddedPostgres(settings.data_dir, programs=settings.postgres_bin, shared_buffers=settings.shared_buffers)
    return embedded_target(server, proofs=proofs), server


def token_audience(settings: Settings) -> str:
    """Whom tokens are for: the public address, or this installation wherever it listens."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    return "urn:helhed:" + hashlib.sha256(b"audience of " + read_secret(settings.data_dir)).hexdigest()[:32]


def token_key(settings: Settings) -> OKPKey:
    """The key that signs demo tokens."""
    return signing_key(KeysInUse(settings.data_dir).secrets(KeyPurpose.TOKENS)[0])


@dataclass(slots=True)
class Network:
    """The running rooms."""

    store: Store
    fhir: App
    oauth: App
    portal: App
    log: App
    insight: App
    demo_provider: App | None
    outbox: Outbox
    keys: KeysInUse
    lookups: Lookups
    watcher: Watcher
    identity: AuthorisationServer
    courier: Courier
    live: live_sources.LiveSources

    @classmethod
    async def open(cls, settings: Settings, target: Target, clock: Clock = system_clock) -> "Network":
        """Connect and wire everything."""
        keys, secret = KeysInUse(settings.data_dir), read_secret(settings.data_dir)
        signer = CursorSigner(*keys.secrets(KeyPurpose.CURSORS), look_again=keys.look_again)
        store = await Store.open(target, settings, signer, HOOKS)
        keys.follow(KeyPurpose.CURSORS, signer.take)
        seal = Seal("sessions", keys.secrets(KeyPurpose.SESSIONS), keys.look_again)
        keys.follow(KeyPurpose.SESSIONS, seal.take)
        pseudonyms = Pseudonyms.of_keys(keys)
        identity = open_authorisation_server(settings, store.pool, keys, clock, token_audience(settings))
        watcher = Watcher(store.pool, secret, clock, siem_of(settings))
        terms = Terms(settings.public_url, settings.demo, settings.demo and settings.fetch_from_loopback)
        headers_seal = Seal("subscription headers", [secret])
        live = await live_sources.open_live_sources(store.pool, lambda: identity.keys.signing, secret, clock)
        lookups = Lookups(store.pool, secret, watcher.events)
        fhir = FhirApi(
            store,
            identity.verifier,
            base_url=settings.public_url,
            max_body_bytes=settings.max_body_bytes,
            max_resource_elements=settings.max_resource_elements,
            lookups=lookups,
            events=watcher.events,
            virtual=served_types(store.pool, pseudonyms, terms, headers_seal),
            gate=Gate(identity.verifier, identity.admission, settings.public_url),
            live=live,
        )
        gate = open_gate(settings, store.pool, lookups, clock)
        ports = portal_ports(
            store,
            clock,
            lookups,
            seal,
            identity,
            pseudonyms,
            demo=settings.demo,
            secure_cookies=settings.public_url.startswith("https:"),
            version=version("helhed"),
            relying=gate.relying,
            events=watcher.events,
            base_url=settings.public_url,
            passkeys=Passkeys(store.pool, secret, settings.public_url),
            acute_places=settings.acute_keys,
            data_dir=settings.data_dir,
            ways=elsewhere(settings, store.pool)[0],
            live=live,
        )
        oauth = CrossOrigin(OAuthDoor(identity, watcher.events), identity.origins)
        outbox = Outbox(store.pool, clock, HANDLERS)
        portal, log = build_portal_app(ports), log_door(store.pool)
        courier = Courier(store.pool, clock, headers_seal, terms)
        return cls(
            store, CrossOrigin(fhir, identity.origins), oauth, portal, log, InsightDoor(Figures(store.pool)), gate.demo, outbox, keys,
            lookups, watcher, identity, courier, live,
        )  # fmt: skip


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
                await _answer(send, 503, {"live": True, "ready": False, "reasons": [STARTING]})
            elif path == "/openapi.json":
                await self._described(scope, send)
            elif serves(path):
                await network.oauth(scope, receive, send)
            elif path.startswith("/fhir"):
                await network.fhir(scope, receive, send)
            elif path.startswith("/log/"):
                await network.log(scope, receive, send)
            elif path.startswith("/insight/"):
                await network.insight(scope, receive, send)
            elif path == "/health":
                await self._health(network, send)
            elif path == "/metrics":
                await self._measured(network, send)
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
        self._background = [
            asyncio.create_task(network.outbox.run(self._stopping)),
            asyncio.create_task(self._watch(target, network)),
            asyncio.create_task(self._sweep(network)),
            asyncio.create_task(network.store.knowledge.run(self._stopping)),
            asyncio.create_task(network.watcher.run(self._stopping)),
            asyncio.create_task(Declarations(network.store.pool).run(system_clock, self._stopping)),
            asyncio.create_task(Escalation(network.store.pool).run(system_clock, self._stopping)),
            asyncio.create_task(UnitPlans(network.store).run(system_clock, ordering_system, self._stopping)),
            asyncio.create_task(network.courier.run(self._stopping)),
            asyncio.create_task(elsewhere(self._settings, network.store.pool)[1].run(system_clock, self._stopping)),
            asyncio.create_task(exchange_messages(network.store, ordering_system, self._settings, self._stopping)),
            asyncio.create_task(live_sources.run(network.live, system_clock, self._stopping)),
            asyncio.create_task(LogRounds(network.store.pool).run(system_clock, self._stopping)),
        ]
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

    async def _watch(self, target: Target, network: Network) -> None:
        """Bring an embedded database back when it died, whoever would ask next."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _SECONDS_BETWEEN_CHECKS)
            if (
                is_orphan()
            ):  # killed, it could not end its workers: they would hold the port, and nobody would replace them
                logger("app").warning("the server is gone; this worker ends")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            network.keys.look_again()
            await asyncio.to_thread(self._metrics.put)
            with contextlib.suppress(Exception):  # the database may be away
                await network.store.note_index_work()
            if not self._stopping.is_set() and AWAY in await hindrances(network.store.pool):
                try:
                    await asyncio.to_thread(target.ensure)
                except Exception as error:
                    logger("app").error("the database did not come back", error=error)

    async def _sweep(self, network: Network) -> None:
        """Let go, now and then, of what nobody asks for any more."""
        while not self._stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):  # the database may be away: the next time will do
                await network.lookups.forget()
                await network.identity.forget()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _SECONDS_BETWEEN_SWEEPS)

    async def _health(self, network: Network, send: Send) -> None:
        reasons = [SHUTTING_DOWN] if self._leaving else []
        reasons += await hindrances(network.store.pool)
        told = {"live": True, "ready": not reasons, "reasons": reasons}
        if not reasons and (work := await index_work(network.store.pool)).waiting:
            told["indexing"] = {"waiting": work.waiting, "done": round(work.done, 3)}
        if not reasons and (alarms := await log_alarms(network.store.pool) + await message_alarms(network.store)):
            told["alarms"] = alarms
        await _answer(send, 503 if reasons else 200, told)

    async def _described(self, scope: Scope, send: Send) -> None:
        """What machines may ask, for anybody; made at the first question, in a thread."""
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, {"error": "This is read."}, (b"allow", b"GET, HEAD"))
            return
        zipped = any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
        described = await asyncio.to_thread(openapi, self._settings.public_url, zipped=zipped)
        head = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"max-age=3600"),
            (b"vary", b"accept-encoding"),
        ]
        head += [(b"content-encoding", b"gzip")] if zipped else []
        head.append((b"content-length", str(len(described)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else described})

    async def _measured(self, network: Network, send: Send) -> None:
        with contextlib.suppress(HelhedError):  # the other numbers are told when the database is away, too
            work = await index_work(network.store.pool)
            metrics.INDEX_WAITING.set(len(work.waiting))
            metrics.INDEX_DONE.set(work.done)
            await measure_log(network.store.pool)
        whole = await asyncio.to_thread(self._metrics.whole)
        head = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": whole})


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
            await asyncio.sleep(_SECONDS_BETWEEN_CHECKS)


def _count_batches(network: Network) -> None:
    batcher = network.store.reads.batcher
    for gauge, number in ((metrics.BATCHES, "batches"), (metrics.BATCHED, "items"), (metrics.WAITING, "waiting")):
        gauge.set_function(partial(getattr, batcher, number))


async def _answer(send: Send, status: int, content: Any, *more: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*_PLAIN, *more]})
    await send({"type": "http.response.body", "body": orjson.dumps(content)})


def application() -> Application:
    """For servers that take a factory."""
    return Application()


__all__ = ["Application", "Network", "application", "database"]
