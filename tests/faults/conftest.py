"""One network with two workers, for tests that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.support.live import LiveServer


@pytest.fixture(scope="session")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The real server with the demo people and two workers, which are replaced quickly."""
    running = LiveServer.start(tmp_path_factory.mktemp("two"), citizens=0, workers=2, HELHED_GOODBYE_SECONDS="0.5")
    yield running
    running.stop()
