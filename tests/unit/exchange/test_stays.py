"""Which notifications lead a municipality from what it was told of a stay to how the stay is."""

from datetime import timedelta
from itertools import product
from random import Random
from typing import Any

import pytest

from helhed.exchange.messages.rules import rules
from helhed.exchange.messages.stays import LEAVE, Phase, State, Told, state_of, steps
from tests.support.world import NOW

START, LATER, LEFT, BACK, END = (f"2026-11-{day}T10:00:00+01:00" for day in (20, 21, 22, 23, 24))
IN = State(Phase.IN, "IMP", START)
ACUTE = State(Phase.IN, "EMER", START)
AWAY = State(Phase.ON_LEAVE, "IMP", START, left=LEFT)
BACK_AGAIN = State(Phase.IN, "IMP", START, left=LEFT, back=BACK)
HOME = State(Phase.HOME, "IMP", START, END)
DIED = State(Phase.DIED, "IMP", START, END)
ELSEWHERE = State(Phase.ELSEWHERE, "IMP", START, END)
GONE = State(Phase.GONE, "IMP", START)


def told(*states: State, holds: bool = True) -> list[list[str]]:
    """The codes of the use cases that a receiver is sent as a stay goes through these states."""
    before: list[Told] = []
    found = []
    for state in states:
        sent = steps(before, state, holds=holds)
        found.append([_code(one) for one in sent])
        before += [Told(str(len(before) + n), one.activity, NOW, one.state) for n, one in enumerate(sent)]
    return found


def _code(step: Any) -> str:
    code = rules().notification(step.activity)
    return {None: code, True: f"MORS {code}", False: f"AN_MORS {code}"}[step.died]


@pytest.mark.parametrize(
    ("course", "codes"),
    [
        ([IN, IN], [["STIN"], []]),
        ([ACUTE, State(Phase.HOME, "EMER", START, END)], [["STAA"], ["SLHJ"]]),
        ([ACUTE, IN, HOME], [["STAA"], ["STIN"], ["SLHJ"]]),
        ([IN, AWAY, BACK_AGAIN, HOME], [["STIN"], ["STOR"], ["SLOR"], ["SLHJ"]]),
        ([IN, State(Phase.ON_LEAVE, "IMP", START), IN], [["STIN"], ["STOR"], ["SLOR"]]),
        ([AWAY], [["STIN", "STOR"]]),
        ([IN, BACK_AGAIN], [["STIN"], ["STOR", "SLOR"]]),
        ([IN, AWAY, HOME], [["STIN"], ["STOR"], ["SLHJ"]]),
        ([IN, ELSEWHERE], [["STIN"], []]),
        ([IN, DIED], [["STIN"], ["MORS STIN"]]),
        ([IN, AWAY, DIED], [["STIN"], ["STOR"], ["MORS STOR"]]),
        ([HOME], [[]]),
        ([GONE], [[]]),
    ],
    ids=lambda value: "-".join(str(one) for one in value) if isinstance(value[0], list) else None,
)
def test_each_change_of_a_stay_is_told_by_its_own_activity(course, codes):
    assert told(*course) == codes


@pytest.mark.parametrize(
    ("course", "codes"),
    [
        ([IN, State(Phase.IN, "IMP", LATER)], [["STIN"], ["RE_STIN"]]),
        ([IN, AWAY, State(Phase.ON_LEAVE, "IMP", START, left=BACK)], [["STIN"], ["STOR"], ["RE_STOR"]]),
        ([IN, AWAY, BACK_AGAIN, State(Phase.IN, "IMP", START, left=LEFT, back=END)], [["STIN"], ["STOR"], ["SLOR"], ["RE_SLOR"]]),
        ([IN, HOME, State(Phase.HOME, "IMP", START, BACK)], [["STIN"], ["SLHJ"], ["RE_SLHJ"]]),
        ([IN, DIED, State(Phase.DIED, "IMP", START, BACK)], [["STIN"], ["MORS STIN"], ["MORS STIN"]]),
    ],
    ids=["admitted", "left", "came back", "went home", "died"],
)  # fmt: skip
def test_a_time_that_was_wrong_is_corrected(course, codes):
    assert told(*course) == codes


