"""Ordinary days: shifts, patients, letters after discharge, mistakes, extra shifts, cross-cover, students, a busy night."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import NamedTuple

from tools.watch.town import Citizen, Place, Staff, Stay, Town, moment

READ, SEARCH, LOOKUP, OVERVIEW, DECLARE, GLASS = 1, 4, 8, 9, 10, 14
A, B, D, DIRECTORY, OVERRIDE, C = 2, 3, 4, 8, 8, 15
_SHIFTS = {"day": (7, 15), "evening": (15, 23), "night": (23, 31), "office": (8, 16)}
_MISTYPED, _WRONG_PATIENT, _EXTRA_SHIFT, _OVERTIME, _UNREGISTERED = 0.02, 0.004, 0.02, 0.08, 0.06


class Look(NamedTuple):
    """One row of the log."""

    at: datetime
    staff: Staff
    action: int
    permitted: bool
    basis: int | None
    citizen: Citizen | None


class Ordinary:
    """Draws the days of everybody who does their work."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._dice = Random(f"traffic {town.seed}")
        self.registered: list[Stay] = []  #: contacts that are registered after they were declared
        self.shifts: dict[int, list[tuple[datetime, datetime]]] = {}

    def day(self, day: date) -> list[Look]:
        """Every look that begins on a day."""
        looks: list[Look] = []
        for one in self.town.staff:
            shift = self._shift(one, day)
            if shift is not None:
                self.shifts.setdefault(one.key, []).append(shift)
                looks += self._work(one, *shift)
        return looks

    def _shift(self, one: Staff, day: date) -> tuple[datetime, datetime] | None:
        dice, weekend = self._dice, day.isoweekday() > 5
        if one.pattern == "office":
            name = None if weekend else "office"
        elif one.pattern == "day":
            name = "day" if dice.random() < (0.3 if weekend else 0.8) else None
        else:
            name = dice.choices(("day", "evening", "night", None), (40, 14, 8, 38))[0]
        if name is None and dice.random() < _EXTRA_SHIFT:
            name = dice.choice(("day", "evening", "night"))
        if name is None:
            return None
        begins, ends = _SHIFTS[name]
        later = dice.uniform(0.5, 3) if dice.random() < _OVERTIME else 0
        return moment(day, begins), moment(day, ends + later)

    def _work(self, one: Staff, begins: datetime, ends: datetime) -> Iterator[Look]:
        kind = {"ward": self._ward, "emergency": self._emergency, "clinic": self._clinic, "home": self._home}
        yield from kind[one.place.work](one, begins, ends)
        if self._dice.random() < _MISTYPED * 10:
            yield Look(self._when(begins, ends), one, LOOKUP, False, None, None)
        if self._dice.random() < _WRONG_PATIENT * 10:
            yield Look(self._when(begins, ends), one, OVERVIEW, False, None, self._dice.choice(self.town.citizens))

    def _ward(self, one: Staff, begins: datetime, ends: datetime) -> Iterator[Look]:
        """One's own patients of the ward again and again; those who went home a day or two longer; at night the ward beside."""
        dice, stays = self._dice, self.town.stays[one.place.key]
        here = [stay for stay in stays if stay.begins < ends and stay.ends > begins]
        many = min(len(here), max(1, round((9 if one.role == "nurse" else 14) * one.share * dice.uniform(0.7, 1.3))))
        for stay in dice.sample(here, many):
            for _ in range(dice.randint(1, 4)):
                at = self._when(max(begins, stay.begins), min(ends, stay.ends))
                yield Look(at, one, OVERVIEW, True, A, stay.citizen)
        home = [stay for stay in stays if begins - timedelta(days=4) < stay.ends < begins]
        for stay in dice.sample(home, min(len(home), 3 if one.role == "doctor" else 1)):
            yield Look(self._when(begins, ends), one, OVERVIEW, True, C, stay.citizen)
        if one.role == "doctor" and begins.hour == 23:
            yield from self._cross_cover(one, begins, ends)

    def _cross_cover(self, one: Staff, begins: datetime, ends: datetime) -> Iterator[Look]:
        """Called to a patient of another ward: declared, and hardly ever registered here."""
        for place in self.town.at("ward"):
            there = [s for s in self.town.stays[place.key] if s.begins < begins and s.ends > ends]
            if place is not one.place and there and self._dice.random() < 0.5:
                yield from self._declared(one, self._dice.choice(there).citizen, self._when(begins, ends))

    def _emergency(self, one: Staff, begins: datetime, ends: datetime) -> Iterator[Look]:
        """Found by number; one in five declared before the registration; now and then the glass is broken."""
        dice = self._dice
        here = [s for s in self.town.stays[one.place.key] if s.begins < ends and s.ends > begins]
        for stay in dice.sample(here, min(len(here), max(1, round(10 * one.share)))):
            at = self._when(max(begins, stay.begins), min(ends, stay.ends))
            yield Look(at, one, LOOKUP, True, DIRECTORY, stay.citizen)
            if dice.random() < 0.01:
                yield Look(at, one, GLASS, True, OVERRIDE, stay.citizen)
                yield Look(at, one, OVERVIEW, True, OVERRIDE, stay.citizen)
            basis = D if dice.random() < 0.2 else A
            if basis == D:
                yield from self._declared(one, stay.citizen, at)
            for _ in range(dice.randint(1, 3)):
                yield Look(at + timedelta(minutes=dice.randint(1, 50)), one, OVERVIEW, True, basis, stay.citizen)
        if dice.random() < 0.15:  # somebody walks in who is sent on, and whom nobody registers
            yield from self._declared(one, dice.choice(self.town.citizens), self._when(begins, ends))

    def _clinic(self, one: Staff, begins: datetime, ends: datetime) -> Iterator[Look]:
        """The clinic's own citizens; sometimes a guest, who is registered most of the time."""
        dice = self._dice
        many = round({"doctor": 18, "nurse": 12, "secretary": 30}[one.role] * one.share * dice.uniform(0.6, 1.4))
        for citizen in dice.sample(self.town.lists[one.place.key], many):
            at = self._when(begins, ends)
            if one.role == "secretary" or dice.random() < 0.3:
                yield Look(at, one, LOOKUP, True, DIRECTORY, citizen)
            if one.role != "secretary" or dice.random() < 0.8:
                yield Look(at, one, OVERVIEW, True, B, citizen)
        if one.role == "doctor" and dice.random() < 0.25:
            at, guest = self._when(begins, ends), dice.choice(self.town.citizens)
            yield from self._declared(one, guest, at)
            if dice.random() > _UNREGISTERED * 4:
                self.registered.append(Stay(guest, one.place, at, at + timedelta(hours=1)))

    def _home(self, one: Staff, begins: datetime, ends: datetime) -> Iterator[Look]:
        """A round of visits."""
        for citizen in self._dice.sample(self.town.lists[one.place.key], min(90, round(11 * one.share))):
            for _ in range(self._dice.randint(1, 3)):
                yield Look(self._when(begins, ends), one, OVERVIEW, True, B, citizen)

    def _declared(self, one: Staff, citizen: Citizen, at: datetime) -> Iterator[Look]:
        yield Look(at, one, DECLARE, True, D, citizen)
        yield Look(at + timedelta(seconds=20), one, OVERVIEW, True, D, citizen)

    def _when(self, begins: datetime, ends: datetime) -> datetime:
        return begins + (ends - begins) * self._dice.random()


def relations_of(
    town: Town, ordinary: Ordinary
) -> Iterator[tuple[Citizen, Place, int, datetime | None, datetime | None]]:
    """What is registered: stays, lists of clinics and of home nursing, and guests."""
    for stays in (*town.stays.values(), ordinary.registered):
        for stay in stays:
            yield stay.citizen, stay.place, A, stay.begins, stay.ends
    for place in town.places:
        for citizen in town.lists.get(place.key, ()):
            yield citizen, place, B, None, None
