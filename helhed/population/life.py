"""One life: the person, the dice, the body, and the record being written."""

from dataclasses import dataclass, field
from random import Random

from helhed.population.body import Body
from helhed.population.chart import Chart
from helhed.population.country import Neighbourhood, Unit
from helhed.population.facts import Json
from helhed.population.moments import stamp, working_day
from helhed.population.people import Person


@dataclass(slots=True)
class Life:
    """Everything a course needs to write."""

    person: Person
    home: Neighbourhood
    chart: Chart
    rng: Random
    body: Body
    allergic: bool = False  #: to penicillin
    diseases: dict[str, int] = field(default_factory=dict)  #: since which day
    groups: set[str] = field(default_factory=set)  #: groups of medicine taken now
    medicines: list[tuple[str, int]] = field(default_factory=list)  #: those taken to the end, and since when
    written: set[int] = field(default_factory=set)  #: days on which the clinic wrote what lasts
    pregnant: list[tuple[int, int]] = field(default_factory=list)  #: from and to
    away: list[tuple[int, int]] = field(default_factory=list)  #: admissions, so that no two overlap

    @property
    def age(self) -> float:
        """At the end: today or at death."""
        return self.person.age_at(self.person.end)

    @property
    def end(self) -> int:
        """The last day on which anything is written."""
        return self.person.end - 1

    def unit(self, role: str) -> Unit:
        """The unit with a role in this neighbourhood; the clinic is the citizen's own."""
        return self.person.clinic if role == "gp" else self.home.units[role]

    def author(self, unit: Unit, *, doctor: bool = True) -> Json:
        """Somebody who works there, else the unit itself."""
        staff = (unit.doctors if doctor else unit.others) or unit.doctors or unit.others
        return staff[self.person.number % len(staff)] if staff else unit.reference

    def sign(self, content: Json, unit: Unit, *, doctor: bool = True) -> None:
        """Name the recorder: a person who works there. A unit cannot be one."""
        found = self.author(unit, doctor=doctor)
        if found is not unit.reference:
            content["recorder"] = found

    def clock(self) -> int:
        """A minute in opening hours, on the five."""
        return 485 + 5 * int(self.rng.random() * 84)

    def workday(self, day: int) -> int:
        """A working day no later than this and after birth."""
        return max(self.person.born + 1, working_day(min(day, self.end)))

    def is_away(self, start: int, end: int) -> bool:
        """Whether an admission would touch another."""
        return any(start <= to + 14 and end >= since - 14 for since, to in self.away)

    def measure(self, unit: Unit, content: Json, contact: str = "", by: Json | None = None) -> str:
        """An Observation, with its performer and contact."""
        content["performer"] = [by, unit.reference] if by else [unit.reference]
        if contact:
            content["encounter"] = {"reference": contact}
        return self.chart.add(unit, "Observation", content)

    def write(self, unit: Unit, kind: str, content: Json, contact: str = "") -> str:
        """Any other resource, within a contact."""
        if contact:
            content["encounter"] = {"reference": contact}
        return self.chart.add(unit, kind, content)

    def blood_drawn(self, day: int) -> str:
        """When the morning's blood was taken."""
        return stamp(day, 420 + self.person.number % 50)
