"""The citizen's calendar: every sector on one line, changes that are told, conflicts in words, and nothing that is hidden."""

import re
from datetime import UTC, datetime

import pytest

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from tests.support.world import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVER = datetime(2099, 1, 1, tzinfo=UTC)
LUNG = {"description": "Lungekontrol", "end": "2026-12-01T10:30:00+01:00"}


async def test_appointments_of_all_sectors_stand_in_the_order_of_time_with_whom_to_call(town):
    await town.book(town.clinic, "2026-12-03T09:00:00+01:00", description="Årskontrol")
    await town.book(town.ward, "2026-12-01T10:00:00+01:00", **LUNG, patientInstruction="Tag din inhalator med.")
    await town.book(town.home_care, "2026-12-02T08:00:00+01:00", description="Besøg")
    text = (await town.citizen()).text
    order = [text.index(words) for words in ("Lungekontrol", "Besøg", "Årskontrol")]
    assert order == sorted(order)
    assert "Tirsdag 01.12.2026 kl. 10.00–10.30" in text
    assert "Tag din inhalator med." in text
    assert "Ring til: Lungeambulatoriet" in text


async def test_the_calendar_is_one_look_in_the_log(town):
    await town.book(town.ward, "2026-12-01T10:00:00+01:00", **LUNG)
    before = len(await town.log())
    await town.citizen()
    looks = (await town.log())[before:]
    assert [(one["action"], one["actor"], one["permitted"]) for one in looks] == [
        (Action.OVERVIEW, key_of(town.patient), True)
    ]


async def test_what_was_moved_says_from_when_to_when_and_who_called_off_says_why(town):
    body = town.body("2026-12-01T10:00:00+01:00", **LUNG)
    booked = await town.world.put(town.world.system(town.ward), body)
    moved = {**body, "start": "2026-12-08T11:00:00+01:00", "end": "2026-12-08T11:30:00+01:00"}
    await town.say(town.ward, booked, moved)
    text = (await town.citizen()).text
    assert "Lungekontrol Ændret" in text
    assert "Tiden er ændret fra tirsdag 01.12.2026 kl. 10.00–10.30 til tirsdag 08.12.2026 kl. 11.00–11.30." in text
    await town.say(town.ward, booked, {**moved, "status": "cancelled", "cancelationReason": {"text": "Lægen er syg"}})
    text = (await town.citizen()).text
    assert "Lungekontrol Aflyst" in text
    assert "Lungeambulatoriet har aflyst aftalen: Lægen er syg." in text
    await town.say(town.ward, booked, moved)
    assert "Lungeambulatoriet har sat aftalen i kraft igen." in (await town.citizen()).text


async def test_what_its_sender_took_out_does_not_vanish_unseen(town):
    booked = await town.book(town.clinic, "2026-12-01T10:00:00+01:00", **LUNG)
    await town.world.delete(town.world.system(town.clinic), "Appointment", booked)
    text = (await town.citizen()).text
    assert "Lungekontrol Slettet" in text
    assert "Lægerne Prøvegade har slettet aftalen." in text


async def test_what_was_entered_in_error_is_not_shown(town):
    body = town.body("2026-12-01T10:00:00+01:00", **LUNG)
    booked = await town.world.put(town.world.system(town.ward), body)
    await town.say(town.ward, booked, {**body, "status": "entered-in-error"})
    assert "Lungekontrol" not in (await town.citizen()).text


async def test_an_overlap_is_said_with_whose_move_it_is(town):
    await town.book(town.ward, "2026-12-01T10:00:00+01:00", **LUNG)
    await town.book(town.clinic, "2026-12-01T10:15:00+01:00", description="Blodprøve")
    text = (await town.citizen()).text
    assert "En ting passer ikke sammen" in text
    assert "ligger samtidig" in text
    assert "satte sin tid sidst" in text
    assert not re.search(r"ring\. *<a", text), "a number that hangs after the full stop"


