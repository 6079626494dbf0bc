"""Generated histories of appointments by several organisations, against a second, slow form of what a calendar shows; and iCalendar
as a library that is not ours reads it.

The second form knows no class of ``record.calendar``: it works on the JSON that was sent, minute by minute for what collides.
"""

import json
from collections import namedtuple
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import icalendar
from hypothesis import example, given, settings, strategies as st

from helhed.record.calendar import appointments as first_form
from helhed.record.calendar.changes import changes
from helhed.record.calendar.conflicts import Spot, conflicts
from helhed.record.calendar.events import Detail, events
from helhed.record.calendar.ics import Event, calendar, escaped, folded
from helhed.record.calendar.places import Unit, whereabouts
from helhed.record.calendar.rules import rules

DK = ZoneInfo("Europe/Copenhagen")
NOW = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
UNITS = {
    1: Unit("Sygehuset", "70 00 00 01", "Sygehusvej 1, 6991 Vestfjord", "6991"),
    2: Unit("Klinikken", "", "Torvet 2, 6991 Vestfjord", "6991"),
    3: Unit("Det fjerne sygehus", "70 00 00 03", "Engvej 3, 6998 Østerby", "6998"),
}
WORDS = {
    "appointment": "Aftale",
    "call": "Ring til",
    "with": "Sammen med",
    "home": "I hjemmet",
    "telephone": "Telefon",
    "video": "Video",
}
Row = namedtuple("Row", "id version updated deleted origin body")

#: nights on which clocks change, midnight, and ordinary days: seconds from one that is close to all of them
_AROUND = [
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2027, 3, 28, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 20, 21, 45, tzinfo=UTC), datetime(2026, 10, 21, 8, 0, tzinfo=UTC), datetime(2026, 12, 31, 22, 30, tzinfo=UTC),
]  # fmt: skip


@st.composite
def moments(draw):
    return draw(st.sampled_from(_AROUND)) + timedelta(minutes=15 * draw(st.integers(-12, 12)))


@st.composite
def bodies(draw):
    start = draw(moments())
    whole_day = draw(st.integers(0, 9)) == 0
    body = {
        "status": draw(st.sampled_from(["booked"] * 6 + ["cancelled", "cancelled", "pending", "entered-in-error"])),
        "description": draw(st.sampled_from(["Kontrol", "Blodprøve", ""])),
        "participant": [
            {"actor": {"reference": "Patient/x"}, "status": draw(st.sampled_from(["needs-action", "accepted"]))}
        ],
    }
    zone = draw(st.sampled_from([UTC, DK]))
    body["start"] = start.astimezone(DK).date().isoformat() if whole_day else start.astimezone(zone).isoformat()
    length = draw(st.sampled_from([None, 0, 15, 30, 60, 600]))
    if length is not None:
        end = start + timedelta(minutes=length)
        body["end"] = end.astimezone(DK).date().isoformat() if whole_day else end.astimezone(zone).isoformat()
    elif draw(st.booleans()):
        body["minutesDuration"] = draw(st.sampled_from([10, 45]))
    manner = draw(st.sampled_from([None, "in-person", "telephone", "home"]))
    if manner:
        body["extension"] = [{"url": "urn:helhed:extension:appointment-manner", "valueCode": manner}]
    return body


@st.composite
def histories(draw):
    """Rows: several appointments, each made, changed, called off, put in force again, or taken out by its sender."""
    rows = []
    for number in range(draw(st.integers(0, 5))):
        id, origin = UUID(int=number + 1), draw(st.sampled_from(sorted(UNITS)))
        versions = draw(st.lists(bodies(), min_size=1, max_size=4))
        at = NOW - timedelta(days=draw(st.integers(1, 30)))
        for version, body in enumerate(versions, 1):
            at += timedelta(hours=draw(st.integers(1, 5)))
            rows.append(Row(id, version, at, False, origin, json.dumps(body).encode()))
        if draw(st.integers(0, 7)) == 0:
            rows.append(Row(id, len(versions) + 1, at + timedelta(hours=1), True, origin, None))
    return draw(st.permutations(rows))


def appointments(rows: Any) -> list[Any]:
    """The form that serves."""
    return list(first_form.appointments(rows))


# --- the second form -------------------------------------------------------------------------------------------------------------


def _bounds(body):
    """When it begins and is over, in UTC."""
    if len(body["start"]) == 10:
        first = date.fromisoformat(body["start"])
        last = max(date.fromisoformat(body.get("end", body["start"])), first)
        midnight = [
            datetime(d.year, d.month, d.day, tzinfo=DK).astimezone(UTC) for d in (first, last + timedelta(days=1))
        ]
        return midnight[0], midnight[1]
    begins = datetime.fromisoformat(body["start"]).astimezone(UTC)
    ends = datetime.fromisoformat(body["end"]).astimezone(UTC) if "end" in body else None
    if ends is None or ends <= begins:
        ends = begins + timedelta(minutes=body.get("minutesDuration", 30))
    return begins, ends


