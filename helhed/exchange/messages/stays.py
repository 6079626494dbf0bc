"""What a stay at a hospital looks like to those who are told of it, and which notifications lead from what they were told to how it is.

Pure. A receiver who was told nothing is told of an admission; one who was told something wrong is told that it was. Activities are
MedCom's, with the statuses of its table of codes: a death has no activity of its own, and repeats the one before it.
https://medcomdk.github.io/dk-medcom-hospitalnotification/assets/documents/Overview-HospitalNotification-codes-FHIR.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import orjson

from helhed.exchange.messages.rules import IG
from helhed.fhir.indexing.dates import interval

#: when somebody is on leave; spelled as MedCom spells it
LEAVE = IG + "hospitalnotification/StructureDefinition/medcom-hospitalnotifiation-leave-period-extension"
_INPATIENT, _EMERGENCY = "IMP", "EMER"
_NOT_YET = datetime.min.replace(tzinfo=UTC)  #: when what is about to be told was told
_WORDS = {_INPATIENT: "inpatient", _EMERGENCY: "emergency"}


class Phase(StrEnum):
    """How far a stay has come."""

    IN = "in"
    ON_LEAVE = "on-leave"
    HOME = "home"
    DIED = "died"
    ELSEWHERE = "elsewhere"  #: at another hospital
    GONE = "gone"  #: it never was


_PHASES = {
    "arrived": Phase.IN, "triaged": Phase.IN, "in-progress": Phase.IN, "onleave": Phase.ON_LEAVE, "finished": Phase.HOME,
    "cancelled": Phase.GONE, "entered-in-error": Phase.GONE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notifying:
    """``data/notifying.json``."""

    receivers: tuple[str, ...]
    relations: tuple[int, ...]
    reports_asked_for: frozenset[str]
    first_told_within: timedelta
    tried_again_after: timedelta
    died: frozenset[str]
    elsewhere: frozenset[str]


@cache
def notifying() -> Notifying:
    """Who is told of what, in this version of the network."""
    read = orjson.loads((resources.files("helhed.exchange.messages") / "data" / "notifying.json").read_bytes())
    return Notifying(
        tuple(read["receivers"]), tuple(read["relations"]), frozenset(read["reports_asked_for"]),
        timedelta(days=read["first_told_within_days"]), timedelta(minutes=read["tried_again_after_minutes"]),
        frozenset(read["died"]), frozenset(read["elsewhere"]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """A stay at a moment. Moments are written as the Encounter has them."""

    phase: Phase
    kind: str  #: v3 ActCode: IMP or EMER
    start: str
    end: str = ""
    left: str = ""  #: when the leave began, where the Encounter says so
    back: str = ""  #: when it ended

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "State":
        """As ``said`` wrote it."""
        return cls(**{**said, "phase": Phase(said["phase"])})

    @property
    def said(self) -> dict[str, Any]:
        """For keeping."""
        return {name: value for name, value in asdict(self).items() if value}


def state_of(encounter: Mapping[str, Any]) -> State | None:
    """How a stay stands; None for what is no stay at a hospital, or none yet, or has no beginning."""
    kind = str(encounter.get("class", {}).get("code", ""))
    phase = _PHASES.get(str(encounter.get("status")))
    period = encounter.get("period")
    start = str(period.get("start", "")) if isinstance(period, dict) else ""
    if kind not in _WORDS or phase is None or not (start or phase is Phase.GONE):
        return None
    end = str(period.get("end", "")) if isinstance(period, dict) else ""
    if phase is Phase.HOME:
        phase = _over(encounter)
    left, back = _leave(encounter)
    return State(phase, kind, start, end, left, back)


def _over(encounter: Mapping[str, Any]) -> Phase:
    disposition = encounter.get("hospitalization", {}).get("dischargeDisposition", {})
    codes = {str(one.get("code")) for one in disposition.get("coding", ())}
    if codes & notifying().died:
        return Phase.DIED
    return Phase.ELSEWHERE if codes & notifying().elsewhere else Phase.HOME


def _leave(encounter: Mapping[str, Any]) -> tuple[str, str]:
    """The last leave that the Encounter tells of: by MedCom's extension, or by its past statuses."""
    some = [one.get("valuePeriod", {}) for one in encounter.get("extension", ()) if one.get("url") == LEAVE]
    some += [one.get("period", {}) for one in encounter.get("statusHistory", ()) if one.get("status") == "onleave"]
    known = sorted((str(one["start"]), str(one.get("end", ""))) for one in some if one.get("start"))
    return known[-1] if known else ("", "")


