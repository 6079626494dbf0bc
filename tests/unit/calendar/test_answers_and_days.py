"""A citizen answers, the unit sees it in its day and has a piece of work; the unit makes, changes and calls off its own."""

import asyncio
import json

import pytest

from helhed.foundation.ask import Action
from helhed.foundation.errors import HelhedError
from helhed.foundation.ids import key_of
from helhed.record.calendar.answering import Answer, NotTaken
from tests.support.world import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")
START = "2026-12-01T10:00:00+01:00"
LUNG = {"description": "Lungekontrol", "end": "2026-12-01T10:30:00+01:00"}


async def _secretary(town, place=None):
    place = place or town.ward
    who = await town.world.employee(place, "secretary")
    return await town.doors.professional(who, place, "secretary"), town.world.professional(who, place, "secretary")


async def _tasks(town):
    ask = (await _secretary(town))[1]
    rows = await town.world.store.citizen_rows(ask, key_of(town.patient), ["Task"], 50)
    return [json.loads(row.version.body) for row in rows]


async def _answer(town, kind, words=""):
    browser = await town.citizen()
    fields = {"aftale": browser.value("aftale"), "version": browser.value("version"), "svar": kind, "besked": words}
    return await browser.post("/borger/kalender/svar", **fields)


async def test_a_confirmation_stands_in_the_appointment_and_makes_no_work(town):
    await town.book(town.ward, START, **LUNG)
    browser = await _answer(town, "confirm")
    assert "Stedet kan nu se, at du kommer." in browser.text
    assert "Du har svaret, at du kommer" in browser.text
    assert await _tasks(town) == []
    rows = [one for one in await town.log() if one["action"] == Action.ANSWER_APPOINTMENT]
    assert [(one["actor"], one["permitted"]) for one in rows] == [(key_of(town.patient), True)]


async def test_a_wish_to_move_is_a_piece_of_work_of_the_unit_and_the_old_time_holds(town):
    booked = await town.book(town.ward, START, **LUNG)
    browser = await _answer(town, "move", "Kun om eftermiddagen")
    assert "Stedet skal nu svare. Indtil da gælder tiden" in browser.text
    (task,) = await _tasks(town)
    assert task["owner"] == {"reference": f"Organization/{town.ward}"}
    assert task["focus"] == {"reference": f"Appointment/{booked}"}
    assert task["for"] == task["requester"] == {"reference": f"Patient/{town.patient}"}
    assert task["description"] == "Kun om eftermiddagen"
    assert task["input"][0]["valueCode"] == "move"


async def test_who_cannot_come_is_told_that_the_unit_has_to_call_it_off(town):
    await town.book(town.ward, START, **LUNG)
    browser = await _answer(town, "cancel")
    assert "Stedet skal nu aflyse tiden" in browser.text
    assert [task["input"][0]["valueCode"] for task in await _tasks(town)] == ["cancel"]


async def test_an_answer_to_what_was_changed_meanwhile_changes_nothing(town):
    body = town.body(START, **LUNG)
    booked = await town.world.put(town.world.system(town.ward), body)
    browser = await town.citizen()
    fields = {"aftale": browser.value("aftale"), "version": browser.value("version"), "svar": "confirm"}
    await town.say(
        town.ward, booked, {**body, "start": "2026-12-02T10:00:00+01:00", "end": "2026-12-02T10:30:00+01:00"}
    )
    await browser.post("/borger/kalender/svar", **fields)
    assert browser.status == 409
    assert "Aftalen er blevet ændret, siden du åbnede siden" in browser.text
    assert await _tasks(town) == []


async def test_of_two_answers_at_once_one_is_taken(town):
    await town.book(town.ward, START, **LUNG)
    ask = town.world.citizen(town.patient)
    rooms = town.doors.ports.calendars
    (one,) = await rooms.calendar(ask, key_of(town.patient))
    both = [rooms.answer(ask, key_of(town.patient), one, Answer(kind, "x")) for kind in ("move", "cancel")]
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert sum(one is None for one in ended) == 1
    assert all(isinstance(one, HelhedError) for one in ended if one is not None)
    assert len(await _tasks(town)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"status": "cancelled"},
        {"start": "2026-11-23T09:30:00+01:00", "end": "2026-11-23T10:00:00+01:00"},
        {"extension": [{"url": "urn:helhed:extension:appointment-answers", "valueCode": "confirm"}]},
    ],
    ids=["called off", "too near", "the place does not take it"],
)
async def test_what_the_place_does_not_take_is_refused(town, body):
    await town.book(town.ward, **{"start": START, **LUNG, **body})
    ask, rooms = town.world.citizen(town.patient), town.doors.ports.calendars
    (one,) = await rooms.calendar(ask, key_of(town.patient))
    with pytest.raises(NotTaken):
        await rooms.answer(ask, key_of(town.patient), one, Answer("cancel"))


