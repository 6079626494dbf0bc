"""Links for calendar programs: what they tell, whom they obey, when they end, and what somebody without one learns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import icalendar
import pytest

from helhed.foundation.ask import Action
from helhed.foundation.errors import Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.portals import build_portal_app
from helhed.trust.feeds import feed_rules, hashed
from tests.support.world import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVER = datetime(2099, 1, 1, tzinfo=UTC)
START = "2026-12-01T10:00:00+01:00"
LUNG = {
    "description": "Lungekontrol", "end": "2026-12-01T10:30:00+01:00", "patientInstruction": "Tag din inhalator med.",
}  # fmt: skip
ENTRANCE = {
    "resourceType": "Location",
    "id": "e",
    "name": "Indgang 4",
    "address": {"text": "Sygehusvej 10, 6991 Vestfjord"},
}


async def _link(town, patient=None, detail="address"):
    ask = town.world.citizen(patient or town.patient)
    return await town.doors.ports.calendars.make_feed(ask, ask.actor, detail, "da")


async def _fetch(town, secret, app=None):
    transport = httpx.ASGITransport(app or town.doors.app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(f"/kalender/{secret}.ics")


def _events(answer):
    return icalendar.Calendar.from_ical(answer.content).walk("VEVENT")


async def _book(town, **more):
    others = [{"actor": {"reference": "#e", "display": "Lungeambulatoriet"}, "status": "accepted"}]
    return await town.book(town.ward, START, **LUNG, contained=[ENTRANCE], others=others, **more)


async def test_unless_the_citizen_says_so_nothing_of_health_is_told(town):
    await _book(town)
    answer = await _fetch(town, await _link(town))
    (event,) = _events(answer)
    assert str(event["SUMMARY"]) == "Aftale i sundhedsvæsenet"
    assert str(event["LOCATION"]) == "Sygehusvej 10, 6991 Vestfjord"
    for word in ("Lunge", "inhalator", "Indgang", "Bodil"):
        assert word not in answer.text
    (short,) = _events(await _fetch(town, await _link(town, detail="time")))
    assert "LOCATION" not in short
    (whole,) = _events(await _fetch(town, await _link(town, detail="full")))
    assert str(whole["SUMMARY"]) == "Lungekontrol"
    assert "Tag din inhalator med." in str(whole["DESCRIPTION"])


async def test_a_change_and_a_cancellation_reach_calendars_that_have_the_event(town):
    body = town.body(START, **LUNG)
    booked = await town.world.put(town.world.system(town.ward), body)
    secret = await _link(town)
    (first,) = _events(await _fetch(town, secret))
    moved = {**body, "start": "2026-12-08T10:00:00+01:00", "end": "2026-12-08T10:30:00+01:00"}
    await town.say(town.ward, booked, moved)
    (second,) = _events(await _fetch(town, secret))
    await town.say(town.ward, booked, {**moved, "status": "cancelled"})
    (third,) = _events(await _fetch(town, secret))
    assert first["UID"] == second["UID"] == third["UID"]
    assert [int(one["SEQUENCE"]) for one in (first, second, third)] == [0, 1, 2]
    assert [str(one["STATUS"]) for one in (first, second, third)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]


async def test_each_fetch_stands_in_the_log_and_nothing_of_it_may_be_kept(town):
    await _book(town)
    secret = await _link(town)
    answer = await _fetch(town, secret)
    assert answer.headers["content-type"].startswith("text/calendar")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"
    acts = [one["action"] for one in await town.log()]
    assert acts.count(Action.OPEN_FEED) == acts.count(Action.CALENDAR_FEED) == 1


async def test_the_secret_is_nowhere_in_the_database(town):
    secret = await _link(town)
    rows = await town.world.owner.fetch("select f::text as said from trust.calendar_feed f")
    assert rows
    assert not any(secret in row["said"] for row in rows)
    assert any(
        row["secret"] == hashed(secret)
        for row in await town.world.owner.fetch("select secret from trust.calendar_feed")
    )


async def test_a_closed_link_opens_nothing_from_the_next_fetch_on(town):
    secret = await _link(town)
    assert (await _fetch(town, secret)).status_code == 200
    browser = await town.citizen()
    assert "Links, der virker" in browser.text
    await browser.post("/borger/kalender/link/slut", link=browser.value("link"))
    assert "Linket er lukket." in browser.text
    gone, never = await _fetch(town, secret), await _fetch(town, "x" * 43)
    assert (gone.status_code, gone.content, sorted(gone.headers)) == (
        never.status_code,
        never.content,
        sorted(never.headers),
    )
    assert gone.status_code == 404


@pytest.mark.parametrize("secret", ["", "x", "..", "%00", "æøå", "a" * 5000, "' or true --", "A" * 43, "%2e%2e%2f"])
async def test_what_is_no_secret_is_not_there(town, secret):
    await _book(town)
    answer = await _fetch(town, secret)
    assert answer.status_code == 404
    assert "BEGIN" not in answer.text


async def test_who_guesses_is_held_up_by_address_and_who_has_a_link_is_not(town):
    secret = await _link(town)
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)

    app = build_portal_app(replace(town.doors.ports, pause=pause))
    answers = [(await _fetch(town, f"guess-{n}", app)).status_code for n in range(61)]
    assert pauses
    assert answers[0] == 404
    assert answers[-1] == 429
    assert (await _fetch(town, secret)).status_code == 200


async def test_one_that_has_gone_wrong_is_told_to_come_later(town):
    secret = await _link(town)
    feed = "update trust.calendar_feed set window_at = $1, fetches = $2 where secret = $3"
    await town.world.owner.execute(feed, NOW - timedelta(minutes=5), feed_rules().an_hour, hashed(secret))
    answer = await _fetch(town, secret)
    assert answer.status_code == 429
    assert "BEGIN" not in answer.text
    town.doors.now = NOW + timedelta(hours=1)
    assert (await _fetch(town, secret)).status_code == 200


async def test_nobody_makes_a_link_to_another_and_the_attempt_is_in_their_log(town):
    stranger = await town.doors.person(town.clinic, "Frede Test Fremmed", "1960-01-01")
    with pytest.raises(Unknown):
        await town.doors.ports.calendars.make_feed(town.world.citizen(stranger), key_of(town.patient), "full", "da")
    tried = [one for one in await town.log() if one["action"] == Action.OPEN_FEED]
    assert [(one["actor"], one["permitted"]) for one in tried] == [(key_of(stranger), False)]


async def test_nobody_ends_anothers_link(town):
    secret = await _link(town)
    (feed,) = await town.doors.ports.calendars.feeds(town.world.citizen(town.patient))
    stranger = await town.doors.person(town.clinic, "Frede Test Fremmed", "1960-01-01")
    browser = await (await town.doors.citizen(stranger)).get("/borger/kalender")
    await browser.post("/borger/kalender/link/slut", link=str(feed.id))
    assert browser.status == 404
    assert (await _fetch(town, secret)).status_code == 200


async def test_no_more_links_than_one_may_have(town):
    for _ in range(feed_rules().at_most):
        await _link(town)
    with pytest.raises(Unprocessable):
        await _link(town)


async def test_a_parents_link_ends_by_itself_at_midnight_before_the_15th_birthday(town):
    mother = await town.doors.person(town.clinic, "Mona Test Moder", "1980-01-01")
    child = await town.doors.person(town.clinic, "Bo Test Barn", "2011-11-24")
    await town.doors.acting.let_act(await town.doors.keeper(), key_of(child), key_of(mother), "custody", NOW, EVER)
    await town.book(town.clinic, START, description="Astmakontrol", patient=child)
    secret = await town.doors.ports.calendars.make_feed(town.world.citizen(mother), key_of(child), "full", "da")
    midnight = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    town.doors.now = midnight - timedelta(seconds=1)
    assert "Astmakontrol" in (await _fetch(town, secret)).text
    town.doors.now = midnight
    assert (await _fetch(town, secret)).status_code == 404
    fetched = [one for one in await town.log(child) if one["action"] == Action.CALENDAR_FEED]
    assert [one["actor"] for one in fetched] == [key_of(mother)]


async def test_who_is_looked_after_sees_the_link_and_may_end_it(town):
    daughter = await town.doors.person(town.clinic, "Dorte Test Datter", "1980-01-01")
    await town.doors.acting.let_act(
        await town.doors.keeper(), key_of(town.patient), key_of(daughter), "proxy", NOW, EVER
    )
    ask = town.world.citizen(daughter)
    secret = await town.doors.ports.calendars.make_feed(ask, key_of(town.patient), "full", "da")
    browser = await town.citizen()
    assert "Dorte Test Datter henter dine aftaler:" in browser.text
    await browser.post("/borger/kalender/link/slut", link=browser.value("link"))
    assert (await _fetch(town, secret)).status_code == 404


async def test_what_is_masked_is_not_in_a_link(town):
    hidden = await _book(town)
    await town.book(town.clinic, "2026-12-02T10:00:00+01:00", description="Blodprøve")
    secret = await _link(town, detail="full")
    assert len(_events(await _fetch(town, secret))) == 2
    doctor = town.world.professional(await town.world.employee(town.ward), town.ward)
    await town.doors.acting.mask(doctor, "Appointment", hidden, from_citizen=True)
    (left,) = _events(await _fetch(town, secret))
    assert str(left["SUMMARY"]) == "Blodprøve"


async def test_words_of_senders_begin_no_line_of_a_calendar(town):
    evil = 'Kontrol\\r\\nBEGIN:VEVENT\nUID:x\rATTENDEE:mailto:a@b;c,d"\\ \u2028X-EVIL:1'
    await town.book(town.ward, START, description=evil, patientInstruction="\n".join(["END:VCALENDAR"] * 3) + "ø" * 900)
    answer = await _fetch(town, await _link(town, detail="full"))
    (event,) = _events(answer)
    assert "ATTENDEE" not in event
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    starts = [line.split(b":")[0].split(b";")[0] for line in answer.content.split(b"\r\n") if line[:1].strip()]
    assert starts.count(b"BEGIN") == 5  # the calendar, its time zone with two halves, and one event
    assert b"X-EVIL" not in starts


async def test_the_page_shows_an_address_once_and_asks_who_one_is_first(town):
    browser = await town.citizen()
    await browser.post("/borger/kalender/link", indhold="full")
    assert browser.address in ("/bekraeft", "/borger/kalender/link")
    if browser.address == "/borger/kalender/link":
        assert "/kalender/" in browser.page
        await browser.get("/borger/kalender")
        assert '.ics"' not in browser.page.replace("aftaler.ics", "")


async def test_a_link_of_the_dead_rests_until_the_death_turns_out_to_be_wrong(town):
    await _book(town)
    link = await _link(town)
    died = "update registries.citizen set deceased = $2 where key = $1"
    for dead, status in ((True, 404), (False, 200)):
        await town.world.owner.execute(died, key_of(town.patient), dead)
        assert (await _fetch(town, link)).status_code == status
