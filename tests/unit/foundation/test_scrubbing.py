"""No CPR number and no token reaches a log line or a metric."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator

import asyncpg
import pytest
import structlog

from helhed.foundation import metrics
from helhed.foundation.database import Target, connect
from helhed.foundation.database_log import talkative
from helhed.foundation.logging import configure, logger, scrub

CPR = "0102034567"
SECRETS = [
    "010203-4567", CPR, "260174-1AG7", "2601741AG7", "260174-1ag7", "eyJhbGciOi.eyJzdWIi.c2ln", "Bearer abc.def",
    "bearer abc",
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "around",
    ["before {} after", "{}", "cpr={}", "cpr_{}", "x?identifier=urn:oid:1%7C{}&y=1", '{{"v":"{}"}}', "({})", "{},"],
)
def test_what_looks_like_a_secret_is_taken_out(secret: str, around: str) -> None:
    assert secret not in scrub(around.format(secret))


@pytest.mark.parametrize(
    "text",
    [
        "resources stored: 120, took 12 ms",
        "2026-11-23T08:00:00.123456Z",
        "trace 01a208fe-0a1a-7a3f-8dca-4142285149f4",
        "12345678901 rows",
        "port 8000",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert scrub(text) == text


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What was written to the log since; afterwards everything logs as it did before."""
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    known = structlog.get_config() if structlog.is_configured() else None
    monkeypatch.setattr(sys, "stderr", written)
    configure("info")
    yield written.getvalue
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    if known is not None:
        structlog.configure(**known)


def test_a_line_is_json_with_its_room_and_its_fields(lines) -> None:
    logger("api").info("answered", status=200, milliseconds=1.5)
    (line,) = lines().splitlines()
    told = json.loads(line)
    assert (told["room"], told["event"], told["status"], told["level"]) == ("api", "answered", 200, "info")


@pytest.mark.parametrize(
    "fields",
    [
        {"query": f"identifier={CPR}"},
        {"ids": [CPR]},
        {"nested": {"deep": [{"cpr": CPR}]}},
        {"pair": (CPR, 1)},
        {"error": ValueError(f"Key (value)=({CPR}) already exists")},
        {"raw": CPR.encode()},
        {"number": int("1" + CPR[1:])},
        {CPR: "as a name"},
    ],
    ids=["text", "list", "nested", "tuple", "error", "bytes", "number", "name"],
)
def test_no_field_of_a_line_holds_a_number_of_a_person(lines, fields) -> None:
    logger("api").warning("refused", **fields)
    written = lines()
    assert "refused" in written
    assert CPR not in written
    assert "1" + CPR[1:] not in written


def test_an_error_tells_its_kind_and_place_and_not_its_words(lines) -> None:
    try:
        raise ValueError("Anna Test is ill")
    except ValueError as error:
        logger("api").error("failed", error=error)
    told = json.loads(lines())
    assert told["error"] == "ValueError"
    assert told["frames"]
    assert "Anna" not in str(told)


def test_libraries_are_scrubbed_too(lines) -> None:
    library = logging.getLogger("some.library")
    library.warning("got %s", CPR)
    try:
        raise ValueError(f"Key (value)=({CPR}) of Anna Test")
    except ValueError:
        library.exception("could not")
    written = lines()
    assert "could not" in written
    assert "ValueError" in written
    assert CPR not in written
    assert "Anna" not in written


def test_metrics_have_labels_from_closed_lists_only() -> None:
    """A label that could hold an id, a path or a name would make a series of each person."""
    allowed = {"door", "interaction", "status", "topic", "le"}
    for family in metrics.REGISTRY.collect():
        for sample in family.samples:
            assert set(sample.labels) <= allowed, family.name
    assert b"helhed_waiting_reads" in metrics.exposition()


def test_a_line_that_a_library_put_together_wrong_stops_nobody(lines) -> None:
    ours = logging.getLogger().handlers[0]
    ours.handle(logging.LogRecord("some.library", logging.WARNING, "", 0, "two %s %s", (CPR,), None))
    assert json.loads(lines())["event"] == "two %s %s"


_SPEAKING = """
import asyncio, gc, threading
from helhed.foundation.logging import configure, let_no_error_speak

class Dying:
    def __del__(self):
        raise ValueError("Anna Test is ill")

def fail():
    raise ValueError("Anna Test is ill")

async def forgotten():
    let_no_error_speak()
    async def task():
        fail()
    one = asyncio.ensure_future(task())
    await asyncio.wait([one])
    del one
    gc.collect()

configure("info")
let_no_error_speak()
asyncio.run(forgotten())
del [Dying()][0]
gc.collect()
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def test_an_error_that_nobody_caught_tells_its_kind_and_not_its_words() -> None:
    done = subprocess.run([sys.executable, "-c", _SPEAKING], capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [one["error"] for one in told] == ["ValueError"] * 4
    assert done.returncode == 1
    assert "Anna" not in done.stderr + done.stdout


def test_an_error_of_the_system_or_the_database_tells_its_reason(lines) -> None:
    logger("api").error("failed", error=OSError(98, "Address already in use", "Anna"))
    logger("api").error("failed", error=asyncpg.UniqueViolationError("Key (name)=(Anna)"))
    told = [json.loads(line) for line in lines().splitlines()]
    assert (told[0]["reason"], told[1]["sqlstate"]) == ("Address already in use", "23505")
    assert "Anna" not in lines()


async def test_a_database_that_logs_what_it_is_asked_is_noticed(target: Target) -> None:
    owner = await connect(target.owner)
    for name, value in (
        ("log_error_verbosity", "verbose"),
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
    ):
        await owner.execute("select set_config($1, $2, false)", name, value)
        assert name in await talkative(owner)
    await owner.close()
