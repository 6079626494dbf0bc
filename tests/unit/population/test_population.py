"""The same people from the same seed, whoever generates them; valid, Danish, and nobody's CPR number."""

from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from itertools import chain, pairwise
from multiprocessing import get_context

import pytest
from hypothesis import given, strategies as st

from helhed.fhir.validation import validate
from helhed.foundation.errors import BadRequest
from helhed.population.blocks import Population, by_source, ndjson
from helhed.population.country import Denmark
from helhed.population.directory import directory
from helhed.population.numbers import CLASSES, MOST_BLOCKS, SLOTS, cpr_number, fails_modulus_11, may_be_born
from helhed.population.people import draw_block
from tests.unit.population.plausibility import pointed_at

DENMARK = Denmark()


def digest(number: int, citizens: int = 5000, seed: int = 3) -> str:
    charts = Population(seed, citizens, Denmark()).block(number)[1]
    return sha256(b"".join(ndjson(chart.written) for chart in charts)).hexdigest()


def test_any_slice_is_the_same_in_any_process_and_in_any_order():
    here = [digest(number) for number in (0, 7, 31)]
    with ProcessPoolExecutor(2, get_context("spawn")) as elsewhere:
        there = list(elsewhere.map(digest, (31, 7, 0)))
    assert here == there[::-1]


def test_the_first_citizens_are_the_same_however_many_there_are():
    few, many = (
        list(chain.from_iterable(c.written for c in Population(3, n, DENMARK).block(1)[1])) for n in (130, 9000)
    )
    assert [one.resource for one in few] == [one.resource for one in many[: len(few)]]
    assert few != many


def test_another_seed_gives_other_people():
    assert digest(0, seed=3) != digest(0, seed=4)


def test_every_resource_is_valid(population):
    wrong = [
        (one.resource["resourceType"], issue)
        for number in range(4)
        for chart in population.block(number)[1]
        for one in chart.written
        for issue in validate(one.resource)
    ]
    assert wrong == []


def test_the_directory_is_valid_and_names_everybody_who_is_referred_to(population, records):
    homes = [draw_block(population.seed, number, DENMARK).home for number in population.blocks]
    entries = list(directory(homes))
    assert [issue for one in entries for issue in validate(one)] == []
    known = {f"{one['resourceType']}/{one['id']}" for one in entries}
    assert len(known) == len(entries)
    targets = {target for record in records for target in pointed_at(record.resources)}
    referred = {one for one in targets if one.split("/")[0] in ("Organization", "Practitioner")}
    assert referred
    assert referred <= known


def test_parents_come_before_what_belongs_to_them():
    told = set()
    for one in directory([draw_block(1, number, DENMARK).home for number in range(30)]):
        if "partOf" in one:
            assert one["partOf"]["reference"] in told
        told.add(f"{one['resourceType']}/{one['id']}")


def test_register_numbers_of_places_and_staff_are_unique_in_the_whole_country():
    entries = list(directory(draw_block(1, number, DENMARK).home for number in range(900)))
    numbers = Counter((one["system"], one["value"]) for entry in entries for one in entry.get("identifier", ()))
    assert [number for number, times in numbers.items() if times > 1 and "1.4" not in number[0]] == []


def test_each_resource_comes_from_the_kind_of_organisation_that_makes_it(population):
    makers = defaultdict(set)
    for number in population.blocks:
        for chart in population.block(number)[1]:
            for source, resource in chart.written:
                makers[resource["resourceType"]].add(source.kind)
                systems = {one["system"][-5:] for one in resource.get("code", {}).get("coding", ())} if resource["resourceType"] == "Condition" else set()  # fmt: skip
                if "76.2.31"[-5:] in systems:
                    assert source.kind == "almen praksis"
                if source.kind in ("sygehusafdeling", "akutmodtagelse", "ambulatorium", "psykiatri"):
                    assert not systems & {".2.31", ".2.21"}
    assert makers["Patient"] == {"register"} == makers["MedicationRequest"] == makers["Immunization"]
    assert {"almen praksis", "laboratorium", "sygehusafdeling", "hjemmesygepleje", "genoptræning"} <= makers[
        "Observation"
    ]
    assert {"speciallægepraksis", "fysioterapi"} <= makers["Encounter"]
    assert "sygehusafdeling" in makers["DocumentReference"]


