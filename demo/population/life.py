"""One life: the citizen, the dice, the body whose measurements move together, and the record being written."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from demo.chart import Chart
from demo.clinical import forced_volume
from demo.datatypes import Json
from demo.population.people import TODAY

_YEAR = 365.25
GROWN = 18


@dataclass(slots=True)
class Body:
    """What is behind the measurements; courses change it."""

    height: float
    bmi: float
    systolic: float
    filtration: float  #: mL/min/1.73 m²
    sugar: float  #: HbA1c, mmol/mol
    ldl: float
    haemoglobin: float
    thyrotropin: float
    lung: float  #: FEV1 as a share of the expected
    smoker: str  #: "Aldrig røget", "Tidligere ryger" or "Ryger"


@dataclass(slots=True)
class Life:
    """Everything a course needs to write."""

    chart: Chart
    rng: Random
    born: date
    sex: str
    body: Body
    allergic: bool  #: to penicillin
    courses: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)  #: groups of medicine that are taken already

    @property
    def gp(self) -> str:
        """Handle of the chosen clinic."""
        return self.chart.citizen.clinic

    @property
    def age(self) -> float:
        """Age in years on the demo's day."""
        return self.age_at(TODAY)

    def age_at(self, day: date) -> float:
        """Age in years on a day."""
        return (day - self.born).days / _YEAR

    def day_at(self, age: float) -> date:
        """A working day at about this age, never after the demo's day."""
        return working_day(min(self.born + timedelta(days=round(age * _YEAR)), TODAY - timedelta(days=3)))

    def clock(self, day: date) -> str:
        """A time of day in opening hours."""
        return f"{day} {self.rng.randint(8, 14):02}:{self.rng.randrange(0, 60, 5):02}"

    def write(self, source: str, resource: Json, contact: str = "") -> str:
        """Add to the record. Medicine on the shared card is ordered by the citizen's clinic."""
        at = self.gp if resource["resourceType"] == "MedicationRequest" else source
        return self.chart.add(source, resource, at=at, contact=contact)

    def expected_lung(self) -> float:
        """Expected FEV1, litres."""
        return forced_volume(self.age, self.body.height, self.sex)


def working_day(day: date) -> date:
    """The same day, or the Friday before."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def body_of(rng: Random, sex: str, age: float) -> Body:
    """A body that fits sex and age."""
    height = rng.gauss(1.80, 0.07) if sex == "male" else rng.gauss(1.67, 0.06)
    bmi = min(42.0, max(18.5, rng.gauss(26.4 if age > 35 else 24.2, 4.0)))
    normal = 9.2 if sex == "male" else 8.3
    return Body(
        height=round(min(2.0, max(1.48, height)), 2),
        bmi=bmi,
        systolic=rng.gauss(112 + age * 0.28, 7),
        filtration=max(28.0, min(118.0, rng.gauss(116 - age * 0.62, 9))),
        sugar=rng.gauss(33 + age * 0.06, 2),
        ldl=max(1.3, rng.gauss(2.9, 0.6)),
        haemoglobin=rng.gauss(normal - max(0.0, age - 70) * 0.02, 0.4),
        thyrotropin=max(0.4, min(3.9, rng.gauss(1.7, 0.6))),
        lung=rng.gauss(0.98, 0.08),
        smoker=rng.choices(["Aldrig røget", "Tidligere ryger", "Ryger"], [55, 32, 13])[0]
        if age >= GROWN
        else "Aldrig røget",
    )