def _said(row):
    """The times of a version, as moments."""
    body = json.loads(row.body)
    return [_bounds({"start": body[name]})[0] if name in body else None for name in ("start", "end")]


def _standing(rows):
    """Id, origin, body and whether it stands, of each that is shown."""
    shown: dict[Any, Any] = {}
    for row in sorted(rows, key=lambda row: row.version):
        body, removed = (shown[row.id][1], True) if row.deleted else (json.loads(row.body), False)
        shown[row.id] = (row.origin, body, removed)
    return {
        id: (origin, body, body["status"] in ("booked", "pending") and not removed)
        for id, (origin, body, removed) in shown.items()
        if body["status"] != "entered-in-error"
    }


def _manner(body):
    return body.get("extension", [{}])[0].get("valueCode", "")


def _must_wait(one, other):
    (origin, body), (origin2, body2) = one, other
    if {_manner(body), _manner(body2)} & {"telephone", "video"}:
        return 0
    if "home" in (_manner(body), _manner(body2)):
        return 0 if _manner(body) == _manner(body2) else 30
    return 0 if origin == origin2 else 60 if 3 in (origin, origin2) else 20


def _colliding(rows):
    """Pairs that share a minute, or have too few between them."""
    found = set()
    standing = [
        (id, origin, body, *_bounds(body))
        for id, (origin, body, stands) in _standing(rows).items()
        if stands and len(body["start"]) > 10 and _bounds(body)[1] > NOW
    ]
    for id, origin, body, begins, ends in standing:
        for id2, origin2, body2, begins2, _ in standing:
            if id == id2 or (begins, str(id)) > (begins2, str(id2)):
                continue
            free = (begins2 - ends).total_seconds() / 60
            if free < 0:
                found.add((id, id2, "overlap"))
            elif free < _must_wait((origin, body), (origin2, body2)):
                found.add((id, id2, "travel"))
    return found


# --- they agree ------------------------------------------------------------------------------------------------------------------


def the_calendar_shows_what_the_second_form_shows(rows):
    found = appointments(rows)
    wanted = _standing(rows)
    assert {one.id: one.stands for one in found} == {id: stands for id, (_, _, stands) in wanted.items()}
    begun = [one.said.start.at.astimezone(UTC) for one in found]
    assert begun == sorted(begun)
    for one in found:
        begins, ends = _bounds(wanted[one.id][1])
        assert (one.said.start.at.astimezone(UTC), one.said.until()) == (begins, ends)
        assert one.over(NOW) == (ends <= NOW)


def what_collides_is_what_the_second_form_finds(rows):
    found = appointments(rows)
    hits = conflicts(found, lambda one: whereabouts(one, UNITS).spot, NOW)
    told = {(hit.first.id, hit.second.id, hit.kind) for hit in hits if hit.kind != "trips"}
    assert told == _colliding(rows)
    newest = {one.id: one.time_set for one in found}
    for hit in hits:
        if hit.mover:
            assert newest[hit.mover.id] == max(newest[hit.first.id], newest[hit.second.id])


def what_is_hidden_changes_nothing_that_is_told_of_the_rest(rows, which):
    """Twin calendars: with a row hidden, and without it ever having been."""
    known = sorted({row.id for row in rows} | {UUID(int=99)})
    hidden = known[which % len(known)]
    left = [row for row in rows if row.id != hidden]
    spot = lambda one: whereabouts(one, UNITS).spot  # noqa: E731
    assert conflicts(appointments(left), spot, NOW) == [
        hit for hit in conflicts(appointments(left), spot, NOW) if hidden not in (hit.first.id, hit.second.id)
    ]
    both = {(h.kind, h.first.id, h.second.id) for h in conflicts(appointments(rows), spot, NOW) if h.kind != "trips"}
    fewer = {(h.kind, h.first.id, h.second.id) for h in conflicts(appointments(left), spot, NOW) if h.kind != "trips"}
    assert fewer == {one for one in both if hidden not in one}


def every_change_has_a_before_that_was_said_and_a_day(rows):
    for one in appointments(rows):
        said = [past for _, past in one.past] + [one.said]
        at = {when for when, _ in one.past} | {one.updated}
        for change in changes(one):
            assert change.before in said
            assert change.after in said
            assert change.at in at
        moved = sum(
            _said(a) != _said(b) for a, b in pairwise(row for row in sorted(rows) if row.id == one.id and row.body)
        )
        assert moved == sum(change.what == "time" for change in changes(one))