@pytest.mark.parametrize(
    ("course", "codes"),
    [
        ([IN, GONE, GONE], [["STIN"], ["AN_STIN"], []]),
        ([IN, AWAY, GONE], [["STIN"], ["STOR"], ["AN_STOR", "AN_STIN"]]),
        ([IN, AWAY, IN], [["STIN"], ["STOR"], ["AN_STOR"]]),
        ([IN, AWAY, BACK_AGAIN, AWAY], [["STIN"], ["STOR"], ["SLOR"], ["AN_SLOR"]]),
        ([IN, HOME, IN, HOME], [["STIN"], ["SLHJ"], ["AN_SLHJ"], ["SLHJ"]]),
        ([IN, HOME, GONE], [["STIN"], ["SLHJ"], ["AN_SLHJ", "AN_STIN"]]),
        ([IN, DIED, IN, HOME], [["STIN"], ["MORS STIN"], ["AN_MORS STIN"], ["SLHJ"]]),
        ([IN, DIED, GONE], [["STIN"], ["MORS STIN"], ["AN_MORS STIN", "AN_STIN"]]),
        ([IN, HOME, DIED], [["STIN"], ["SLHJ"], ["AN_SLHJ", "MORS STIN"]]),
        ([ACUTE, IN, ACUTE], [["STAA"], ["STIN"], ["AN_STIN"]]),
        ([IN, ACUTE], [["STIN"], ["AN_STIN", "STAA"]]),
        ([IN, GONE, IN], [["STIN"], ["AN_STIN"], ["STIN"]]),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_never_was_is_taken_back(course, codes):
    assert told(*course) == codes


def test_what_is_taken_back_names_what_told_it():
    sent = [Told("a", "admit-inpatient", NOW, IN), Told("l", "start-leave-inpatient", NOW, AWAY)]
    assert [(one.activity, one.takes_back, one.status) for one in steps(sent, GONE)] == [
        ("cancel-start-leave-inpatient", "l", "entered-in-error"), ("cancel-admit-inpatient", "a", "entered-in-error"),
    ]  # fmt: skip


def test_who_has_the_citizen_no_longer_is_told_of_what_was_wrong_and_of_nothing_new():
    sent = [Told("a", "admit-inpatient", NOW, IN)]
    assert steps(sent, HOME, holds=False) == []
    assert [one.activity for one in steps(sent, GONE, holds=False)] == ["cancel-admit-inpatient"]
    assert steps([], IN, holds=False) == []


def test_however_a_stay_goes_the_receiver_ends_up_knowing_it_and_nothing_is_told_twice():
    states = [IN, ACUTE, AWAY, BACK_AGAIN, HOME, DIED, ELSEWHERE, GONE]
    for seed in range(400):
        rng = Random(seed)
        before: list[Told] = []
        for n in range(6):
            state = rng.choice(states)
            sent = steps(before, state)
            before += [
                Told(f"{n}.{k}", one.activity, NOW + timedelta(minutes=n), one.state) for k, one in enumerate(sent)
            ]
            assert steps(before, state) == [], (seed, state)


def test_only_stays_at_hospitals_that_have_begun_are_told_of():
    for kind, status in product(["AMB", "HH", "VR"], ["in-progress", "finished"]):
        assert state_of({"class": {"code": kind}, "status": status, "period": {"start": START}}) is None
    assert state_of({"class": {"code": "IMP"}, "status": "planned", "period": {"start": START}}) is None
    assert state_of({"class": {"code": "IMP"}, "status": "in-progress"}) is None


def test_a_leave_is_read_as_medcom_writes_it_and_from_past_statuses():
    stay = {"class": {"code": "IMP"}, "status": "in-progress", "period": {"start": START}}
    leave = {"start": LEFT, "end": BACK}
    by_extension = state_of({**stay, "extension": [{"url": LEAVE, "valuePeriod": leave}]})
    by_history = state_of({**stay, "statusHistory": [{"status": "onleave", "period": leave}]})
    assert by_extension == by_history == BACK_AGAIN


@pytest.mark.parametrize(
    ("code", "phase"), [("exp", Phase.DIED), ("other-hcf", Phase.ELSEWHERE), ("home", Phase.HOME), ("", Phase.HOME)]
)
def test_where_somebody_went_says_how_a_stay_ended(code, phase):
    hospitalization = {"dischargeDisposition": {"coding": [{"code": code}]}} if code else {}
    stay = {"class": {"code": "IMP"}, "status": "finished", "period": {"start": START, "end": END}}
    found = state_of({**stay, "hospitalization": hospitalization})
    assert found is not None
    assert found.phase is phase
