"""An organisational unit as its page shows it: each value with whose it is and since when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from helhed.portals.language import Words
from helhed.portals.ports.units import Place, UnitSheet
from helhed.registries.addressing import Route, message_types
from helhed.registries.identifiers import PROVIDER_NUMBER, SHAK, SOR
from helhed.registries.units.history import UnitThen
from helhed.registries.units.inheriting import GLNS
from helhed.registries.units.planning import Plan
from helhed.registries.units.specialities import told

_NUMBERS = {SOR: "sor", SHAK: "shak", PROVIDER_NUMBER: "provider", **dict.fromkeys(GLNS, "gln")}
_FOREVER = date.max.year


@dataclass(frozen=True, slots=True)
class Line:
    """One value: what it is, and why it is so."""

    label: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class RouteLine:
    """By which way messages come."""

    types: str
    address: str
    whose: str
    delivered: str


@dataclass(frozen=True, slots=True)
class PlanLine:
    """Something that is planned, or was."""

    id: UUID
    day: str
    told: str
    state: str
    open: bool
    problem: str


@dataclass(frozen=True, slots=True)
class Period:
    """How the unit was called, and where it stood, for some days."""

    days: str
    name: str
    above: str
    closed: bool


@dataclass(frozen=True, slots=True)
class UnitView:
    """The page."""

    id: UUID
    name: str
    there: bool  #: on the day that is asked for
    open: bool
    day: str
    above: Sequence[Place]  #: the top first
    beneath: Sequence[tuple[Place, bool]]  #: and whether it is closed
    lines: Sequence[Line]
    services: Sequence[Line]
    routes: Sequence[RouteLine]
    plans: Sequence[PlanLine]
    periods: Sequence[Period]
    source: str


def unit_view(sheet: UnitSheet, words: Words, now: datetime) -> UnitView:
    """All of it, in the reader's language."""
    teller = _Teller(sheet, words, now)
    here = sheet.line[0] if sheet.line else None
    name = str(here.said.get("name", "")) if here else teller.last_name()
    return UnitView(
        id=sheet.id,
        name=name,
        there=here is not None,
        open=here is not None and here.said.get("active") is not False,
        day=words.day(sheet.day),
        above=[
            Place(sheet.places[one.unit].id, str(one.said.get("name", "")))
            for one in reversed(sheet.line[1:])
            if one.unit in sheet.places
        ],
        beneath=[
            (Place(sheet.places[one.unit].id, str(one.said.get("name", ""))), one.said.get("active") is False)
            for one in sheet.beneath
            if one.unit in sheet.places
        ],
        lines=list(teller.lines()),
        services=[teller.service(one.said) for one in sheet.services],
        routes=[teller.route(one) for one in sheet.routes],
        plans=[teller.plan(one) for one in sheet.plans],
        periods=teller.periods(),
        source=teller.source(),
    )