async def test_a_home_address_is_never_told(town):
    home = {
        "resourceType": "Location", "id": "h", "name": "Skjulvej 4", "physicalType": {"coding": [{"code": "ho"}]},
        "address": {"text": "Skjulvej 4, 6991 Vestfjord"},
    }  # fmt: skip
    others = [{"actor": {"reference": "#h", "display": "Skjulvej 4"}, "status": "accepted"}]
    await town.book(town.home_care, "2026-12-01T10:00:00+01:00", description="Besøg", contained=[home], others=others)
    text = (await town.citizen()).text
    assert "I hjemmet" in text
    assert "Skjulvej" not in text
    town_page = await town.doors.citizen(town.patient)
    assert "Skjulvej" not in (await town_page.get("/borger/kalender/aftaler.ics?indhold=full")).page


# --- who sees it ----------------------------------------------------------------------------------------------------------------


async def _hide(town, row, *, from_citizen):
    doctor = town.world.professional(await town.world.employee(town.ward), town.ward)
    await town.doors.acting.mask(doctor, "Appointment", row, from_citizen=from_citizen)


async def test_a_masked_appointment_leaves_no_trace_in_page_conflict_hint_past_or_file(town):
    hidden = await town.book(town.ward, "2026-12-01T10:00:00+01:00", **LUNG)
    await town.book(town.clinic, "2026-12-01T10:15:00+01:00", description="Blodprøve")
    alone = await town.doors.person(town.clinic, "Ene Test Prøvesen", "1951-02-01")
    await town.book(town.clinic, "2026-12-01T10:15:00+01:00", description="Blodprøve", patient=alone)
    assert "ligger samtidig" in (await town.citizen()).text
    await _hide(town, hidden, from_citizen=True)
    masked = (await town.citizen()).page
    other = (await (await town.doors.citizen(alone)).get("/borger/kalender")).page
    assert "Lungekontrol" not in masked
    assert _plain(masked) == _plain(other)
    file = (await (await town.doors.citizen(town.patient)).get("/borger/kalender/aftaler.ics?indhold=full")).page
    assert "Lungekontrol" not in file
    assert file.count("BEGIN:VEVENT") == 1


def _plain(page):
    """A page without what is somebody's own: ids, tokens and names."""
    import re

    kept = re.sub(r'value="[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}', "", page)
    return kept.replace("Bodil Test Prøvesen", "").replace("Ene Test Prøvesen", "").replace("Ane Test", "")


async def test_a_parent_sees_a_childs_calendar_until_the_birthday_and_not_what_is_masked(town):
    mother = await town.doors.person(town.clinic, "Mona Test Moder", "1980-01-01")
    child = await town.doors.person(town.clinic, "Bo Test Barn", "2011-11-24")
    await town.doors.acting.let_act(await town.doors.keeper(), key_of(child), key_of(mother), "custody", NOW, EVER)
    await town.book(town.clinic, "2026-12-01T10:15:00+01:00", description="Astmakontrol", patient=child)
    hidden = await town.book(town.ward, "2026-12-01T10:00:00+01:00", patient=child, **LUNG)
    await _hide(town, hidden, from_citizen=False)
    browser = await town.doors.citizen(mother)
    await browser.get("/borger")
    await browser.post("/borger/hvem", hvem=str(child))
    await browser.get("/borger/kalender")
    assert "Bo Test Barns kalender" in browser.text
    assert "Astmakontrol" in browser.text
    assert "Lungekontrol" not in browser.text
    assert "samtidig" not in browser.text
    town.doors.now = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)  # midnight in Denmark
    await browser.get("/borger/kalender")
    assert "Astmakontrol" not in browser.text


async def test_somebody_else_sees_nothing_of_it(town):
    await town.book(town.ward, "2026-12-01T10:00:00+01:00", **LUNG)
    stranger = await town.doors.person(town.clinic, "Frede Test Fremmed", "1960-01-01")
    assert "Lungekontrol" not in (await (await town.doors.citizen(stranger)).get("/borger/kalender")).text