@dataclass(frozen=True, slots=True)
class Told:
    """One notification that a receiver was sent."""

    header: str  #: MessageHeader.id
    activity: str
    at: datetime
    state: State


@dataclass(frozen=True, slots=True)
class Step:
    """One notification to send."""

    activity: str
    status: str  #: Encounter.status
    state: State
    takes_back: str = ""  #: MessageHeader.id of what never was
    ended: bool = False  #: whether the message tells when the stay ended
    on_leave: bool = False  #: whether it tells of a leave
    died: bool | None = None  #: whether it says that somebody died (true), or that they live after all (false)


@dataclass(slots=True)
class _Standing:
    """What a receiver believes, newest last, and what it is to be told."""

    now: State
    stack: list[Told]
    found: list[Step]

    @property
    def last(self) -> Told:
        return self.stack[-1]

    def add(self, activity: str, status: str, **more: Any) -> None:
        self.found.append(Step(activity, status, self.now, **more))

    def back(self, status: str) -> None:
        """Take back the last."""
        gone = self.stack.pop()
        self.found.append(Step(f"cancel-{gone.activity}", status, gone.state, gone.header, on_leave=_is_leave(gone)))

    def push(self, activity: str, status: str, **more: Any) -> None:
        self.stack.append(Told("", activity, _NOT_YET, self.now))
        self.add(activity, status, **more)


def steps(told: Sequence[Told], now: State, *, holds: bool = True) -> list[Step]:
    """What leads a receiver from what it was ``told``, oldest first, to ``now``. ``holds``: whether it has the citizen still; one that has not
    is told only what was wrong.
    """
    standing = _Standing(now, _live(told), [])
    if not standing.stack:
        if now.phase in {Phase.IN, Phase.ON_LEAVE}:
            _begin(standing)
    elif now.phase is Phase.GONE:
        if standing.last.state.phase is Phase.DIED:
            _alive(standing)
        while standing.stack:
            standing.back("entered-in-error")
    else:
        _go_on(standing)
    return [one for one in standing.found if holds or one.activity.startswith(("revise-", "cancel-"))]


def _begin(standing: _Standing) -> None:
    standing.push(_admit(standing.now), "in-progress")
    if standing.now.kind == _INPATIENT:
        _leave_steps(standing)


def _go_on(standing: _Standing) -> None:
    now = standing.now
    if _is_end(standing.last):
        if _same_end(standing.last, now):
            _corrected_end(standing)
            return
        if standing.last.state.phase is Phase.DIED:
            _alive(standing)
        else:
            standing.back("in-progress")
    _admission(standing)
    if now.kind == _INPATIENT:
        _leave_steps(standing)
    if now.phase is Phase.HOME:
        standing.push(f"discharge-{_WORDS[now.kind]}-home", "finished", ended=True)
    elif now.phase is Phase.DIED:
        standing.add(standing.last.activity, "finished", ended=True, died=True)


def _alive(standing: _Standing) -> None:
    """Nobody died: the activity of before, in the status of before."""
    standing.stack.pop()
    leave = standing.last.activity == "start-leave-inpatient"
    standing.add(standing.last.activity, "onleave" if leave else "in-progress", on_leave=leave, died=False)


def _same_end(last: Told, now: State) -> bool:
    return now.phase is last.state.phase and now.kind == last.state.kind


