"""The log tells by which app a look was made and through which broken glass, on the page and in every file."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from helhed.foundation.ids import key_of
from helhed.portals.language import Words
from helhed.portals.ports.log_desk import LogWish
from helhed.portals.presenters.log import log_days
from helhed.portals.presenters.log_export import as_csv, as_json
from helhed.trust.glass.tickets import Tickets
from tests.support.door import Door
from tests.support.pages import ports_of
from tests.support.world import NOW, World

DA = Words("da")


@pytest.fixture
async def entries(world: World):
    """A citizen looked by an app, and a doctor of another place broke the glass and looked."""
    ward = await world.organisation("Afdeling Nord")
    patient = await world.patient(ward)
    row = await world.observation(patient, ward)
    await world.owner.execute(
        "insert into trust.client (id, name, profile, kind, redirect_uris, scope, bound, registered_at) values ('3f9c', 'Blodtryksappen', 'smart', 'public', '{https://a.example}', 'openid', false, $1)",
        NOW - timedelta(days=9),
    )  # fmt: skip
    app = replace(world.citizen(patient), client="3f9c")
    status, _ = await Door(world, app).get(f"/fhir/Observation/{row}")
    assert status == 200
    elsewhere = await world.organisation("Akut Syd")
    doctor = world.professional(await world.employee(elsewhere), elsewhere)
    ticket = uuid4()
    await Tickets(world.store.pool).break_glass(doctor, key_of(patient), "Fare for liv", ticket=ticket)
    status, _ = await Door(world, replace(doctor, trace=uuid4())).get(f"/fhir/Observation/{row}")
    assert status == 200
    wish = LogWish(NOW - timedelta(days=1), NOW + timedelta(days=1), None, limit=50)
    page = await ports_of(world, lambda: NOW).log_desk.own.page(world.citizen(patient), wish)
    return page.entries, ticket


async def test_the_page_tells_the_app_by_its_name_and_the_ticket(entries):
    found, ticket = entries
    notes = [note for day in log_days(found, DA) for visit in day.visits for note in visit.notes]
    assert "Med Blodtryksappen." in notes
    assert f"Værdispring, billet {str(ticket)[:8].upper()}." in notes
    assert not any("3f9c" in note for note in notes)


async def test_every_file_has_app_ticket_and_request(entries):
    found, ticket = entries
    rows = list(csv.DictReader(io.StringIO(as_csv(found, DA).decode("utf-8-sig"))))
    told = json.loads(as_json(found, DA))
    assert {row["App eller system"] for row in rows} == {"", "Blodtryksappen"} == {one["app"] for one in told}
    assert [row["Billet (værdispring)"] for row in rows].count(str(ticket)) == 2, (
        "the breaking, and the look through it"
    )
    assert all(row["Forespørgslens id"] for row in rows)
    assert [one["request"] for one in told] == [row["Forespørgslens id"] for row in rows]


async def test_what_was_seen_in_another_way_is_told_without_a_ticket(entries):
    found, ticket = entries
    assert {one.ticket for one in found if one.app} == {""}
    assert {one.ticket for one in found if one.ticket} == {str(ticket)}
