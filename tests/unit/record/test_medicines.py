"""The medicine card is whole, current first, each drug once."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from helhed.record.medicines import medicines
from tests.unit.record.builders import record, text

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def order(drug, since, status="active", **more) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "status": status, "intent": "order",
        "medicationCodeableConcept": text(drug), "authoredOn": since, **more,
    }  # fmt: skip


def dosage(**more):
    return {"dosageInstruction": [more]}


def names(*resources):
    return [(m.drug.text, m.current) for m in medicines(record(*resources), NOW)]


def test_a_renewed_order_stands_once():
    assert names(order("Amlodipin", "2019-08-20"), order("Amlodipin", "2026-08-20")) == [("Amlodipin", True)]


def test_current_medicine_comes_first_and_a_course_that_ran_out_is_stopped():
    ended = dosage(text="1 tablet", timing={"repeat": {"boundsPeriod": {"start": "2026-02-04", "end": "2026-02-08"}}})
    found = names(order("Prednisolon", "2026-02-04", **ended), order("Amlodipin", "2019"))
    assert found == [("Amlodipin", True), ("Prednisolon", False)]


def test_a_course_holds_through_its_last_day():
    last = dosage(timing={"repeat": {"boundsPeriod": {"end": "2026-11-23"}}})
    assert names(order("Penicillin", "2026-11-18", **last)) == [("Penicillin", True)]


def test_proposals_and_mistakes_are_not_on_the_card():
    assert names(order("A", "2026", intent="proposal"), order("B", "2026", status="entered-in-error")) == []


def test_a_contained_product_gives_name_strength_and_form():
    product: dict[str, Any] = {
        "resourceType": "Medication",
        "id": "product",
        "code": text("Salbutamol"),
        "form": text("inhalationsspray"),
    }
    product["extension"] = [{"url": "urn:x/strength", "valueString": "0,1 mg"}]
    asked = order("", "2026", contained=[product], medicationReference={"reference": "#product"})
    del asked["medicationCodeableConcept"]
    (found,) = medicines(record(asked), NOW)
    assert (found.drug.text, found.strength, found.form) == ("Salbutamol", "0,1 mg", "inhalationsspray")


def test_a_synthea_dose_is_read_from_its_structure():
    said = dosage(
        sequence=1,
        asNeededBoolean=False,
        timing={"repeat": {"frequency": 2, "period": 1.0, "periodUnit": "d"}},
        doseAndRate=[{"doseQuantity": {"value": 1.0}}],
    )
    (found,) = medicines(record(order("Naproxen sodium 220 MG Oral Tablet", "2026-01-01", **said)), NOW)
    (dose,) = found.doses
    assert (dose.text, dose.amount, dose.frequency, dose.period, dose.period_unit) == (
        "",
        Decimal(1),
        2,
        Decimal(1),
        "d",
    )


def test_the_last_dose_given_is_found_by_order_or_by_name():
    given = {"resourceType": "MedicationAdministration", "status": "completed"}
    first = {
        **given,
        "medicationCodeableConcept": text("prednisolon"),
        "effectiveDateTime": "2026-11-22T08:00:00+01:00",
    }
    later = {**first, "effectiveDateTime": "2026-11-23T08:00:00+01:00"}
    (found,) = medicines(record(order("Prednisolon", "2026-11-20"), later, first), NOW)
    assert found.last_given is not None
    assert found.last_given.at.isoformat() == "2026-11-23T08:00:00+01:00"


def test_a_reason_may_stand_in_another_resource():
    copd = {"resourceType": "Condition", "id": "01900000-0000-7000-8000-000000000001", "code": text("KOL")}
    asked = order("Tiotropium", "2026", reasonReference=[{"reference": f"Condition/{copd['id']}"}])
    (found,) = medicines(record(asked, copd), NOW)
    assert found.indication == "KOL"