def _corrected_end(standing: _Standing) -> None:
    now, last = standing.now, standing.last
    if (now.end, now.start) == (last.state.end, last.state.start):
        return
    if now.phase is Phase.DIED:
        standing.add(last.activity, "finished", ended=True, died=True)
    else:
        standing.add(f"revise-{last.activity}", "finished", ended=True)


def _admission(standing: _Standing) -> None:
    """Admitted as something else, or at another time."""
    now = standing.now
    place = max((n for n, one in enumerate(standing.stack) if _is_admission(one)), default=-1)
    if place < 0:
        standing.push(_admit(now), "in-progress")
        return
    if standing.stack[place].activity == _admit(now):
        if standing.stack[place].state.start != now.start:
            standing.add(f"revise-{_admit(now)}", "in-progress")
        return
    if now.kind == _EMERGENCY:  # not admitted after all
        while len(standing.stack) > place:
            standing.back("entered-in-error")
        if standing.stack:
            return
    standing.push(_admit(now), "in-progress")


def _leave_steps(standing: _Standing) -> None:
    now, last = standing.now, standing.last
    left, back = "start-leave-inpatient", "end-leave-inpatient"
    if now.phase is Phase.ON_LEAVE:
        if last.activity == left:
            if now.left and now.left != last.state.left:
                standing.add(f"revise-{left}", "onleave", on_leave=True)
        elif last.activity == back and now.left and now.left == last.state.left:
            standing.back("onleave")
        else:
            standing.push(left, "onleave", on_leave=True)
    elif last.activity == left:
        if now.phase is Phase.IN and last.state.left and not now.left:
            standing.back("in-progress")
        elif now.phase is Phase.IN or now.back:
            standing.push(back, "in-progress", on_leave=True)
    elif last.activity == back:
        _past_leave(standing)
    elif now.left and now.back:  # both since it was told of last
        standing.push(left, "onleave", on_leave=True)
        standing.push(back, "in-progress", on_leave=True)


def _past_leave(standing: _Standing) -> None:
    now, last = standing.now, standing.last
    if not now.left or not now.back or (now.left, now.back) == (last.state.left, last.state.back):
        return
    if last.state.back and interval(now.left)[0] >= interval(last.state.back)[0]:
        standing.push("start-leave-inpatient", "onleave", on_leave=True)
        standing.push("end-leave-inpatient", "in-progress", on_leave=True)
        return
    if now.left != last.state.left:
        standing.add("revise-start-leave-inpatient", "onleave", on_leave=True)
    if now.back != last.state.back:
        standing.add("revise-end-leave-inpatient", "in-progress", on_leave=True)


def _live(told: Sequence[Told]) -> list[Told]:
    """What stands of what was told: what was taken back is out, what was corrected is as corrected."""
    stack: list[Told] = []
    for one in told:
        died = bool(stack) and stack[-1].state.phase is Phase.DIED
        if one.activity.startswith("cancel-"):
            _take_out(stack, one.activity.removeprefix("cancel-"))
        elif one.activity.startswith("revise-"):
            _put_right(stack, one, one.activity.removeprefix("revise-"))
        elif died:  # a death is corrected, and taken back, by the activity that it was told with
            stack.pop()
            stack += [one] if one.state.phase is Phase.DIED else []
        else:
            stack.append(one)
    return stack


def _take_out(stack: list[Told], activity: str) -> None:
    for place in reversed(range(len(stack))):
        if stack[place].activity == activity:
            del stack[place]
            return


def _put_right(stack: list[Told], by: Told, activity: str) -> None:
    for place in reversed(range(len(stack))):
        if stack[place].activity == activity:
            stack[place] = Told(stack[place].header, activity, stack[place].at, by.state)
            return


def _admit(state: State) -> str:
    return f"admit-{_WORDS[state.kind]}"


def _is_admission(one: Told) -> bool:
    return one.activity.startswith("admit-") and one.state.phase is not Phase.DIED


def _is_end(one: Told) -> bool:
    return one.activity.startswith("discharge-") or one.state.phase is Phase.DIED


def _is_leave(one: Told) -> bool:
    return "-leave-" in one.activity
