"""The population as a whole has the shape of the nation, as the sources of the facts state it."""

from collections import Counter

import pytest

from helhed.population.blocks import Population
from helhed.population.country import Denmark
from helhed.population.facts import facts
from tests.unit.population.plausibility import Record, codes

pytestmark = pytest.mark.long

CITIZENS = 20_000
DISEASES = facts("diseases")["diseases"]
TOLERANCE = 0.12  #: of the share stated; the rarest may differ by chance besides
CHANCE = 0.0035


@pytest.fixture(scope="module")
def people() -> list[tuple[str, float, bool, set[str], int, str]]:
    """Sex, age, alive, codes of lasting diagnoses, resources, municipality."""
    population = Population(seed=2, citizens=CITIZENS, country=Denmark())
    found = []
    for number in population.blocks:
        block, charts = population.block(number)
        for person, chart in zip(block.people, charts, strict=True):
            record = Record([one.resource for one in chart.written])
            ill = {code for one in record.of("Condition") if "abatementDateTime" not in one for code in codes(one)}
            found.append(
                (
                    person.sex,
                    person.age_at(person.end),
                    not person.died,
                    ill,
                    len(chart.written),
                    block.home.municipality,
                )
            )
    return found


@pytest.mark.parametrize("disease", [one for one in DISEASES if one.get("known")], ids=lambda one: one["key"])
def test_diseases_are_as_common_as_the_source_says(people, disease):
    grown = [ill for _, age, alive, ill, _, _ in people if age >= 16 and alive]
    share = sum(disease["gp"][0] in ill for ill in grown) / len(grown)
    assert share == pytest.approx(disease["share"] / 100, rel=TOLERANCE, abs=CHANCE)


def test_a_fifth_has_more_than_one_chronic_disease_and_two_thirds_of_those_with_copd(people):
    chronic = {one["gp"][0] for one in DISEASES if one.get("chronic")}
    grown = [ill & chronic for _, age, alive, ill, _, _ in people if age >= 16 and alive]
    several = sum(len(ill) > 1 for ill in grown) / len(grown)
    assert several == pytest.approx(facts("diseases")["multimorbid_share"] / 100, abs=0.04)
    copd = [ill for ill in grown if "R95" in ill]
    assert sum(len(ill) > 1 for ill in copd) / len(copd) == pytest.approx(
        facts("diseases")["copd_multimorbid_share"] / 100, abs=0.1
    )


def test_ages_and_sexes_are_those_of_the_nation(people):
    alive = [(sex, age) for sex, age, living, *_ in people if living]
    bands = facts("people")["ages"]
    total = sum(share for _, share, _ in bands)
    for start, share, _ in bands[:-1]:
        found = sum(start <= age < start + 5 for _, age in alive) / len(alive)
        assert found == pytest.approx(share / total, rel=0.1, abs=0.004), start
    assert sum(sex == "female" for sex, _ in alive) / len(alive) == pytest.approx(0.503, abs=0.015)


def test_the_dead_are_as_many_as_die_in_two_years(people):
    assert sum(not alive for _, _, alive, *_ in people) / len(people) == pytest.approx(0.019, abs=0.004)


def test_large_municipalities_have_more_citizens(people):
    places = Counter(place for *_, place in people)
    assert len(places) > 60
    assert places["Københavns Kommune"] + places["København Kommune"] > 3 * places["Viborg Kommune"] > 0


def test_a_citizen_has_fifty_to_sixty_resources(people):
    assert 50 <= sum(size for *_, size, _ in people) / len(people) <= 60
