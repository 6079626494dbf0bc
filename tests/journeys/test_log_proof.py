"""A citizen proves alone that the log is whole; and sees it when it is not."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from helhed.cli import app
from helhed.foundation.database import connected, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from tests.journeys.conftest import Journey, Person
from tests.support.live import LiveServer

pytestmark = pytest.mark.journey

_ROW = """
delete from foundation.access_log where id = (
  select id from foundation.access_log where citizen is not null and action = 50 order by id limit 1) returning *"""


class Prover(Person):
    """Somebody on the page about the proof of their log."""

    def opens_the_proof(self) -> None:
        """The page, until the log is there."""
        self.goes_to("/borger/log/bevis")
        self.page.locator("#hentet").wait_for(state="visible")

    def checks_without_the_network(self) -> str:
        """Which outcome is shown."""
        self.context.set_offline(True)
        self.page.get_by_role("button", name="Kontrollér nu").click()
        shown = self.page.locator("[data-outcome]:visible:not([data-outcome=working])")
        shown.wait_for(state="visible")
        self.context.set_offline(False)
        return shown.get_attribute("data-outcome") or ""


@pytest.fixture
def prover(journey: Journey) -> Prover:
    """A citizen of the demo, logged in."""
    person = journey.given("jens")
    person.__class__ = Prover
    assert isinstance(person, Prover)
    return person


def test_a_citizen_checks_the_log_with_the_network_off(prover: Prover) -> None:
    prover.goes_to("/borger/log")
    prover.page.get_by_role("link", name="Er min log hel?").click()
    prover.page.locator("#hentet").wait_for(state="visible")
    assert prover.checks_without_the_network() == "whole"
    told = prover.page.locator("#resultat").inner_text()
    assert "region.demo" in told
    assert "patientforening.demo" in told
    assert not prover.security_complaints()
    assert prover.sideways == 0


def test_a_witness_that_did_not_sign_proves_nothing(prover: Prover) -> None:
    prover.opens_the_proof()
    prover.page.locator("#noegle").fill("ab" * 32)
    assert prover.checks_without_the_network() == "witness"


def test_a_log_is_kept_and_compared_with_later(prover: Prover, tmp_path: Path) -> None:
    prover.opens_the_proof()
    with prover.page.expect_download() as coming:
        prover.page.get_by_role("link", name="Hent filen").click()
    kept = tmp_path / "kept.json"
    coming.value.save_as(kept)
    prover.opens_the_proof()
    prover.page.locator("#tidligere").set_input_files(kept)
    assert prover.checks_without_the_network() == "whole"
    told = CliRunner().invoke(app, ["log", "verify", str(kept)])
    assert told.exit_code == 0
    assert "The log is whole" in told.output
    forged = json.loads(kept.read_text("utf-8"))
    forged["events"][0]["event"] = forged["events"][0]["event"].replace('"kind":', '"kind":1')
    kept.write_text(json.dumps(forged), "utf-8")
    prover.opens_the_proof()
    prover.page.locator("#tidligere").set_input_files(kept)
    assert prover.checks_without_the_network() == "inclusion"


def test_a_row_that_the_owner_of_the_database_takes_out_is_missed(prover: Prover, live_server: LiveServer) -> None:
    prover.opens_the_proof()
    row = _as_owner(live_server, _ROW)
    prover.opens_the_proof()
    assert prover.checks_without_the_network() == "missing"
    names = ", ".join(row.keys())
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    put_back = f"insert into foundation.access_log ({names}) overriding system value values ({places})"
    _as_owner(live_server, put_back, *row.values())
    prover.opens_the_proof()
    assert prover.checks_without_the_network() == "whole"


def test_without_javascript_the_page_says_how_else(journey: Journey) -> None:
    person = journey.given("jens", javascript=False)
    person.goes_to("/borger/log/bevis")
    assert "kræver JavaScript" in person.reads()
    assert person.page.get_by_role("link", name="Hent filen").is_visible()
    assert not person.page.get_by_role("button", name="Kontrollér nu").is_visible()


def _as_owner(server: LiveServer, statement: str, *values: Any) -> Any:
    """What the owner of the database does, past everything."""
    target = embedded_target(EmbeddedPostgres(server.data_dir))

    async def done() -> Any:
        async with connected(target.owner) as connection:
            return await connection.fetchrow(statement, *values)

    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(done())).result()
