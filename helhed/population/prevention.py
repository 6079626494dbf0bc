"""Vaccinations and screening, as offered by age, sex and season."""

from datetime import date

from helhed.population.country import Unit
from helhed.population.facts import facts
from helhed.population.life import Life
from helhed.population.moments import YEAR, stamp, working_day, year_of
from helhed.population.resources import vaccination, words

_FACTS = facts("vaccines")
_MONTH = YEAR / 12
_SCREENING = (
    ("fit", "laboratory", "", 50, 74, 2, date(2019, 1, 1), "Ingen blod i afføringen", 0.62),
    ("mammography", "imaging", "female", 50, 69, 2, date(2019, 1, 1), "Normal", 0.80),
    ("hpv-test", "laboratory", "female", 30, 59, 5, date(2021, 1, 1), "Negativ", 0.68),
)
_ILL = {"fit": "bowel-cancer", "mammography": "breast-cancer", "hpv-test": ""}


def prevention(life: Life) -> None:
    """Both."""
    if life.rng.random() > _FACTS["refusing"]:
        _childhood(life)
        _seasonal(life)
    _screening(life)


def vaccinate(life: Life, key: str, day: int, dose: int = 0) -> None:
    """Given by the clinic, kept in the vaccination register."""
    content = vaccination(key, day, dose)
    content["performer"] = [{"actor": life.person.clinic.reference}]
    life.write(life.unit("vaccines"), "Immunization", content)


def _childhood(life: Life) -> None:
    born = year_of(life.person.born)
    missed: set[str] = set()
    visits: dict[int, int] = {}  # what is due together is given together
    for key, months, dose, since, sex in _FACTS["childhood"]:
        day = visits.setdefault(
            months, working_day(life.person.born + round(months * _MONTH) + 3 + life.rng.randint(0, 35))
        )
        if born < since or sex not in ("", life.person.sex) or day >= life.end or key in missed:
            continue
        if life.rng.random() < _FACTS["coverage"]:
            vaccinate(life, key, day, dose)
        else:
            missed.add(key)  # later doses would have other numbers


def _seasonal(life: Life) -> None:
    takes = life.rng.random()
    for key, from_age, share, first, days in _FACTS["seasonal"]:
        day = working_day(date.fromisoformat(first).toordinal() + life.rng.randint(0, days))
        if life.person.age_at(day) >= from_age and day < life.end and takes < share:
            vaccinate(life, key, day)


def _screening(life: Life) -> None:
    for key, role, sex, first, last, interval, since, normal, share in _SCREENING:
        if sex not in ("", life.person.sex) or life.age < first or life.rng.random() > share:
            continue
        offset = life.rng.uniform(0.1, 0.9)
        for age in range(first, last + 1, interval):
            day = working_day(life.person.born + round((age + offset) * YEAR))
            if since.toordinal() <= day < life.end and not _known(life, key, day):
                _screened(life, life.unit(role), key, normal, day)


def _known(life: Life, key: str, day: int) -> bool:
    """Those with the cancer are followed otherwise, from a year before it was found."""
    ill = _ILL[key]
    return ill in life.diseases and day > life.diseases[ill] - 400


def _screened(life: Life, unit: Unit, key: str, normal: str, day: int) -> None:
    content = words(key, normal, stamp(day, 540))
    content["performer"] = [unit.reference]
    life.write(unit, "Observation", content)
