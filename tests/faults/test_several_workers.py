"""Two workers are one network: one sum of numbers, one count of look-ups, one that indexes; and /health says what is wrong."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from helhed.foundation.database import connect, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.registries.identifiers import CPR
from helhed.serving.indexing import ALONE
from helhed.trust.lookups.counting import limits
from tests.support.live import LiveServer

SECONDS, LOOKS = 60.0, 0.1
MOST = limits()[0]["citizen"][0].refuse_after


def until(seen: Callable[[], bool]) -> None:
    """Looks again and again; a failure when it never comes."""
    waiting = threading.Event()
    for _ in range(int(SECONDS / LOOKS)):
        if seen():
            return
        waiting.wait(LOOKS)
    raise AssertionError("it never came")


def by_many(look: Callable[[int], httpx.Response], times: int) -> list[httpx.Response]:
    """Each with a connection of its own, many at a time, so that both workers are met."""
    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(look, range(times)))


def owner(server: LiveServer, *statements: str) -> list[Any]:
    """What the last of some statements finds; one that is alone in a list."""

    async def run() -> list[Any]:
        connection = await connect(embedded_target(EmbeddedPostgres(server.data_dir)).owner)
        try:
            return [await connection.fetch(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(run())


def counted(server: LiveServer, interaction: str) -> float:
    text = httpx.get(f"{server.url}/metrics", timeout=20).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "helhed_requests_total" and sample.labels["interaction"] == interaction
    )


def test_whichever_worker_is_asked_tells_what_both_have_answered(two_workers: LiveServer) -> None:
    def told() -> set[float]:
        return {counted(two_workers, "options") for _ in range(10)}

    until(lambda: len(told()) == 1)
    (before,), times = told(), 40
    by_many(lambda _: httpx.options(f"{two_workers.url}/fhir/Patient", timeout=20), times)
    until(lambda: told() == {before + times})  # a worker tells the others once a second
    found = by_many(lambda _: httpx.get(f"{two_workers.url}/metrics", timeout=20), 10)
    assert {"helhed_workers 2.0" in one.text for one in found} == {True}


def test_both_workers_count_the_look_ups_of_one_person_together(two_workers: LiveServer) -> None:
    owner(two_workers, "delete from registries.lookup")  # other tests of this network look people up as well
    head = {"authorization": f"Bearer {two_workers.persona('jens')[0]}"}
    url = f"{two_workers.url}/fhir/Patient?identifier={CPR}|0101"

    def look(number: int) -> httpx.Response:
        return httpx.get(f"{url}{number:06}", headers=head, timeout=60)

    assert {one.status_code for one in by_many(look, MOST)} == {httpx.codes.OK}
    later = by_many(lambda n: look(MOST + n), 8)
    assert {one.status_code for one in later} == {httpx.codes.TOO_MANY_REQUESTS}
    assert look(0).is_success, "somebody who was looked up can be opened again"


def health_of(server: LiveServer) -> dict[str, Any]:
    """What the network says of itself, but for messages put aside: other tests send this server bad ones, and it says so."""
    told: dict[str, Any] = httpx.get(f"{server.url}/health", timeout=20).json()
    alarms = [one for one in told.pop("alarms", []) if "put aside" not in one]
    return {**told, "alarms": alarms} if alarms else told


def test_what_waits_to_be_indexed_is_told_and_done_without_being_asked(two_workers: LiveServer) -> None:
    def health() -> dict[str, Any]:
        return health_of(two_workers)

    async def while_somebody_else_indexes() -> None:
        connection = await connect(embedded_target(EmbeddedPostgres(two_workers.data_dir)).owner)
        await connection.execute("select pg_advisory_lock($1)", ALONE)
        await connection.execute("update fhir.index_work set done_at = null, bucket = 256 where name = 'numbers'")
        await asyncio.to_thread(until, lambda: "indexing" in health())
        assert health() == {
            "live": True,
            "ready": True,
            "reasons": [],
            "indexing": {"waiting": ["numbers"], "done": 0.25},
        }
        text = (await asyncio.to_thread(httpx.get, f"{two_workers.url}/metrics", timeout=20)).text
        assert "helhed_index_work_waiting 1.0" in text
        await connection.close()

    asyncio.run(while_somebody_else_indexes())
    until(lambda: "indexing" not in health())
    assert owner(two_workers, "select name from fhir.index_work where done_at is null") == []


@pytest.fixture
def unmigrated(two_workers: LiveServer):
    """A database that lacks a migration of the code, as one restored from before an upgrade does."""
    take = "delete from public.helhed_migration where package = 'portals' returning *"
    rows = owner(two_workers, take)
    yield two_workers
    for row in rows:
        values = ", ".join(f"'{value}'" for value in row.values())
        owner(two_workers, f"insert into public.helhed_migration values ({values})")


def test_a_network_whose_database_is_older_than_its_code_is_not_ready(unmigrated: LiveServer) -> None:
    answer = httpx.get(f"{unmigrated.url}/health", timeout=20)
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json() == {"live": True, "ready": False, "reasons": ["migrations pending"]}


def test_a_network_that_is_whole_is_ready(two_workers: LiveServer) -> None:
    assert health_of(two_workers) == {"live": True, "ready": True, "reasons": []}
