"""Synthetic citizens: the same for the same seed, valid, Danish, and never absurd."""

from collections import Counter

import pytest

from demo.chart import Chart
from demo.clinical import body_mass_index, egfr
from demo.places import PLACES
from demo.population import synthetic_charts, synthetic_citizens
from demo.population.courses import medicine_group
from demo.population.people import FACTS, fails_modulus_11
from demo.world import directory_bundles
from helhed.fhir.validation import validate

N = 400
SEED = 7
DAY = "2026-11-23"
CHILDBIRTH = {"W78"}


@pytest.fixture(scope="module")
def people() -> list[Chart]:
    return list(synthetic_charts(N, SEED))


def resources(chart: Chart) -> list[dict]:
    return [entry["resource"] for source in chart.bundles() for entry in source.bundle["entry"]]


def codes(resource: dict) -> set[str]:
    return {coding["code"] for coding in resource.get("code", {}).get("coding", [])}


def written(n: int, seed: int = SEED) -> list[dict]:
    return [source.bundle for chart in synthetic_charts(n, seed) for source in chart.bundles()]


def test_the_same_seed_gives_the_same_people():
    assert written(20) == written(100)[: len(written(20))]
    assert written(20) != written(20, SEED + 1)


def test_transactions_hold_exactly_what_the_records_hold():
    streamed = [entry for source in synthetic_citizens(90, SEED) for entry in source.bundle["entry"]]
    recorded = [entry for bundle in written(90) for entry in bundle["entry"]]
    assert len({entry["fullUrl"] for entry in streamed}) == len(streamed) == len(recorded)
    assert {entry["fullUrl"]: entry for entry in streamed} == {entry["fullUrl"]: entry for entry in recorded}


def test_every_resource_is_valid(people):
    wrong = [(r["resourceType"], issue) for chart in people[:120] for r in resources(chart) for issue in validate(r)]
    assert wrong == []


def test_the_register_comes_first_and_the_rest_needs_nothing_but_it():
    known = frozenset().union(*(source.own for source in directory_bundles()))
    bundles = list(synthetic_citizens(90, SEED))
    register = [source for source in bundles if source.organisation == "personregister"]
    assert bundles[: len(register)] == register
    known |= frozenset().union(*(source.own for source in register))
    assert all(source.earlier <= known for source in bundles)


def test_sources_refer_to_nothing_of_each_other_but_the_citizen(people):
    directory = frozenset().union(*(source.own for source in directory_bundles()))
    for chart in people[:60]:
        assert all(source.earlier - directory <= {chart.url} for source in chart.bundles())


def test_cpr_numbers_are_unique_and_fit(people):
    numbers = [chart.citizen.cpr for chart in people]
    assert len(set(numbers)) == N
    for chart in people:
        number, born = chart.citizen.cpr, chart.citizen.born
        assert fails_modulus_11(number)
        assert number[:6] == f"{born[8:]}{born[5:7]}{born[2:4]}"
        assert (int(number[-1]) % 2 == 1) == (chart.citizen.gender == "male")
        assert _century(number) == int(born[:2])


def _century(cpr: str) -> int:
    """By the seventh digit, as the CPR office publishes it."""
    year, seventh = int(cpr[4:6]), int(cpr[6])
    if seventh <= 3:
        return 19
    if seventh in (4, 9):
        return 20 if year <= 36 else 19
    return 20 if year <= 57 else 18


def test_everybody_is_called_test_and_has_a_clinic_in_reach(people):
    towns = {town[0]: town[4] for town in FACTS["towns"]}
    for chart in people:
        assert chart.citizen.name.split()[-2] == "Test"
        assert chart.citizen.clinic in towns[chart.citizen.address.split(", ")[1][:4]]


def test_ages_have_the_shape_of_the_nation(people):
    ages = [2026 - int(chart.citizen.born[:4]) for chart in people]
    assert 0.14 < sum(age < 18 for age in ages) / N < 0.26
    assert 0.15 < sum(age >= 65 for age in ages) / N < 0.28
    assert max(ages) < 101


def test_a_citizen_has_some_twenty_to_sixty_resources():
    sizes = [sum(len(source.bundle["entry"]) for source in chart.bundles()) for chart in synthetic_charts(N, SEED)]
    assert 20 <= sum(sizes) / N <= 60


def test_no_man_is_pregnant_gives_birth_or_takes_the_pill(people):
    for chart in (c for c in people if c.citizen.gender == "male"):
        for resource in resources(chart):
            assert not codes(resource) & CHILDBIRTH
            assert "gynobs" not in {source.organisation for source in chart.bundles()}
            text = resource.get("code", {}).get("text", "")
            assert text not in ("Livmoderhalsscreening (HPV)", "Mammografiscreening")
            assert "G03" not in str(resource.get("contained", ""))


def test_no_woman_has_a_prostate(people):
    assert not any("Y85" in codes(r) for c in people if c.citizen.gender == "female" for r in resources(c))