class _Teller:
    """Puts a sheet into words."""

    def __init__(self, sheet: UnitSheet, words: Words, now: datetime) -> None:
        self._sheet, self._words, self._now = sheet, words, now

    def name(self, key: int | None) -> str:
        """The name of a unit that is named."""
        place = self._sheet.places.get(key) if key is not None else None
        return place.name if place else self._words("units.unknown")

    def last_name(self) -> str:
        """What it was called when it was last told of."""
        return next((str(then.said.get("name", "")) for then, _ in reversed(self._sheet.told)), "")

    def lines(self) -> Iterator[Line]:
        """Numbers, kind, addresses and how to reach it."""
        if not self._sheet.line:
            return
        here = self._sheet.line[0]
        own = self._words("units.own", day=self._words.day(here.begins))
        for one in here.said.get("identifier", ()):
            if (kind := _NUMBERS.get(one.get("system", ""))) != "gln":
                yield Line(self._words(f"units.number.{kind or 'other'}"), str(one.get("value", "")), own)
        for kind in here.said.get("type", ()):
            if kind.get("text"):
                yield Line(self._words("units.kind"), kind["text"], own)
        yield from self._inherited()

    def _inherited(self) -> Iterator[Line]:
        for name, tell in (("gln", _number), ("address", _address), ("telecom", _contact)):
            found = self._sheet.inherited.get(name)
            if found is None:
                yield Line(self._words(f"units.{name}"), self._words("units.none"), self._words("units.none_above"))
                continue
            since = self._words.day(found.since)
            key = "units.inherited" if found.depth else "units.own"
            why = self._words(key, who=self.name(found.unit), day=since) if found.depth else self._words(key, day=since)
            for value in found.values:
                label = (
                    self._words.either(f"units.contact.{value.get('system', '')}", "units.telecom")
                    if name == "telecom"
                    else self._words(f"units.{name}")
                )
                yield Line(label, tell(value), why)

    def service(self, said: Mapping[str, Any]) -> Line:
        """What is offered, and its specialities."""
        kinds = told([*said.get("type", ()), *said.get("specialty", ())], self._words.language)
        return Line(str(said.get("name") or ", ".join(kinds)), ", ".join(kinds), str(said.get("comment", "")))

    def route(self, one: Route) -> RouteLine:
        """One way, and when it was last gone."""
        known = message_types()
        types = ", ".join(
            known[code][self._words.language] if code in known else code for code in sorted(one.message_types)
        )
        whose = (
            self._words("units.route_own")
            if one.depth == 0
            else self._words("units.route_inherited", who=self.name(one.unit))
        )
        when = (
            self._words.near(one.delivered_at, self._now) if one.delivered_at else self._words("units.never_delivered")
        )
        address = (
            one.address if one.gln is None else self._words("units.address_and_gln", address=one.address, gln=one.gln)
        )
        return RouteLine(types, address, whose, when)

    def plan(self, one: Plan) -> PlanLine:
        """What is, was or will be done, by whom."""
        state = "withdrawn" if one.withdrawn_at else "done" if one.applied_at else "stuck" if one.problem else "planned"
        return PlanLine(
            one.id, self._words.day(one.day), self._told(one), self._words(f"units.state.{state}", who=self._by(one)),
            state in {"planned", "stuck"} and self._own(one), self._words("units.stuck_why") if state == "stuck" else "",
        )  # fmt: skip

    def _own(self, plan: Plan) -> bool:
        return any(place.id == self._sheet.id for key, place in self._sheet.places.items() if key == plan.unit)

    def _by(self, plan: Plan) -> str:
        place = self.name(plan.planned_by)
        person = self._sheet.people.get(plan.actor) if plan.actor is not None else None
        return f"{person}, {place}" if person else place

    def _told(self, plan: Plan) -> str:
        if not self._own(plan):
            return self._words("units.plan.into", who=self.name(plan.unit))
        if plan.kind == "close":
            names = [self.name(key) for key in plan.successors]
            return (
                self._words("units.plan.replaced", who=self._words.listed(names))
                if names
                else self._words("units.plan.close")
            )
        if plan.kind == "move":
            above = str(plan.changes.get("partOf", {}).get("reference", "")).removeprefix("Organization/")
            names = [place.name for place in self._sheet.places.values() if str(place.id) == above]
            return self._words("units.plan.move", who=names[0] if names else self._words("units.unknown"))
        changed = [self._words.either(f"units.element.{name}", "units.element.other") for name in sorted(plan.changes)]
        if plan.changes.get("name"):
            return self._words("units.plan.name", name=plan.changes["name"])
        return self._words("units.plan.change", what=self._words.listed(sorted(set(changed))))

    def periods(self) -> list[Period]:
        """As it is known now: each stretch of days with one name and one place, the oldest first."""
        held = sorted(
            (then for then, known_to in self._sheet.told if known_to.year == _FOREVER), key=lambda one: one.begins
        )
        told: list[tuple[UnitThen, date | None]] = []
        for then in held:
            if told and _same(told[-1][0], then) and told[-1][1] == then.begins:
                told[-1] = (told[-1][0], then.ends)
            else:
                told.append((then, then.ends))
        return [self._period(then, ends) for then, ends in told]

    def _period(self, then: UnitThen, ends: date | None) -> Period:
        begins, last = self._words.day(then.begins), None if ends is None else self._words.day(ends - timedelta(days=1))
        days = (
            self._words("units.since", day=begins)
            if last is None
            else self._words("units.between", first=begins, last=last)
        )
        above = "" if then.parent is None else self.name(then.parent)
        return Period(days, str(then.said.get("name", "")), above, then.said.get("active") is False)

    def source(self) -> str:
        """Who registered it, and who arranged it last."""
        who = self.name(self._sheet.registered_by)
        if self._sheet.line and self._sheet.line[0].asserted_by is not None:
            return self._words("units.source_plan", who=who, by=self.name(self._sheet.line[0].asserted_by))
        return self._words("units.source", who=who)


def _same(one: UnitThen, other: UnitThen) -> bool:
    return (one.said.get("name"), one.parent, one.said.get("active")) == (
        other.said.get("name"),
        other.parent,
        other.said.get("active"),
    )


def _number(value: Mapping[str, Any]) -> str:
    return str(value.get("value", ""))


def _address(value: Mapping[str, Any]) -> str:
    if value.get("text"):
        return str(value["text"])
    town = " ".join(str(value[name]) for name in ("postalCode", "city") if value.get(name))
    return ", ".join([*map(str, value.get("line", ())), *([town] if town else [])])


_contact = _number
