"""What a security officer does: sees who looks without a reason, asks, and closes it with somebody else."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from helhed.foundation.clock import system_clock
from helhed.foundation.database import connected, create_pool, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.trust.watch.job import WatchJob
from tests.journeys.conftest import PHONE, Person
from tests.support.live import LiveServer

pytestmark = pytest.mark.journey

OFFICER, SECOND, CLINIC, OUTSIDER = "security", "security-second", "security-clinic", "outsider"
DOORS = ("/drift/overvaagning", "/drift/haendelser", "/drift/varsler", "/drift/egenkontrol", "/oevelser")
_LOOK = """
insert into foundation.access_log
  (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
select $1, 2, p.actor, p.organisation, p.role, 'helhed-portal', 1, 9, true, 4, c.actor, '{}', '{}', gen_random_uuid()
from trust.persona p, trust.persona c where p.handle = $2 and c.handle = 'jens'"""


async def _weeks_of_looks(server: LiveServer) -> None:
    """The outsider has looked at one citizen for four weeks; the job is told to begin at the beginning."""
    target, now = embedded_target(EmbeddedPostgres(server.data_dir)), system_clock()
    async with connected(target.owner) as owner, await create_pool(target, size=1, statement_timeout_ms=8000) as pool:
        for week in range(1, 5):
            await owner.execute(_LOOK, now - timedelta(days=7 * week), OUTSIDER)
        await owner.execute("delete from trust.watch_position")
        job = WatchJob(pool)
        for _ in range(100):
            done = await job.run(now)
            if done.until is not None and done.until >= now and not done.scored:
                return


@pytest.fixture(scope="module")
def looked_at(live_server: LiveServer) -> None:
    with ThreadPoolExecutor(1) as aside:  # the browser's event loop has this thread
        aside.submit(lambda: asyncio.run(_weeks_of_looks(live_server))).result()


def enters(person: Person, handle: str) -> None:
    """Logs in as somebody with a desk."""
    person.goes_to("/")
    person.page.get_by_role("link", name=re.compile(r"Medarbejder-log-in \(demo\)$")).first.click()
    person.page.locator(f'form:has(input[name="person"][value="{handle}"]) button').click()
    person.page.wait_for_url(re.compile("/drift/overvaagning$"))


def test_a_snooper_is_seen_asked_about_and_closed_by_two(journey, looked_at):
    officer = journey.person()
    enters(officer, OFFICER)
    officer.page.get_by_role("link", name=re.compile("^Sag .*læge")).first.click()
    expect(officer.page.get_by_text("uden registreret relation").first).to_be_visible()
    assert "Borger A" in officer.reads()
    officer.page.get_by_role("button", name="Tag sagen").click()
    officer.page.get_by_label("forklaret, afventer en anden").check()
    officer.page.get_by_label("Begrundelse").fill("Aftalt med ledelsen")
    officer.page.get_by_role("button", name="Gem").click()
    address = officer.page.url
    second = journey.person()
    enters(second, SECOND)
    second.page.goto(address)
    second.page.get_by_label("afsluttet").check()
    second.page.get_by_label("Begrundelse").fill("Set og enig")
    second.page.get_by_role("button", name="Gem").click()
    expect(second.page.get_by_text("Sagen er afsluttet.")).to_be_visible()


def test_the_desks_fit_a_phone_and_lead_to_each_other_without_javascript(journey, looked_at):
    officer = journey.person(size=PHONE, javascript=False)
    enters(officer, CLINIC)
    for door in DOORS:
        officer.goes_to(door)
        expect(officer.page.get_by_role("heading", level=1)).to_be_visible()
        assert officer.sideways == 0, door
    officer.goes_to("/drift/overvaagning")
    officer.page.get_by_role("link", name="Egenkontrol").click()
    expect(officer.page.get_by_text("0 af 19 spørgsmål er besvaret.")).to_be_visible()
