"""The clock of an incident, and warnings as others read them."""

import json
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from uuid import UUID

import pytest

from helhed.foundation.errors import Unprocessable
from helhed.trust.watch.assessments import Standing, controls, exercises, how_far, weakest
from helhed.trust.watch.incidents import Incident, clock_of, incident_policy, months_after, next_due
from helhed.trust.watch.warnings import Warning_, indicators_of, stix

KNOWN = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)


def incident(class_: str = "P1", *, personal: bool = True, **done: datetime) -> Incident:
    entries = [
        {"at": at.isoformat(), "step": step.replace("_", "-"), "note": "", "author": ""} for step, at in done.items()
    ]
    return Incident(UUID(int=1), 1, class_, "", "", KNOWN, personal, 3, None, None, KNOWN, None, entries)


def due(one: Incident) -> dict[str, datetime]:
    return {step.step.name: step.at for step in clock_of(one)}


def test_the_clock_is_24_hours_72_hours_and_a_month_after_the_notification():
    moments = due(incident())
    assert moments["early-warning"] == KNOWN + timedelta(hours=24)
    assert moments["notification"] == moments["data-protection"] == KNOWN + timedelta(hours=72)
    assert moments["final-report"] == datetime(2026, 3, 2, 22, 30, tzinfo=UTC)


def test_a_month_counts_from_when_the_notification_was_sent():
    sent = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
    assert due(incident(notification=sent))["final-report"] == datetime(2026, 2, 28, 8, 0, tzinfo=UTC)


def test_months_are_those_of_the_danish_calendar_through_summer_time():
    assert months_after(datetime(2026, 2, 28, 23, 30, tzinfo=UTC), 1) == datetime(
        2026, 4, 1, 0, 30, tzinfo=UTC
    ) - timedelta(hours=2)


def test_what_the_authorities_need_not_know_is_not_on_the_clock():
    assert set(due(incident("P4", personal=False))) == {"lessons"}
    assert set(due(incident("P3"))) == {"data-protection", "citizens", "lessons"}


def test_the_next_step_is_the_first_that_is_not_done():
    assert next_due(incident()).step.name == "early-warning"  # type: ignore[union-attr]
    after = next_due(incident(early_warning=KNOWN + timedelta(hours=30)))
    assert after is not None
    assert after.step.name == "notification"
    assert next(one.late(KNOWN) for one in clock_of(incident(early_warning=KNOWN + timedelta(hours=30))))


@pytest.mark.parametrize("name", ["incidents.json", "controls.json", "exercises.json", "watch.json"])
def test_each_policy_is_dated_and_says_whence_it_comes(name: str):
    told = json.loads((resources.files("helhed.trust.policy") / name).read_text("utf-8"))
    assert date.fromisoformat(told["date"]) >= date(2026, 11, 29)
    assert told["source"]
    assert told["confirmed_by_a_lawyer"] is False
    assert incident_policy().classes.keys() == {"P1", "P2", "P3", "P4", "P5"}


@pytest.mark.parametrize(
    ("line", "kind"),
    [("ond[.]example.net", "domain"), ("192.0.2.7", "ipv4"), ("2001:db8::7", "ipv6"), ("hxxps://ond.example.net/a?b=c", "url"),
     ("falsk@ond.example.net", "email"), ("ab" * 32, "sha256")],
)  # fmt: skip
def test_marks_are_understood(line: str, kind: str):
    ((found, value),) = indicators_of(f"\n {line} \n")
    assert found == kind
    assert "[.]" not in value


@pytest.mark.parametrize(
    "line", ["hello world", "x' OR 'a' = 'a", "http://a'b.example", "javascript:alert(1)", "æ" * 700]
)
def test_what_is_no_mark_is_refused_and_never_stands_in_a_pattern(line: str):
    with pytest.raises(Unprocessable):
        indicators_of(line)


def test_a_warning_is_a_stix_bundle_that_is_the_same_each_time():
    warning = Warning_(
        UUID(int=7), 1, KNOWN, "high", "amber", "T", "B", (("domain", "ond.example.net"),), KNOWN, "Navn", ()
    )
    bundle = stix(warning)
    assert bundle == stix(warning)
    identity, report, indicator = bundle["objects"]
    assert report["object_refs"] == [indicator["id"]]
    assert {one["spec_version"] for one in bundle["objects"]} == {"2.1"}
    assert all(one["id"].startswith(f"{one['type']}--") for one in bundle["objects"])
    assert indicator["created_by_ref"] == identity["id"]
    assert "Navn" not in json.dumps(bundle)


def test_how_far_counts_what_is_not_answered_and_leaves_out_what_is_not_relevant():
    everything = {one.number: "yes" for one in controls()}
    assert how_far({}) is None
    assert how_far(everything) == 1.0
    assert how_far({**everything, controls()[0].number: "not-relevant"}) == 1.0
    assert 0 < (how_far({controls()[0].number: "yes"}) or 0) < 0.2


def test_weak_controls_are_told_of_three_organisations_and_not_of_fewer():
    number = controls()[0].number
    lacking = Standing("a", {number: "no"}, 0, 1, 0)
    assert weakest([lacking, lacking]) == []
    assert [(one.number, lack, of) for one, lack, of in weakest([lacking, lacking, lacking])] == [(number, 3, 3)]


def test_each_exercise_has_one_right_choice_and_says_why():
    for one in exercises():
        assert 0 <= one.right < len(one.choices)
        assert all(choice["da"] and choice["en"] for choice in one.choices)
        assert one.why["da"]
        assert one.why["en"]