async def test_a_place_without_a_system_takes_no_answer_and_nothing_is_half_done(town):
    await town.book(town.ward, START, **LUNG)
    await town.world.owner.execute(
        "update trust.system_client set ended_at = $2 where organisation = $1", key_of(town.ward), NOW
    )
    browser = await _answer(town, "cancel")
    assert browser.status == 422
    assert "Ring til stedet." in browser.text
    assert "Du har meldt afbud" not in browser.text


async def test_nobody_answers_for_another(town):
    booked = await town.book(town.ward, START, **LUNG)
    stranger = await town.doors.person(town.clinic, "Frede Test Fremmed", "1960-01-01")
    browser = await (await town.doors.citizen(stranger)).get("/borger/kalender")
    await browser.post("/borger/kalender/svar", aftale=str(booked), version="1", svar="cancel")
    assert browser.status == 404
    assert "Du har meldt afbud" not in (await town.citizen()).text


# --- the unit -------------------------------------------------------------------------------------------------------------------


async def test_the_day_shows_who_comes_and_what_they_answered_and_each_is_told_in_their_log(town):
    await town.book(town.ward, START, **LUNG)
    await town.book(town.clinic, "2026-12-01T11:00:00+01:00", description="Noget i klinikken")
    await _answer(town, "cancel")
    browser, ask = await _secretary(town)
    await browser.get("/hospital/dagsliste?dag=2026-12-01")
    assert "10.00–10.30 Lungekontrol afbud Bodil Test Prøvesen" in browser.text
    assert "Noget i klinikken" not in browser.text
    looks = [one for one in await town.log() if one["actor"] == ask.actor]
    assert [(one["action"], one["permitted"]) for one in looks] == [(Action.OVERVIEW, True)]


async def test_a_unit_above_sees_the_days_of_those_beneath_and_others_see_nothing(town):
    await town.book(town.ward, START, **LUNG)
    above, _ = await _secretary(town, town.hospital)
    elsewhere, _ = await _secretary(town, town.clinic)
    assert "Lungekontrol" not in (await elsewhere.get("/hospital/dagsliste?dag=2026-12-01")).text
    await above.get("/hospital/dagsliste?dag=2026-12-01")
    assert above.status == 200


async def test_what_the_citizen_blocked_is_not_in_the_day(town):
    await town.book(town.ward, START, **LUNG)
    await town.world.block(town.patient, town.ward)
    browser, _ = await _secretary(town)
    text = (await browser.get("/hospital/dagsliste?dag=2026-12-01")).text
    assert "Lungekontrol" not in text
    assert "0 aftaler" in text


DIED = "update registries.citizen set deceased = $2 where key = $1"
TO_DO = "1 aftale skal aflyses"
TURN = "Hvis tur er det: Lungeambulatoriet skal aflyse tiden."


async def _day(town, day="2026-12-01"):
    browser, _ = await _secretary(town)
    return await browser.get(f"/hospital/dagsliste?dag={day}")


async def test_a_coming_appointment_of_the_dead_is_to_be_called_off_until_the_death_turns_out_to_be_wrong(town):
    await town.book(town.ward, START, **LUNG)
    for dead in (False, True, False):
        await town.world.owner.execute(DIED, key_of(town.patient), dead)
        text = (await _day(town)).text
        assert [words in text for words in (TO_DO, TURN, "Skal aflyses", "død")] == [dead] * 4
        assert ("ikke svaret" in text) is not dead
        english = (await (await _secretary(town))[0].get("/hospital/dagsliste?dag=2026-12-01&lang=en")).text
        assert ("Whose move it is: Lungeambulatoriet has to call it off." in english) is dead
        assert "Lungekontrol" in text  # nothing is called off by itself


async def test_a_death_under_another_of_the_citizens_numbers_counts_too(town):
    await town.book(town.ward, START, **LUNG)
    other = await town.doors.person(town.clinic, "Bodil Test Prøvesen", "1950-02-01")
    await town.world.owner.execute(DIED, key_of(other), True)
    assert TO_DO not in (await _day(town)).text
    keys = sorted([key_of(town.patient), key_of(other)])
    same = "insert into fhir.key_set (key, head, keys) select k, $1, $2 from unnest($2::bigint[]) k"
    await town.world.owner.execute(same, key_of(other), keys)
    assert TO_DO in (await _day(town)).text


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (START, {**LUNG, "status": "cancelled"}),
        ("2026-11-02T10:00:00+01:00", {"description": "Lungekontrol", "end": "2026-11-02T10:30:00+01:00"}),
    ],
    ids=["called off", "over"],
)
async def test_what_is_called_off_or_over_is_nobodys_move_when_somebody_has_died(town, start, more):
    await town.world.contact(town.patient, town.ward)
    await town.book(town.ward, start, **more)
    await town.world.owner.execute(DIED, key_of(town.patient), True)
    text = (await _day(town, start[:10])).text
    assert "Lungekontrol" in text
    assert "Skal aflyses" not in text
    assert TO_DO not in text


