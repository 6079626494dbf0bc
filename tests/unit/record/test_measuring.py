"""Values out of Observations, and series of the same thing."""

from decimal import Decimal
from typing import Any

import pytest

from helhed.record.measuring import latest_words, measured, newest_value, series_of
from helhed.record.reading import record_of
from tests.unit.record.builders import StoredRow, record, row, value

NPU = "urn:oid:1.2.208.176.2.1"


def synthea_pressure(systolic, diastolic, at):
    """A blood pressure as Synthea writes it: the components' order is diastolic first."""
    loinc = "http://loinc.org"
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {
            "coding": [{"system": loinc, "code": "55284-4", "display": "Blood Pressure"}],
            "text": "Blood Pressure",
        },
        "effectiveDateTime": at,
        "component": [
            {
                "code": {"coding": [{"system": loinc, "code": "8462-4"}], "text": "Diastolic Blood Pressure"},
                "valueQuantity": {"value": diastolic, "unit": "mm[Hg]"},
            },
            {
                "code": {"coding": [{"system": loinc, "code": "8480-6"}], "text": "Systolic Blood Pressure"},
                "valueQuantity": {"value": systolic, "unit": "mm[Hg]"},
            },
        ],
    }


def test_the_same_thing_in_danish_and_american_codes_is_one_series():
    found = series_of(
        record(value("38483-4", 90, "µmol/L", "2020"), value("NPU18016", 88, "µmol/L", "2026-02-04", NPU))
    )
    assert [(one.name.words("da"), one.length) for one in found] == [("Kreatinin", 2)]


def test_two_units_are_two_series():
    found = series_of(record(value("38483-4", 1.1, "mg/dL", "2020"), value("38483-4", 90, "µmol/L", "2021")))
    assert sorted(one.unit for one in found) == ["mg/dL", "µmol/L"]


def test_points_stand_in_order_of_time_whatever_the_stored_order():
    (found,) = series_of(
        record(value("8302-2", 178, "cm", "2020-05-01"), value("8302-2", 170, "cm", "2012-02-27T05:28:45+00:00"))
    )
    assert [point.value for point in found.lines[0].points] == [170, 178]


def test_blood_pressure_is_one_series_of_two_lines_systolic_first():
    (found,) = series_of(record(synthea_pressure(137, 85, "2021-02-19"), synthea_pressure(131, 80, "2020-01-01")))
    assert found.name.words("da") == "Blodtryk"
    assert [point.value for point in found.latest] == [137, 85]


def test_a_decimal_keeps_the_zeros_that_were_sent():
    stored = row(value("20150-9", 1.5, "L", "2025"))
    exact = StoredRow(stored.type_name, stored.id, stored.origin, stored.updated, stored.body.replace(b"1.5", b"1.50"))
    (found,) = series_of(record_of([exact]))
    assert str(found.latest[0].value) == "1.50"


def test_the_reference_interval_tells_what_is_out_when_nobody_interpreted():
    interval = [{"low": {"value": 3.5}, "high": {"value": 8.8}}]
    found = list(measured(record(value("6690-2", 11.8, "10*9/L", "2026", referenceRange=interval))))
    assert [(one.out, one.low, one.high) for one in found] == [("high", Decimal("3.5"), Decimal("8.8"))]


def test_the_senders_interpretation_wins_over_the_interval():
    normal: dict[str, Any] = {
        "interpretation": [{"coding": [{"code": "N"}]}],
        "referenceRange": [{"high": {"value": 1}}],
    }
    (found,) = measured(record(value("6690-2", 5, "x", "2026", **normal)))
    assert found.out == ""


def test_a_value_below_a_detection_limit_is_words_and_never_a_point():
    less = value("1988-5", 0, "mg/L", "2026")
    less["valueQuantity"] = {"value": 3, "comparator": "<", "unit": "mg/L"}
    assert series_of(record(less)) == []
    assert [found.words for found in latest_words(record(less))] == ["< 3"]


def test_what_was_entered_in_error_is_not_measured():
    assert list(measured(record(value("8302-2", 178, "cm", "2020", status="entered-in-error")))) == []


def test_the_newest_result_in_words_stands_for_the_older():
    def smoking(words, at):
        return {
            "resourceType": "Observation", "status": "final", "effectiveDateTime": at,
            "code": {"coding": [{"system": "http://loinc.org", "code": "72166-2"}]}, "valueCodeableConcept": {"text": words},
        }  # fmt: skip

    found = latest_words(record(smoking("Never smoker", "2015"), smoking("Former smoker", "2020")))
    assert [one.words for one in found] == ["Former smoker"]


def test_the_newest_weight_is_found_in_whatever_unit():
    all_series = series_of(record(value("29463-7", 160, "lb", "2010"), value("NPU03804", 71, "kg", "2026", NPU)))
    found = newest_value(all_series, "weight")
    assert found is not None
    assert (found.value, found.unit) == (Decimal(71), "kg")


def test_odd_shapes_are_passed_over():
    odd: list[dict[str, object]] = [
        {"resourceType": "Observation", "status": "final", "code": "text", "valueQuantity": 7},
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {},
            "valueQuantity": {"value": "many"},
            "component": "x",
        },
    ]
    assert list(measured(record(*odd))) == []


@pytest.mark.parametrize(
    ("said", "out"), [("U", "high"), ("local", "high"), ("N", ""), ("HX", "high"), ("A", "abnormal"), (None, "high")]
)
def test_a_code_that_says_nothing_of_normal_leaves_the_interval_to_speak(said, out):
    more: dict[str, Any] = {"interpretation": [{"coding": [{"code": said}]}]} if said else {}
    found = list(
        measured(record(value("2823-3", 6.1, "mmol/L", "2026", referenceRange=[{"high": {"value": 4.6}}], **more)))
    )
    assert found[0].out == out
