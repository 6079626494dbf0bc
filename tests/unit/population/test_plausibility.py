"""Nothing absurd in any record; and each check is seen to notice what it is for."""

import base64
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from helhed.population.blocks import Population
from helhed.population.country import Denmark
from tests.unit.population.plausibility import CHECKS, Record, absurdities, atc, codes

Spoil = Callable[[Record], Any]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_record_is_absurd(records, check):
    assert [wrong for record in records for wrong in check(record)] == []


@pytest.mark.long
def test_no_record_of_twenty_thousand_is_absurd():
    population = Population(seed=11, citizens=20_000, country=Denmark())
    for number in population.blocks:
        for chart in population.block(number)[1]:
            assert absurdities(Record([one.resource for one in chart.written])) == [], chart.prefix


def order(record: Record, start: str = "") -> dict[str, Any]:
    return next(
        one for one in record.of("MedicationRequest") if atc(one).startswith(start) and one["status"] == "active"
    )


def value(record: Record, code: str, grown: bool = True) -> dict[str, Any]:
    return next(
        one
        for one in record.of("Observation")
        if code in codes(one) and (record.age(one["effectiveDateTime"]) > 20) == grown
    )


def diagnosed(record: Record, code: str) -> dict[str, Any]:
    return next(one for one in record.of("Condition") if code in codes(one))


def is_dead(record: Record) -> Any:
    assert record.died
    return record


def is_man(record: Record, start: str) -> dict[str, Any]:
    assert record.sex == "male"
    return order(record, start)


def cure(record: Record) -> dict[str, Any]:
    """Penicillin for a bladder, which is prescribed at the visit."""
    return next(one for one in record.of("MedicationRequest") if atc(one) == "J01CA08")


def dispensed(record: Record, order: dict[str, Any]) -> dict[str, Any]:
    target = f"MedicationRequest/{order['id']}"
    return next(
        one for one in record.of("MedicationDispense") if one["authorizingPrescription"][0]["reference"] == target
    )


def give(record: Record, found: dict[str, Any]) -> None:
    record.resources.append(deepcopy(found))


def set_code(resource: dict[str, Any], code: str) -> bool:
    resource["code"] = {"coding": [{"code": code}]}
    return True


def set_atc(found: dict[str, Any], code: str) -> None:
    found["contained"][0]["code"]["coding"][0] = {"code": code}


