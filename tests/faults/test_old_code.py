"""An earlier release serves on the schema of this one, beside it, as it does while workers are replaced."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import OKPKey

from helhed.foundation.database import connect, embedded_target, read_secret
from helhed.foundation.keyring_file import FORMER_FILE
from helhed.foundation.once import create_once
from helhed.foundation.postgres import EmbeddedPostgres
from tests.support.live import LiveServer, free_port

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
CONTRACTS = sorted((ROOT / "tests" / "migration" / "contracts").glob("*.json"))


def _installed(folder: Path) -> Path:
    """A data folder with the keys that every earlier release made at its first start, and reads."""
    read_secret(folder)
    key = OKPKey.generate_key("Ed25519")
    create_once(folder / FORMER_FILE, json.dumps(key.as_dict(private=True)).encode())
    return folder


def _release_of(contract: Path) -> str:
    """The commit that wrote the contract of a release."""
    command = ["git", "log", "--diff-filter=A", "--format=%H", "-1", "--", str(contract)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(params=CONTRACTS, ids=lambda path: path.stem)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[LiveServer, LiveServer]]:
    """This release, and the earlier one on its data."""
    new = LiveServer.start(_installed(tmp_path / "new"), citizens=3)
    asyncio.run(_as_upgraded(new.data_dir))
    code = tmp_path / "old"
    code.mkdir()
    archive = subprocess.run(
        ["git", "archive", _release_of(request.param), "helhed", "demo"], cwd=ROOT, capture_output=True, check=True
    )
    subprocess.run(["tar", "x", "-C", str(code)], input=archive.stdout, check=True)
    shutil.copytree(ROOT / "helhed/portals/static/vendor", code / "helhed/portals/static/vendor")
    old = _serve(code, new, tmp_path / "old.log")
    yield new, old
    os.killpg(old.process.pid, signal.SIGTERM)
    old.process.wait(30)
    new.stop()


async def _as_upgraded(data_dir: Path) -> None:
    """A network that was in use when it got this release: what earlier ones write without a proof is taken for a day."""
    owner = await connect(embedded_target(EmbeddedPostgres(data_dir)).owner)
    await owner.execute("update foundation.proof_demand set since = clock_timestamp() + interval '1 day'")
    await owner.close()


def _serve(code: Path, new: LiveServer, log_path: Path) -> LiveServer:
    port = free_port()
    environment = {**new.environment, "PYTHONPATH": str(code), "HELHED_PORT": str(port), "HELHED_DEMO": "true"}
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "helhed.cli", "serve"],
            env=environment, cwd=code, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    old = replace(new, url=f"http://127.0.0.1:{port}", process=process, environment=environment)
    old.wait_ready()
    return old


def _post(server: LiveServer, token: str, citizen: str) -> str:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": citizen},
        "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        "effectiveDateTime": "2026-11-20T10:00:00+01:00",
    }
    head = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    answer = httpx.post(f"{server.url}/fhir/Observation", json=observation, headers=head)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    identifier: str = answer.json()["id"]
    return identifier


def test_old_and_new_code_serve_the_same_data_beside_each_other(both: tuple[LiveServer, LiveServer]) -> None:
    citizen, system, own = both[0].reference("jens"), both[0].token("epj-system"), both[0].token("jens")
    written = [_post(server, system, citizen) for server in both]
    for server in both:
        head = {"authorization": f"Bearer {own}"}
        for identifier in written:
            assert httpx.get(f"{server.url}/fhir/Observation/{identifier}", headers=head).json()["id"] == identifier
        for search in ("code=http://loinc.org|8867-4", "date=2026-11-20&_total=accurate", "subject.gender=male"):
            query = f"{server.url}/fhir/Observation?subject={citizen}&{search}&_count=100"
            found = httpx.get(query, headers=head).json()
            assert set(written) <= {entry["resource"]["id"] for entry in found["entry"]}
        assert httpx.get(f"{server.url}/", timeout=20).is_success
