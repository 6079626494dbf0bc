"""Fixtures of every test: a real PostgreSQL, fresh databases cloned from a migrated template, a running network."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from helhed.foundation.database import Target, application_password, embedded_target, url_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.settings import Settings
from helhed.serving import prepare
from tests.support.databases import copy_made, drop, proofs
from tests.support.in_memory import folder_in_memory
from tests.support.live import LiveServer
from tests.support.world import SECRET, World

#: a test never asserts a time, a generated one neither
hypothesis_settings.register_profile("helhed", deadline=None)
hypothesis_settings.load_profile("helhed")
_TEMPLATE = "helhed_template"


@pytest.fixture(scope="session")
def server_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server with a migrated template database: the embedded one, or HELHED_TEST_DATABASE_URL."""
    url = os.environ.get("HELHED_TEST_DATABASE_URL")
    if url:
        settings = Settings(database_url=url, data_dir=tmp_path_factory.mktemp("data"))
        template = url_target(url, application_password(settings, SECRET), proofs=proofs).named(
            f"{_TEMPLATE}_{os.getpid()}"
        )
        asyncio.run(prepare(template))
        yield template
        asyncio.run(drop(template))
        return
    with folder_in_memory(tmp_path_factory.mktemp("postgres")) as folder:
        server = EmbeddedPostgres(folder, shared_buffers="64MB")
        server.start()
        template = embedded_target(server, _TEMPLATE, proofs)
        asyncio.run(prepare(template))
        yield template
        server.discard()


@pytest.fixture
def target(server_target: Target) -> Iterator[Target]:
    """A fresh, empty, migrated database."""
    with copy_made(server_target) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def module_target(server_target: Target) -> Iterator[Target]:
    """The same, for the tests of a module together."""
    with copy_made(server_target) as fresh:
        yield fresh


@pytest.fixture
async def world(target: Target, tmp_path: Path) -> AsyncIterator[World]:
    """An open store on a fresh database, with helpers to put people and resources in it."""
    opened = await World.open(target, Settings(data_dir=tmp_path, demo=True))
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The real server as a process of its own, with the demo people."""
    running = LiveServer.start(tmp_path_factory.mktemp("live"))
    yield running
    running.stop()
