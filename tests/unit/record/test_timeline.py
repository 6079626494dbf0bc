"""One order of time over all sources."""

from datetime import UTC, date, datetime

from hypothesis import given, strategies as st

from helhed.record import timeline
from helhed.record.timeline import Filter, events, stretch
from tests.unit.record.builders import HERE, THERE, record, records, text, value

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def vaccine(day, **more):
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": text("Influenza"),
        "occurrenceDateTime": day,
        **more,
    }


def days_of(found):
    return [event.at.at.date().isoformat() for event in found]


def test_the_newest_comes_first_over_all_sources():
    found = events(records(here=[vaccine("2020-01-01")], there=[vaccine("2024-01-01")]), NOW)
    assert [(event.origin, event.at.at.year) for event in found] == [(THERE, 2024), (HERE, 2020)]


def test_measurements_of_a_day_stand_as_one_event_and_other_days_apart():
    found = events(
        record(
            value("59408-5", 91, "%", "2026-02-05T06:20:00+01:00"),
            value("59408-5", 90, "%", "2026-02-05T02:00:00+01:00"),
            value("8867-4", 88, "/min", "2026-02-05T02:00:00+01:00"),
            value("59408-5", 95, "%", "2026-01-05"),
        ),
        NOW,
    )
    assert [len(event.values) for event in found] == [3, 1]


def test_results_of_a_report_stand_beneath_it_and_nowhere_else():
    inner = {**value("718-7", 14, "g/dL", "2016-03-07"), "id": "01900000-0000-7000-8000-000000000001"}
    report = {
        "resourceType": "DiagnosticReport", "status": "final", "code": text("Complete blood count"),
        "effectiveDateTime": "2016-03-07", "result": [{"reference": f"Observation/{inner['id']}"}],
    }  # fmt: skip
    found = events(record(report, inner), NOW)
    assert [(event.type_name, len(event.values)) for event in found] == [("DiagnosticReport", 1)]


def test_what_is_still_to_come_is_not_on_it():
    to_come = {
        "resourceType": "Appointment",
        "status": "booked",
        "description": "Kontrol",
        "start": "2026-12-01T09:20:00+01:00",
    }
    assert events(record(to_come), NOW) == []


def test_cancelled_and_mistaken_things_are_not_on_it_and_undated_ones_are_counted():
    undated = {"resourceType": "Condition", "code": text("KOL")}
    found = record(vaccine("2020", status="entered-in-error"), undated)
    assert events(found, NOW) == []
    assert timeline.undated(found) == 1


def test_a_filter_on_kind_keeps_the_counts_of_the_others():
    found = events(
        record(vaccine("2020"), {"resourceType": "Condition", "code": text("KOL"), "onsetDateTime": "2016"}), NOW
    )
    shown = stretch(found, Filter(kind="vaccine"))
    assert [event.kind for event in shown.events] == ["vaccine"]
    assert shown.kinds == {"vaccine": 1, "diagnosis": 1}


@given(days=st.lists(st.integers(0, 40), max_size=60), size=st.integers(1, 15))
def test_paging_shows_everything_once_and_never_splits_a_day(days, size):
    found = events(record(*(vaccine(f"2020-{1 + day // 28:02d}-{1 + day % 28:02d}") for day in days)), NOW)
    seen: list[str] = []
    before: date | None = None
    while True:
        shown = stretch(found, Filter(before=before), size)
        assert not set(days_of(shown.events)) & set(seen)
        seen += days_of(shown.events)
        if shown.before is None:
            break
        before = shown.before
    assert seen == days_of(found)


def test_day_after_day_of_the_same_measurements_is_told_once_until_something_else_happens():
    daily = [value("59408-5", 90 + day % 3, "%", f"2026-11-{day:02d}T08:00:00+01:00") for day in (2, 3, 4, 9, 10)]
    found = events(record(*daily, vaccine("2026-11-05")), NOW)
    assert [(event.kind, event.days, len(event.values)) for event in found] == [
        ("result", 2, 2), ("vaccine", 1, 0), ("result", 3, 3),
    ]  # fmt: skip
    assert found[0].since is not None
    assert found[0].since.at.day == 9


def test_a_prescription_is_called_by_its_contained_drug():
    drug = {"resourceType": "Medication", "id": "product", "code": text("Salbutamol")}
    asked = {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order", "authoredOn": "2026",
        "contained": [drug], "medicationReference": {"reference": "#product"},
    }  # fmt: skip
    assert [event.title for event in events(record(asked), NOW)] == ["Salbutamol"]
