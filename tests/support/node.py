"""One Helhed of several side by side: the real server in a process of its own, on a database of its own in the server of the tests."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server

from helhed.app import Application, database, token_audience, token_key
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.database import Target, application_password
from helhed.foundation.ids import key_of
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.seal import Seal
from helhed.foundation.settings import Settings
from helhed.portals.rooms.sessions import PortalSessions
from helhed.portals.sessions import Opened, Principal, key_of_cookie, start
from helhed.serving import prepare
from helhed.trust.tokens.verifying import TokenIssuer
from tests.support.live import free_port
from tests.support.world import SECRET, World

_LOOKS, _BETWEEN = 1200, 0.05
#: what runs beside answering requests, and nobody here asks for
_QUIET = {"HELHED_INDEX_IN_BACKGROUND": "false", "HELHED_DEMO": "true", "HELHED_LOG_LEVEL": "error"}


_FORKING = multiprocessing.get_context("forkserver")
#: the code is loaded once for all of them: that takes longer than everything else they do
_FORKING.set_forkserver_preload(["helhed.app"])


def _served(environment: dict[str, str], log: Path) -> None:
    """The whole of one: the application behind its HTTP server, until it is killed."""
    os.environ.update(environment)
    with open(log, "wb", buffering=0) as told:
        os.dup2(told.fileno(), 1)
        os.dup2(told.fileno(), 2)
    settings = Settings()
    server = Server(
        Application(settings), address=settings.host, port=settings.port, interface=Interfaces.ASGI, log_enabled=False
    )
    asyncio.run(server.serve())


@dataclass
class Node:
    """A network: what is put into it by hand (``world``), and its doors (``url``) once it is served."""

    world: World
    settings: Settings
    process: ForkServerProcess | None = None
    _cookies: int = field(default=0)

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.settings.public_url

    async def serve(self) -> None:
        """Start it; returns when it is ready."""
        environment = _QUIET | {
            "HELHED_DATA_DIR": str(self.settings.data_dir), "HELHED_PORT": str(self.settings.port),
            "HELHED_DATABASE_URL": self.settings.database_url,
            "HELHED_DATABASE_APP_PASSWORD": self.settings.database_app_password,
        }  # fmt: skip
        log = self.settings.data_dir / "server.log"
        self.process = _FORKING.Process(target=_served, args=(environment, log), daemon=True)
        self.process.start()
        async with httpx.AsyncClient() as client:
            for _ in range(_LOOKS):
                try:
                    if (await client.get(f"{self.url}/health", timeout=2)).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(_BETWEEN)
        raise RuntimeError(log.read_text(errors="replace")[-3000:])

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.join()

    def stop_answering(self) -> None:
        """It stands still: it takes connections, and answers nobody."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """After ``stop_answering``."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def issuer(self) -> TokenIssuer:
        """Tokens for its own people, as its demo's issuer makes them."""
        return TokenIssuer(token_key(self.settings), lambda: datetime.now(UTC), token_audience(self.settings))

    async def logged_in(self, ask: Ask, opened: Opened | None = None) -> tuple[httpx.AsyncClient, str]:
        """A browser of somebody who is logged in here; with ``opened``, a handle of the citizen whom they have found."""
        self._cookies += 1
        cookie = f"cookie-{self._cookies}"
        place = "" if ask.kind is ActorKind.CITIZEN else "Afdelingen"
        session = start(
            Principal(ask.kind, ask.actor, "Prøve Test", ask.organisation, place, ask.role), datetime.now(UTC)
        )
        handle = ""
        if opened is not None:
            handle, session = session.with_opened(opened)
        seal = Seal("sessions", KeysInUse(self.settings.data_dir).secrets(KeyPurpose.SESSIONS))
        await PortalSessions(self.world.store.pool, seal).put(key_of_cookie(cookie), session)
        return httpx.AsyncClient(base_url=self.url, cookies={"helhed": cookie}, timeout=60), handle


def found(patient: UUID, number: str) -> Opened:
    """A citizen as somebody found them."""
    return Opened(key_of(patient), patient, "Ane Test", number, False, None, "female", True)


@asynccontextmanager
async def node(target: Target, folder: Path) -> AsyncIterator[Node]:
    """A network on this database, not yet served; killed at the end."""
    folder.mkdir()
    # the role is one for all databases of the server: every node has the password that other tests have
    password = application_password(Settings(data_dir=folder), SECRET)
    settings = Settings(
        data_dir=folder, demo=True, database_url=url_of(target), port=free_port(), database_app_password=password
    )
    own, _ = database(settings)
    await prepare(own)
    world = await World.open(own, settings)
    made = Node(world, settings)
    try:
        yield made
    finally:
        made.kill()
        await world.close()


def url_of(target: Target) -> str:
    """The address of a database, as a server is told it."""
    owner = target.owner
    if "dsn" in owner:
        return urlsplit(str(owner["dsn"]))._replace(path=f"/{owner['database']}").geturl()
    return f"postgresql://{owner['user']}@/{owner['database']}?host={quote(owner['host'], safe='')}"