def set_dose(found: dict[str, Any], amount: float) -> None:
    found["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] = amount


def letter_of(record: Record) -> dict[str, Any]:
    return next(one for one in record.of("DocumentReference") if "encounter" in one["context"])


def rewrite(found: dict[str, Any], text: str) -> None:
    found["content"][0]["attachment"]["data"] = base64.b64encode(text.encode()).decode()


def admission(record: Record) -> dict[str, Any]:
    return next(one for one in record.of("Encounter") if one["class"]["code"] == "IMP" and "end" in one["period"])


def twice_admitted(record: Record) -> None:
    second = deepcopy(admission(record))
    second["period"]["start"] = second["period"]["end"][:10] + "T00:00:00+01:00"
    give(record, second)


SPOILS: dict[str, tuple[str, Spoil]] = {
    "a diagnosis before birth": ("time_is_in_order", lambda r: r.of("Condition")[0].update(onsetDateTime="1890-01-01")),
    "a measurement tomorrow": ("time_is_in_order", lambda r: value(r, "NPU02319").update(effectiveDateTime="2026-11-24T07:00:00+01:00")),
    "a contact that ends before it begins": ("time_is_in_order", lambda r: admission(r)["period"].update(end="2001-01-01T00:00:00+01:00")),
    "over before it began": ("time_is_in_order", lambda r: r.of("Condition")[0].update(abatementDateTime="1950-01-01")),
    "booked yesterday": ("time_is_in_order", lambda r: r.of("Appointment")[0].update(start="2026-11-22T09:00:00+01:00")),
    "life after death": ("time_is_in_order", lambda r: is_dead(r).of("Condition")[0].update(recordedDate="2026-11-22")),
    "a dead man's medicine": ("the_dead_are_not_treated", lambda r: is_dead(r).of("MedicationRequest")[0].update(status="active")),
    "two dosages": ("medicine_is_dosed", lambda r: order(r)["dosageInstruction"].append({})),
    "ten times the dose": ("medicine_is_dosed", lambda r: set_dose(order(r, "C10"), 10)),
    "a dose that the text does not say": ("medicine_is_dosed", lambda r: set_dose(order(r, "C09"), 2)),
    "the wrong unit": ("medicine_is_dosed", lambda r: order(r, "C08")["contained"][0]["extension"][0].update(valueString="5 µg")),
    "a man on the pill": ("medicine_fits_the_person", lambda r: set_atc(is_man(r, "C10"), "G03AA07")),
    "insulin without diabetes": ("medicine_fits_the_person", lambda r: set_atc(order(r, "N02BE"), "A10AE04")),
    "treated before diagnosed": ("medicine_fits_the_person", lambda r: diagnosed(r, "T93").update(onsetDateTime="2026-11-22")),
    "penicillin to the allergic": ("medicine_is_tolerated", lambda r: set_atc(next(o for o in r.of("MedicationRequest") if any("J01C" in codes(a) for a in r.of("AllergyIntolerance"))), "J01CE02")),
    "metformin in kidney failure": ("medicine_is_tolerated", lambda r: order(r, "A10BA02") and value(r, "DNK35302")["valueQuantity"].update(value=25)),
    "the same medicine twice": ("medicine_is_tolerated", lambda r: give(r, order(r))),
    "prostate cancer in a woman": ("diagnoses_fit_the_person", lambda r: r.sex == "female" and set_code(r.of("Condition")[0], "Y77")),
    "a pregnant man": ("diagnoses_fit_the_person", lambda r: r.sex == "male" and set_code(r.of("Condition")[0], "W78")),
    "COPD in a child": ("diagnoses_fit_the_person", lambda r: set_code(next(c for c in r.of("Condition") if r.age(c["onsetDateTime"]) < 12), "R95")),
    "potassium of forty": ("values_are_possible", lambda r: value(r, "NPU03230")["valueQuantity"].update(value=40)),
    "haemoglobin in g/dL": ("values_are_possible", lambda r: value(r, "NPU02319")["valueQuantity"].update(code="g/dL")),
    "high sugar without diabetes": ("values_agree", lambda r: "T90" not in r.diagnoses() and "T89" not in r.diagnoses() and value(r, "NPU27300")["valueQuantity"].update(value=60)),
    "low filtration without disease": ("values_agree", lambda r: "U99" not in r.diagnoses() and len(r.values("DNK35302")) == 1 and value(r, "DNK35302")["valueQuantity"].update(value=40)),
    "BMI that does not follow": ("values_agree", lambda r: value(r, "39156-5")["valueQuantity"].update(value=41.5)),
    "a ratio that does not follow": ("values_agree", lambda r: value(r, "19926-5")["valueQuantity"].update(value=0.5)),
    "diastolic above systolic": ("values_agree", lambda r: value(r, "85354-9")["component"][1]["valueQuantity"].update(value=190)),
    "a grown man who grows": ("values_do_not_jump", lambda r: give(r, value(r, "NPU03794") | {"valueQuantity": {"value": 2.12}})),
    "a child who shrinks": ("values_do_not_jump", lambda r: value(r, "NPU03794", grown=False)["valueQuantity"].update(value=1.39)),
    "a letter before the discharge": ("letters_follow", lambda r: letter_of(r).update(date="2001-01-01T10:00:00+01:00")),
    "a letter about somebody else": ("letters_follow", lambda r: rewrite(letter_of(r), "Vedr. en anden")),
    "admitted twice at once": ("admissions_do_not_overlap", twice_admitted),
    "a control on a Sunday": ("clinics_are_closed_at_weekends", lambda r: next(e for e in r.of("Encounter") if e["class"]["code"] == "AMB")["period"].update(start="2026-11-22T10:00:00+01:00")),
    "a control at Easter": ("clinics_are_closed_on_holidays", lambda r: next(e for e in r.of("Encounter") if e["class"]["code"] == "AMB")["period"].update(start="2026-04-03T10:00:00+02:00")),
    "booked for New Year": ("clinics_are_closed_on_holidays", lambda r: r.of("Appointment")[0].update(start="2027-01-01T10:00:00+01:00")),
    "booked for a Sunday": ("clinics_are_closed_on_holidays", lambda r: r.of("Appointment")[0].update(start="2027-01-10T10:00:00+01:00")),
    "a cure before the visit": ("illness_comes_before_its_cure", lambda r: cure(r).update(authoredOn=cure(r)["authoredOn"][:11] + "07:00:00+01:00")),
    "handed over before it is prescribed": ("illness_comes_before_its_cure", lambda r: dispensed(r, cure(r)).update(whenHandedOver=cure(r)["authoredOn"][:11] + "07:00:00+01:00")),
    "referred before the visit": ("illness_comes_before_its_cure", lambda r: next(s for s in r.of("ServiceRequest") if s["code"]["text"] == "Fysioterapi").update(authoredOn=next(s for s in r.of("ServiceRequest") if s["code"]["text"] == "Fysioterapi")["authoredOn"][:11] + "06:00:00+01:00")),
    "fetched on a Sunday": ("pharmacies_are_closed_when_others_are", lambda r: next(d for d in r.of("MedicationDispense")).update(whenHandedOver="2026-11-22T10:00:00+01:00")),
    "an operation that nobody sees": ("surgery_shows_in_the_blood", lambda r: [o["valueQuantity"].update(value=4) for o in r.of("Observation") if "NPU19748" in codes(o)] and None),
    "diabetic values years before the diagnosis": ("values_agree", lambda r: diagnosed(r, "T90").update(onsetDateTime="2026-11-20") if r.values("NPU27300")[0][1] > 47 else False),
    "a reference to nothing": ("references_hold", lambda r: r.of("Encounter")[0].update(partOf={"reference": "Encounter/none"})),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILS)
def test_the_check_notices(records, name):
    """Spoils one record in which the thing can be spoilt, and asks the check that is there for it."""
    check_name, spoil = SPOILS[name]
    check = next(one for one in CHECKS if one.__name__ == check_name)
    for record in records:
        spoilt = Record(deepcopy(record.resources))
        try:
            if spoil(spoilt) is False:
                continue
        except (StopIteration, IndexError, AssertionError, KeyError):
            continue
        if list(check(spoilt)):
            return
    pytest.fail(f"{check_name} did not notice {name}")


def test_every_check_has_been_seen_to_notice_something():
    assert {name for name, _ in SPOILS.values()} == {check.__name__ for check in CHECKS}
