"""Childhood: birth, growth along a curve of one's own, and the examinations every child is offered."""

from helhed.population.country import Unit
from helhed.population.facts import facts
from helhed.population.growth import growth, head
from helhed.population.life import Life
from helhed.population.moments import YEAR, stamp
from helhed.population.people import ADULT
from helhed.population.resources import encounter, observation

_FACTS = facts("growth")
_COMES = 0.93
_KEPT = 8  #: years of examinations that are still in the systems


def childhood(life: Life) -> None:
    """Examinations of those who are still children."""
    if life.age >= ADULT:
        return
    tall, heavy = _within(life.rng.gauss(0, 0.035), 0.08), _within(life.rng.gauss(0, 0.09), 0.2)
    _birth(life, tall, heavy)
    for unit, plan in ((life.person.clinic, _FACTS["clinic"]), (life.unit("visitors"), _FACTS["visitors"])):
        for age, title in plan:
            day = life.person.born + round(age * YEAR) + life.rng.randint(0, 12)
            if life.end - _KEPT * YEAR < day < life.end and life.rng.random() < _COMES:
                _examination(life, unit, title, life.workday(day), tall, heavy)


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))


def _birth(life: Life, tall: float, heavy: float) -> None:
    """Length and weight at birth, from the place of birth."""
    if life.person.born < life.end - _KEPT * YEAR or life.person.born >= life.end:
        return
    unit, when = life.unit("obstetrics"), stamp(life.person.born, 600 + life.person.number % 700)
    midwife = life.author(unit, doctor=False)
    height, weight = growth(0, life.person.sex)
    life.measure(unit, observation("weight", weight * (1 + heavy * 0.8), when), by=midwife)
    life.measure(unit, observation("height", height * (1 + tall * 0.8), when), by=midwife)


def _examination(life: Life, unit: Unit, title: str, day: int, tall: float, heavy: float) -> None:
    minute, age = life.clock(), life.person.age_at(day)
    content = encounter("AMB", title, (day, minute), (day, minute + 20), None)
    content["serviceProvider"] = unit.reference
    contact = life.write(unit, "Encounter", content)
    when, nurse = stamp(day, minute + 5), life.author(unit, doctor=False)
    height, weight = growth(age, life.person.sex)
    noise = life.rng.gauss
    life.measure(unit, observation("weight", weight * (1 + heavy + noise(0, 0.012)), when), contact, nurse)
    if age > 0.05:
        life.measure(unit, observation("height", height * (1 + tall + noise(0, 0.004)), when), contact, nurse)
    if age < 1.2:
        life.measure(unit, observation("head", head(age, life.person.sex) * (1 + tall * 0.4), when), contact, nurse)