def test_nobody_becomes_pregnant_outside_fertile_age(people):
    for chart in people:
        for resource in resources(chart):
            if codes(resource) & CHILDBIRTH:
                assert 20 <= int(resource["onsetDateTime"][:4]) - int(chart.citizen.born[:4]) <= 41


def test_screening_is_for_those_it_is_offered_to(people):
    limits = {
        "Livmoderhalsscreening (HPV)": (30, 65),
        "Mammografiscreening": (50, 70),
        "Tarmkræftscreening (FIT)": (50, 75),
    }
    seen: Counter[str] = Counter()
    for chart in people:
        for resource in resources(chart):
            text = resource.get("code", {}).get("text", "")
            if text in limits:
                low, high = limits[text]
                assert low <= int(resource["effectiveDateTime"][:4]) - int(chart.citizen.born[:4]) <= high
                seen[text] += 1
    assert set(seen) == set(limits)


def test_the_allergic_get_no_penicillin(people):
    for chart in people:
        record = resources(chart)
        if any("J01C" in codes(r) for r in record if r["resourceType"] == "AllergyIntolerance"):
            assert not any(_atc(r).startswith("J01C") for r in record if r["resourceType"] == "MedicationRequest")


def _atc(order: dict) -> str:
    return str(order["contained"][0]["code"]["coding"][0]["code"])


def test_no_two_current_medicines_do_the_same(people):
    for chart in people:
        groups = [
            medicine_group(_atc(r))
            for r in resources(chart)
            if r["resourceType"] == "MedicationRequest" and r["status"] == "active"
        ]
        assert len(groups) == len(set(groups))


def test_medicine_is_ordered_by_the_citizens_clinic_not_by_the_register_it_stands_in(people):
    for chart in people:
        clinic = PLACES[chart.citizen.clinic].name
        orders = [one for one in resources(chart) if one["resourceType"] == "MedicationRequest"]
        assert {order["requester"]["display"] for order in orders} <= {clinic}


def test_measurements_hang_together(people):
    for chart in people:
        sets: dict[str, dict[str, float]] = {}
        for one in (r for r in resources(chart) if r["resourceType"] == "Observation" and "valueQuantity" in r):
            sets.setdefault(one["effectiveDateTime"], {})[one["code"]["text"]] = one["valueQuantity"]["value"]
        for when, found in sets.items():
            if "BMI" in found:
                assert found["BMI"] == body_mass_index(found["Vægt"], found["Højde"])
            if "eGFR" in found:
                age = int(when[:4]) - int(chart.citizen.born[:4])
                assert abs(egfr(found["Kreatinin"], age, chart.citizen.gender) - found["eGFR"]) <= 2
            if "FEV1/FVC" in found:
                volume, capacity = found["FEV1 efter bronkodilatator"], found["FVC efter bronkodilatator"]
                assert volume / capacity == pytest.approx(found["FEV1/FVC"], abs=0.01)


def test_values_are_possible(people):
    bounds = {"HbA1c": (22, 110), "Kreatinin": (30, 260), "Kalium": (3.3, 5.3), "Natrium": (130, 150), "Hæmoglobin": (5.5, 12), "LDL-kolesterol": (0.5, 7),
              "Vægt": (2.5, 180), "Højde": (0.45, 2.1), "Puls": (40, 110), "FEV1 i % af forventet": (25, 115)}  # fmt: skip
    for chart in people:
        for one in (r for r in resources(chart) if r["resourceType"] == "Observation" and "valueQuantity" in r):
            if one["code"]["text"] in bounds:
                low, high = bounds[one["code"]["text"]]
                assert low <= one["valueQuantity"]["value"] <= high, one


def test_blood_pressure_has_its_higher_part_first(people):
    for chart in people:
        for one in (r for r in resources(chart) if r.get("component")):
            systolic, diastolic = (part["valueQuantity"]["value"] for part in one["component"])
            assert 80 <= systolic <= 210
            assert 40 <= diastolic < systolic - 15


def test_nothing_happens_before_birth_or_after_the_day(people):
    keys = ("effectiveDateTime", "onsetDateTime", "occurrenceDateTime", "authoredOn", "recordedDate")
    for chart in people:
        for resource in resources(chart):
            days = [resource[key] for key in keys if key in resource]
            days += [resource["period"]["start"]] if "period" in resource else []
            assert all(chart.citizen.born[: len(day)] <= day[:10] <= DAY for day in days), resource


def test_children_get_childrens_medicine_only(people):
    adult_only = {"C09AA05", "C10AA05", "A10BA02", "R03AL06", "N06AB04", "M05BA04", "G04CA02", "C03CA01"}
    for chart in people:
        if int(chart.citizen.born[:4]) > 2026 - 17:
            assert not {_atc(r) for r in resources(chart) if r["resourceType"] == "MedicationRequest"} & adult_only


def test_units_are_danish(people):
    units = {r["valueQuantity"].get("unit") for c in people for r in resources(c) if "valueQuantity" in r}
    assert not units & {"mg/dL", "lb", "[lb_av]", "in", "[degF]", "g/dL"}
