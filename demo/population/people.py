"""Drawing a synthetic citizen: sex, age, name, CPR number, home and chosen clinic."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from itertools import count
from random import Random
from typing import Any

from demo.catalogue import load
from demo.chart import Citizen

FACTS: dict[str, Any] = load("population.json")
TODAY = date(2026, 11, 23)
_WEIGHTS = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_BAND = 5
_RESERVED = "999"  #: the demo people's own series


def citizens(rng: Random, seed: int) -> Iterator[Citizen]:
    """Citizens without end. No two have the same CPR number."""
    taken: set[str] = set()
    for number in count():
        gender, born = _age(rng)
        cpr = _cpr(rng, born, gender, taken)
        yield _citizen(rng, f"population/{seed}/{number}", gender, born, cpr)


def _age(rng: Random) -> tuple[str, date]:
    start, _, women = rng.choices(FACTS["ages"], [share for _, share, _ in FACTS["ages"]])[0]
    year = TODAY.year - rng.randint(start, start + _BAND - 1)
    month = rng.randint(1, 12)
    born = date(year, month, rng.randint(1, monthrange(year, month)[1]))
    return "female" if rng.random() < women else "male", min(born, date(2026, 8, 1))


def _cpr(rng: Random, born: date, gender: str, taken: set[str]) -> str:
    """A number that fits date and sex and fails modulus 11, so that it is nobody's from before 2007."""
    while True:
        seventh = rng.choice("0123" if born.year < 2000 else "56784")
        digits = f"{born:%d%m%y}{seventh}{rng.randint(0, 99):02}{rng.randint(0, 4) * 2 + (gender == 'male')}"
        if digits not in taken and fails_modulus_11(digits) and digits[6:9] != _RESERVED:
            taken.add(digits)
            return digits


def fails_modulus_11(cpr: str) -> bool:
    """Whether the ten digits do not add up as numbers before October 2007 do."""
    return sum(int(digit) * weight for digit, weight in zip(cpr, _WEIGHTS, strict=True)) % 11 != 0


def _citizen(rng: Random, handle: str, gender: str, born: date, cpr: str) -> Citizen:
    names = FACTS["names"]
    given = rng.choice(next(names_ for until, names_ in names[gender] if born.year < until))
    towns = FACTS["towns"]
    post_code, town, municipality, _, clinics = rng.choices(towns, [town[3] for town in towns])[0]
    street = f"{rng.choice(FACTS['streets'])} {rng.randint(1, 140)}"
    adult = TODAY.year - born.year >= 18
    return Citizen(
        handle=handle,
        name=f"{given} Test {rng.choice(names['family'])}",
        cpr=cpr,
        gender=gender,
        born=born.isoformat(),
        clinic=rng.choice(clinics),
        address=f"{street}, {post_code} {town}",
        municipality=municipality,
        phone=f"20 {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)}" if adult else "",
    )
