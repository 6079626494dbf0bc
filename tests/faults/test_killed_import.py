"""SIGKILL in the middle of an import: what the ledger names is whole, and running it again finishes it without repeating."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from helhed.foundation.database import connect, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres

DOCUMENTS, RESULTS = 60, 40  # results of each patient
BEFORE_THE_KILL = 5
_OTHERS = "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Patients from abroad, each in a document of its own."""
    made = tmp_path / "documents"
    made.mkdir()
    for number in range(DOCUMENTS):
        (made / f"{number:03}.json").write_text(json.dumps(_bundle(number)), "utf-8")
    return made


@pytest.fixture
def database(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """The database of the network that is imported into, kept running by this test."""
    server = EmbeddedPostgres(tmp_path / "data", shared_buffers="64MB")
    server.start()
    yield server
    server.stop()


def _bundle(number: int) -> dict[str, Any]:
    name = f"urn:uuid:{number:08}-0000-4000-8000-000000000000"
    patient = {"resourceType": "Patient", "id": f"p{number}", "name": [{"family": "Roe"}], "birthDate": "1974-01-26"}
    results = [
        {"resourceType": "Observation", "id": f"o{number}-{one}", "status": "final", "code": {"text": "x"}, "subject": {"reference": name}}
        for one in range(RESULTS)
    ]  # fmt: skip
    entries = [{"fullUrl": name, "resource": patient}, *({"resource": one} for one in results)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _import(database: EmbeddedPostgres, folder: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "HELHED_DATA_DIR": str(database.data_dir),
        "HELHED_SHARED_BUFFERS": "64MB",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "helhed.cli", "import", "--source", "Abroad", str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)


async def _fetch(database: EmbeddedPostgres, statement: str) -> list[Any]:
    connection = await connect(embedded_target(database).owner)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def _finished(database: EmbeddedPostgres) -> int:
    """Documents in the ledger; none while there is no ledger yet."""
    try:
        return int((await _fetch(database, "select count(*) from exchange.imported_document"))[0][0])
    except (asyncpg.InvalidCatalogNameError, asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return 0


def test_a_killed_import_goes_on_where_it_was(database: EmbeddedPostgres, folder: Path) -> None:
    running = _import(database, folder)
    while running.poll() is None and asyncio.run(_finished(database)) < BEFORE_THE_KILL:
        pass
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    while asyncio.run(_fetch(database, _OTHERS)) != [(0,)]:
        pass  # what the killed had asked for is still being done or undone
    done = asyncio.run(_finished(database))
    assert BEFORE_THE_KILL <= done < DOCUMENTS, "the kill came in the middle"
    # what is in the ledger is whole, and nothing else is there
    by_citizen = "select count(*) from fhir.resource where citizen is not null group by citizen"
    whole = asyncio.run(_fetch(database, by_citizen))
    assert whole == [(RESULTS + 1,)] * len(whole)
    assert len(whole) == asyncio.run(_finished(database))

    again = _import(database, folder)
    told, _ = again.communicate()
    total = DOCUMENTS * (RESULTS + 1)
    assert again.returncode == 0
    assert f"{total} entries = {total} stored + 0 merged + 0 rejected" in told
    assert asyncio.run(_fetch(database, by_citizen)) == [(RESULTS + 1,)] * DOCUMENTS
