"""Whoever is described with one mistake is found, and told why; nobody is certain without their number, or probable against what is known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from helhed.registries.directory import Directory
from helhed.registries.identifiers import CPR
from helhed.registries.matching import Described, Match, contradicts, matched, plain_words
from tests.support.world import World

PEOPLE, LOOKS = 60, 120
_GIVEN = ("Søren", "Anne-Marie", "Åse", "Jørgen", "Kirsten", "Bo", "Ægir", "Mette", "Lars", "Ulla", "Niels", "Ida")
_FAMILY = ("Ågård", "Sørensen", "Kjær", "Holmgaard", "Bæk", "Østergård", "Lund", "Vestergaard", "Thygesen", "Rasmussen")
_LETTERS = "abcdefghijklmnoprstuvy"


class Person:
    """Somebody made up, as the registries have them."""

    def __init__(self, random: Random, serial: int) -> None:
        self.given = random.sample(_GIVEN, random.choice((1, 2)))
        self.family = f"{random.choice(_FAMILY)}{random.choice(_LETTERS)}{random.choice(_LETTERS)}"
        self.born = date(1930, 1, 1) + timedelta(random.randrange(30000))
        self.sex = random.choice(("male", "female"))
        self.number = f"{self.born:%d%m%y}{serial:04}"

    def resource(self) -> dict[str, object]:
        """Their Patient."""
        return {
            "resourceType": "Patient", "identifier": [{"system": CPR, "value": self.number}], "gender": self.sex,
            "birthDate": self.born.isoformat(), "name": [{"family": self.family, "given": self.given}],
        }  # fmt: skip

    def described(self) -> Described:
        """Everything but the number."""
        return Described((), plain_words(" ".join([*self.given, self.family])), self.born, self.sex)


def typo(described: Described, random: Random) -> Described:
    """A letter of the family name is another, is missing, or has changed places with the next."""
    *given, family = described.words
    at = random.randrange(1, len(family) - 1)
    family = random.choice((
        family[:at] + random.choice(_LETTERS) + family[at + 1 :], family[:at] + family[at + 1 :],
        family[:at] + family[at + 1] + family[at] + family[at + 2 :],
    ))  # fmt: skip
    return replace(described, words=(*given, family))


def swapped(described: Described, random: Random) -> Described:
    """The family name first."""
    return replace(described, words=tuple(reversed(described.words)))


def fewer(described: Described, random: Random) -> Described:
    """Without what stands between the first and the last name."""
    return replace(described, words=(described.words[0], described.words[-1]))


def wrong_day(described: Described, random: Random) -> Described:
    """The last digit of the day is another."""
    day = described.born.day if described.born else 0
    assert described.born
    return replace(described, born=described.born.replace(day=day + 1 if day % 10 < 8 and day < 28 else day - 1))


def day_and_month(described: Described, random: Random) -> Described:
    """The American way, where it is a date at all."""
    born = described.born
    assert born
    return replace(described, born=born.replace(month=born.day, day=born.month)) if born.day <= 12 else described


def nothing(described: Described, random: Random) -> Described:
    """As it is."""
    return described


MISTAKES: Sequence[Callable[[Described, Random], Described]] = (nothing, typo, swapped, fewer, wrong_day, day_and_month)


async def country(world: World, random: Random) -> dict[int, Person]:
    """People by the key of their citizen."""
    place = await world.organisation("Registret")
    people = {}
    for serial in range(PEOPLE):
        person = Person(random, serial)
        identifier = await world.put(world.system(place), person.resource())
        people[int(await world.owner.fetchval("select key from registries.citizen where patient = $1", identifier))] = (
            person
        )
    return people


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))])
async def test_who_is_described_with_one_mistake_is_found_first_and_never_more_surely_than_is_known(world: World, seed: int) -> None:  # fmt: skip
    random = Random(seed)
    people = await country(world, random)
    ward = await world.organisation("Akutmodtagelsen")
    doctor = world.professional(await world.employee(ward), ward)
    directory = Directory(world.store.pool)
    for _ in range(LOOKS):
        key, mistake = random.choice([*people]), random.choice(MISTAKES)
        described = mistake(people[key].described(), random)
        found = matched(described, await directory.match_citizens(doctor, described, 20))
        assert key in [one.citizen.key for one in found], (mistake.__name__, people[key].__dict__, described)
        best = max(one.score for one in found)
        assert next(one.score for one in found if one.citizen.key == key) == best, (mistake.__name__, described)
        for one in found:
            told_truly(one)
            assert one.grade != "certain", "nobody is certain without a number"


@pytest.mark.parametrize("seed", [1])
async def test_a_number_that_is_somebody_elses_makes_nobody_certain_or_probable(world: World, seed: int) -> None:
    random = Random(seed)
    people = await country(world, random)
    ward = await world.organisation("Akutmodtagelsen")
    doctor = world.professional(await world.employee(ward), ward)
    for _ in range(LOOKS // 3):
        own, other = random.sample([*people], 2)
        if people[own].born == people[other].born:
            continue
        described = replace(people[own].described(), identifiers=((CPR, people[other].number),))
        found = matched(described, await Directory(world.store.pool).match_citizens(doctor, described, 20))
        assert {one.grade for one in found} <= {"possible"}, (people[own].__dict__, people[other].__dict__)
        for one in found:
            told_truly(one)


def told_truly(one: Match) -> None:
    """The grade follows from the reasons that are told with it."""
    alike = dict(one.reasons)
    assert 0 < one.score <= 1
    if one.grade != "possible":
        assert min(alike.values()) >= contradicts()
    if one.grade == "certain":
        assert alike["identifier"] == 1
    if one.grade == "probable":
        assert {"name", "birthDate"} <= set(alike)