async def test_the_unit_calls_off_what_the_dead_had_and_only_the_unit_that_keeps_it_is_shown_it(town):
    booked = await town.book(town.ward, START, **LUNG)
    await town.world.owner.execute(DIED, key_of(town.patient), True)
    elsewhere, _ = await _secretary(town, town.clinic)
    assert "Skal aflyses" not in (await elsewhere.get("/hospital/dagsliste?dag=2026-12-01")).text
    browser = await _day(town)
    await browser.post("/hospital/dagsliste/aaben", dag="2026-12-01", aftale=str(booked))
    await browser.post(
        f"{browser.address}/aflys", aftale=str(booked), version=browser.value("version"), hvorfor="Dødsfald"
    )
    assert "Aftalen er aflyst." in browser.text
    assert "Skal aflyses" not in (await _day(town)).text


async def test_a_new_time_is_warned_of_before_it_is_saved_and_saved_when_the_patient_knows(town):
    await town.world.contact(town.patient, town.ward)
    await town.book(town.clinic, "2026-12-01T10:15:00+01:00", description="Blodprøve", end="2026-12-01T10:45:00+01:00")
    await town.book(town.ward, "2026-11-24T10:00:00+01:00", description="I dag")
    browser, _ = await _secretary(town)
    await browser.get("/hospital/dagsliste?dag=2026-11-24")
    await browser.post("/hospital/dagsliste/aaben", dag="2026-11-24", aftale=browser.value("aftale"))
    assert "Blodprøve" in browser.text
    new = {
        "hvad": "Kontrol",
        "dag": "2026-12-01",
        "fra": "10:00",
        "til": "10:30",
        "hvordan": "in-person",
        "klar": "Mød fastende",
    }
    page = browser.address
    await browser.post(page, **new)
    assert browser.status == 409
    assert "ligger samtidig" in browser.text
    assert 'value="Mød fastende"' in browser.page
    assert "Kontrol (" in browser.text
    assert "Ny" in browser.text
    await browser.post(page, **new, alligevel="ja")
    assert "Aftalen er gemt" in browser.text
    mine = (await town.citizen()).text
    assert "Mød fastende" in mine


async def test_staff_move_and_call_off_and_the_citizen_sees_before_and_after(town):
    booked = await town.book(town.ward, START, **LUNG)
    await _answer(town, "confirm")
    browser, _ = await _secretary(town)
    await browser.get("/hospital/dagsliste?dag=2026-12-01")
    await browser.post("/hospital/dagsliste/aaben", dag="2026-12-01", aftale=str(booked))
    page, version = browser.address, browser.value("version")
    moved = {"hvad": "Lungekontrol", "dag": "2026-12-04", "fra": "09:00", "til": "09:30", "hvordan": "video"}
    await browser.post(f"{page}/aendr", aftale=str(booked), version=version, **moved)
    assert "Aftalen er ændret." in browser.text
    mine = (await town.citizen()).text
    assert "til fredag 04.12.2026 kl. 09.00–09.30" in mine
    assert "Du har svaret" not in mine
    await browser.post(f"{page}/aflys", aftale=str(booked), version=version, hvorfor="Lægen er syg")
    assert browser.status == 409
    await browser.get(page)
    await browser.post(f"{page}/aflys", aftale=str(booked), version=browser.value("version"), hvorfor="Lægen er syg")
    assert "Aftalen er aflyst." in browser.text
    assert "har aflyst aftalen: Lægen er syg." in (await town.citizen()).text


async def test_staff_do_not_change_what_another_place_keeps(town):
    await town.world.contact(town.patient, town.ward)
    theirs = await town.book(town.clinic, START, **LUNG)
    _, ask = await _secretary(town)
    from datetime import UTC, datetime

    from helhed.record.calendar.booking import Booking

    booking = Booking("x", datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC), "video")
    with pytest.raises(HelhedError):
        await town.doors.ports.calendars.change(ask, theirs, 1, booking)
    with pytest.raises(HelhedError):
        await town.doors.ports.calendars.call_off(ask, theirs, 1, "x")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"fra": "02:30", "dag": "2027-03-28"}, "klokkeslæt, der findes"),
        ({"til": "09:00"}, "slutte, efter"),
        ({"hvad": ""}, "Skriv, hvad aftalen er"),
        ({"hvordan": "brevdue"}, "Vælg, hvordan"),
        ({"dag": "9999-99-99"}, "Skriv en dag"),
        ({"hvad": "\u0001\u0002"}, "kunne ikke gemmes"),
    ],
)
async def test_what_cannot_be_an_appointment_is_said_and_kept_in_the_form(town, fields, words):
    await town.world.contact(town.patient, town.ward)
    booked = await town.book(town.ward, "2026-11-24T10:00:00+01:00", description="I dag")
    browser, _ = await _secretary(town)
    await browser.get("/hospital/dagsliste?dag=2026-11-24")
    await browser.post("/hospital/dagsliste/aaben", dag="2026-11-24", aftale=str(booked))
    form = {"hvad": "Kontrol", "dag": "2027-03-27", "fra": "10:00", "til": "10:30", "hvordan": "in-person", **fields}
    await browser.post(browser.address, **form)
    assert browser.status == 422
    assert words in browser.text