def test_what_one_source_delivers_refers_to_its_own_to_the_citizen_and_to_the_directory(population):
    for number in range(3):
        for _, written in by_source(population.block(number)[1]).values():
            own = {f"{one.resource['resourceType']}/{one.resource['id']}" for one in written}
            targets = set(pointed_at([one.resource for one in written]))
            assert {
                one for one in targets - own if one.split("/")[0] not in ("Patient", "Organization", "Practitioner")
            } <= {"#product"}


def test_the_register_comes_first(population):
    assert next(iter(by_source(population.block(0)[1]))) == "register-person"


def test_cpr_numbers_are_unique_and_fit(records):
    numbers = [record.patient["identifier"][0]["value"] for record in records]
    assert len(set(numbers)) == len(numbers)
    for record, number in zip(records, numbers, strict=True):
        born = record.patient["birthDate"]
        assert fails_modulus_11(number)
        assert number[:6] == f"{born[8:]}{born[5:7]}{born[2:4]}"
        assert (int(number[-1]) % 2 == 1) == (record.sex == "male")
        assert not born.endswith("01-01")


@given(st.integers(0, MOST_BLOCKS - 1), st.integers(700_000, 739_900), st.sampled_from(["male", "female"]))
def test_no_two_blocks_share_a_number(block, day, sex):
    """Blocks that use the same slot on a day are born on different days; all others have other numbers on it."""
    rounds = [one for one in range(block % SLOTS, MOST_BLOCKS, SLOTS) if may_be_born(day, one)]
    assert len(rounds) <= 1
    neighbours = {cpr_number(day, sex, (block + step * CLASSES) % MOST_BLOCKS) for step in range(30)}
    assert len(neighbours) == 30
    assert fails_modulus_11(cpr_number(day, sex, block))


def test_beyond_the_last_number_there_is_a_clear_error():
    with pytest.raises(BadRequest, match="at most"):
        draw_block(1, MOST_BLOCKS, DENMARK)


def test_more_citizens_than_numbers_are_refused_at_once():
    with pytest.raises(BadRequest, match="at most"):
        Population(1, MOST_BLOCKS * 100 + 1, DENMARK)
    assert Population(1, MOST_BLOCKS * 100, DENMARK).citizens == 6_400_000


def test_surroundings_are_known_without_drawing_the_people():
    people = Population(4, 700, DENMARK)
    assert list(people.homes) == [draw_block(4, number, DENMARK).home for number in people.blocks]


def test_everybody_is_called_test_and_is_under_a_hundred_and_ten(records):
    assert all(record.patient["name"][0]["text"].split()[-2] == "Test" for record in records)
    assert all(record.age("2026-11-23") < 110 for record in records)


def test_children_live_with_a_parent_of_the_right_age(population):
    for number in population.blocks:
        for person in draw_block(population.seed, number, DENMARK).people:
            for parent in (person.mother, person.father):
                if parent is not None:
                    assert 18 <= parent.age_at(person.born) <= (42 if parent.sex == "female" else 56)
            if person.mother is not None:
                assert person.address == person.mother.address
                siblings = sorted(child.born for child in person.mother.children)
                assert all(later - earlier > 300 for earlier, later in pairwise(siblings))


def test_protected_addresses_stand_nowhere(population):
    protected = 0
    for number in population.blocks:
        block, charts = population.block(number)
        for person, chart in zip(block.people, charts, strict=True):
            if person.protected:
                protected += 1
                patient = chart.written[0].resource
                assert patient["address"] == [{"use": "home", "text": "Beskyttet adresse", "country": "DK"}]
                assert person.address.encode() not in ndjson(chart.written)
    assert protected


def test_some_contacts_are_open_and_some_referrals_accepted_so_that_relations_exist(records):
    contacts = [one for record in records for one in record.of("Encounter") if one["status"] == "in-progress"]
    assert {one["class"]["code"] for one in contacts} >= {"AMB", "HH"}
    assert all("serviceProvider" in one for record in records for one in record.of("Encounter"))
    assert any(one["status"] == "active" for record in records for one in record.of("ServiceRequest"))
    assert all(record.patient["generalPractitioner"] for record in records)
