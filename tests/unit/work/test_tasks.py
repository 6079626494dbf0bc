"""A piece of work as a FHIR Task, built and read."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from helhed.fhir.validation import validate
from helhed.foundation.errors import Unprocessable
from helhed.work.kinds import kind_named, kinds
from helhed.work.tasks import ACCEPTED, CLOSED, HOLDER, STATUSES, Step, kind_of, task, whose_move

WARD, CLINIC, TEAM = (f"Organization/0{n}234567-89ab-7def-8123-456789abcdef" for n in (1, 2, 3))
JENS = "Patient/01234567-89ab-7def-8123-0000000000aa"
NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)


def piece(**changes):
    about = {"kind": "follow-up-after-discharge", "patient": JENS, "requester": WARD, "owner": CLINIC, "authored": NOW}
    return task(**{**about, **changes})


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_builds_a_task_that_follows_the_definitions(kind):
    body = piece(kind=kind, focus="DiagnosticReport/x", description="Check the potassium", urgent=True)
    assert validate(body) == []
    assert kind_of(body) == kind
    assert whose_move(body).due == (NOW + kinds()[kind].act_within).isoformat(timespec="milliseconds")


def test_every_kind_has_its_words_and_somebody_who_is_told():
    for kind in kinds().values():
        assert kind.words["da"]
        assert kind.words["en"]
        assert kind.escalates_to in {"sender", "above"}
        assert timedelta(0) < kind.accept_within <= kind.act_within
        assert kind.step > timedelta(0)


def test_it_stays_with_the_sender_until_the_receiver_accepts():
    body = piece()
    for status in ("requested", "received"):
        move = whose_move({**body, "status": status})
        assert (move.step, move.holder, move.asked) == (Step.ACCEPT, WARD, CLINIC)
    for status in ACCEPTED:
        move = whose_move({**body, "status": status})
        assert (move.step, move.holder, move.asked) == (Step.ACT, CLINIC, CLINIC)


def test_what_was_declined_is_back_with_the_sender():
    move = whose_move({**piece(), "status": "rejected"})
    assert (move.step, move.holder, move.asked) == (Step.SEND_AGAIN, WARD, WARD)


def test_what_was_handed_on_stays_with_who_handed_it_on_until_the_next_accepts():
    handed = piece(owner=TEAM) | {"extension": [{"url": HOLDER, "valueReference": {"reference": CLINIC}}]}
    assert whose_move(handed).holder == CLINIC
    assert whose_move(handed).asked == TEAM
    assert whose_move(handed | {"status": "rejected"}).holder == CLINIC
    assert whose_move(handed | {"status": "accepted"}).holder == TEAM


def test_what_is_over_is_nobodys_move():
    for status in CLOSED:
        assert not whose_move({**piece(), "status": status}).open


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "tidy-up"}, {"due": NOW - timedelta(hours=1)}, {"due": NOW.replace(tzinfo=None)}],
)
def test_what_cannot_be_a_piece_of_work_is_refused(wrong):
    with pytest.raises(Unprocessable):
        piece(**wrong)


def test_a_kind_that_is_none_of_ours_has_the_deadlines_of_other():
    assert kind_named("tidy-up") is kinds()["other"]
    assert kind_named(None) is kinds()["other"]


JSON = st.recursive(st.none() | st.booleans() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["reference", "period", "end", "coding", "url", "system"]), inner, max_size=3), max_leaves=8)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["status", "owner", "requester", "restriction", "code", "extension"]), JSON))
def test_reading_a_task_of_any_shape_never_fails(body):
    move = whose_move(body)
    assert move.open == (str(body.get("status")) not in CLOSED)
    assert kind_of(body) in {None, *kinds()}


@given(st.sampled_from(sorted(STATUSES)), st.booleans())
def test_every_open_piece_is_with_exactly_one(status, handed):
    body = {**piece(), "status": status}
    if handed:
        body["extension"] = [{"url": HOLDER, "valueReference": {"reference": TEAM}}]
    move = whose_move(body)
    assert bool(move.holder) == move.open
