"""The generated citizens of the demo: they live in its towns, and its places and staff look after them."""

import pytest

from demo.country import SEED, Vestfjord
from demo.places import PLACES
from demo.world import directory_bundles
from helhed.fhir.validation import validate
from helhed.population.blocks import Population
from tests.unit.population.plausibility import Record, absurdities, pointed_at


@pytest.fixture(scope="module")
def records() -> list[Record]:
    population = Population(SEED, 500, Vestfjord())
    charts = [chart for number in population.blocks for chart in population.block(number)[1]]
    return [Record([one.resource for one in chart.written]) for chart in charts]


def test_every_resource_is_valid_and_nobody_is_absurd(records):
    assert [issue for record in records[:150] for one in record.resources for issue in validate(one)] == []
    assert [wrong for record in records for wrong in absurdities(record)] == []


def test_everybody_lives_in_the_demos_towns_and_goes_to_a_clinic_in_reach(records):
    reach = {"6991": {"havnegade", "skovbrynet"}, "6992": {"havnegade", "skovbrynet"}, "6993": {"klitrup"}, "6994": {"aadal"}, "6995": {"aadal", "lyngsted"}, "6996": {"strandlev"}}  # fmt: skip
    urls = {place.url: handle for handle, place in PLACES.items()}
    for record in records:
        clinic = urls[record.patient["generalPractitioner"][0]["reference"]]
        post_code = record.patient["address"][0].get("postalCode")
        assert post_code is None or clinic in reach[post_code]


def test_they_are_looked_after_at_the_demos_places_only(records):
    here = frozenset().union(*(source.own for source in directory_bundles()))
    targets = {
        target for record in records for target in pointed_at(record.resources) if target.startswith("urn:uuid:")
    }
    assert targets
    assert targets <= here
    others = {target for record in records for target in pointed_at(record.resources)} - targets
    assert not {one for one in others if one.split("/")[0] in ("Organization", "Practitioner")}


def test_no_number_is_that_of_a_demo_person(records):
    assert all(record.patient["identifier"][0]["value"][6:9] != "999" for record in records)


def test_what_they_have_was_recorded_by_a_person_not_by_a_place(records):
    places = {place.url for place in PLACES.values()}
    recorders = {one["recorder"]["reference"] for record in records for one in record.resources if "recorder" in one}
    assert recorders
    assert not recorders & places