def a_calendar_program_reads_the_very_moments_of_the_page(rows):
    found = appointments(rows)
    read = icalendar.Calendar.from_ical(calendar("Aftaler", events(found, UNITS, Detail.FULL, WORDS, NOW)))
    got: dict[str, Any] = {str(event["UID"]): event for event in read.walk("VEVENT")}
    fresh = [one for one in found if one.said.until() > NOW - timedelta(days=60)]
    assert set(got) == {f"{one.id}@helhed" for one in fresh}
    for one in fresh:
        event = got[f"{one.id}@helhed"]
        start, end = event.decoded("DTSTART"), event.decoded("DTEND")
        if one.said.all_day:
            assert (start, end) == (one.said.start.at.astimezone(DK).date(), one.said.until().astimezone(DK).date())
        else:
            assert start.astimezone(UTC) == one.said.start.at.astimezone(UTC)
            assert end.astimezone(UTC) == one.said.until().astimezone(UTC)
        assert str(event["STATUS"]) == _status(one)
        assert int(event["SEQUENCE"]) == one.version - 1
        assert str(event["SUMMARY"]) == (one.said.what or "Aftale")


def _status(one):
    if not one.stands:
        return "CANCELLED"
    return "TENTATIVE" if one.said.status == "pending" else "CONFIRMED"


LAWS = (
    the_calendar_shows_what_the_second_form_shows,
    what_collides_is_what_the_second_form_finds,
    every_change_has_a_before_that_was_said_and_a_day,
    a_calendar_program_reads_the_very_moments_of_the_page,
)


@settings(max_examples=120, deadline=None)
@given(histories(), st.integers(0, 5))
@example([Row(UUID(int=1), 1, NOW, False, 1, json.dumps({"status": "booked", "start": "2026-10-25T02:30:00+02:00", "end": "2026-10-25T02:30:00+01:00", "participant": []}).encode())], 0)  # fmt: skip
def test_whatever_was_sent_each_law_of_a_calendar_holds(rows, which):
    """All laws on one drawing: to draw a history takes longer than to check one."""
    for law in LAWS:
        law(rows)
    what_is_hidden_changes_nothing_that_is_told_of_the_rest(rows, which)


# --- the writer -------------------------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
_BREAKS = ("\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")


def _plain(text):
    for sign in _BREAKS:
        text = text.replace(sign, "\n")
    return "".join(sign for sign in text if sign in "\n\t" or (ord(sign) >= 32 and not 127 <= ord(sign) <= 159))


@settings(max_examples=120, deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_words_come_back_as_they_were_and_begin_no_line(summary, location, description):
    event = Event("u", 0, NOW, False, False, NOW, NOW + timedelta(hours=1), False, summary, location, description)
    raw = calendar("x", [event])
    (read,) = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    assert str(read["SUMMARY"]) == _plain(summary)
    for name, text in (("LOCATION", location), ("DESCRIPTION", description)):
        assert str(read.get(name, "")) == (_plain(text) if text else "")
    lines = raw.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    assert raw.count(b"\r\nBEGIN:VEVENT\r\n") == 1
    assert raw.decode()


@settings(max_examples=80, deadline=None)
@given(ANY_TEXT)
def test_a_folded_line_unfolds_to_itself(text):
    line = f"X:{escaped(text)}"
    assert folded(line).replace("\r\n ", "") == line + "\r\n"


@settings(max_examples=120, deadline=None)
@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
@example(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
@example(datetime(1995, 9, 24, 1, 30, tzinfo=UTC))
def test_any_moment_is_read_back_by_our_own_rules_of_summer_time(moment):
    """By the VTIMEZONE in the file alone, as a program without a time zone database reads it."""
    start = moment.replace(microsecond=0)
    raw = calendar("x", [Event("u", 0, NOW, False, False, start, start + timedelta(minutes=30), False, "x")])
    line = next(
        one
        for one in raw.decode().split("\r\n")
        if one.startswith("DTSTART") and one[7:8] in ":;" and "19960331" not in one and "19961027" not in one
    )
    assert _by_the_file(line) == start


def _by_the_file(line):
    value = line.rsplit(":", 1)[1]
    if value.endswith("Z"):
        return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    local = datetime.strptime(value, "%Y%m%dT%H%M%S")
    spring, autumn = _last_sunday(local.year, 3).replace(hour=2), _last_sunday(local.year, 10).replace(hour=3)
    summer = spring <= local < autumn
    return (local - timedelta(hours=2 if summer else 1)).replace(tzinfo=UTC)


def _last_sunday(year, month):
    day = datetime(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def test_the_rules_are_those_of_the_file():
    assert rules().travel["same-town"] == timedelta(minutes=20)
    assert rules().travel["elsewhere"] == timedelta(minutes=60)
    assert rules().travel["unknown"] == timedelta(minutes=30)
    assert Spot() == Spot("", "", False)
