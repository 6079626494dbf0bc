"""What the definitions themselves say of a resource."""

import pytest

from helhed.fhir.definitions import facts
from helhed.fhir.validation import validate

OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "CRP"}}


def test_a_measurement_may_be_less_than_a_limit():
    """Quantity has a comparator; SimpleQuantity, which has none, is a profile of it."""
    quantity = {"value": 5, "comparator": "<", "unit": "mg/L"}
    assert validate({**OBSERVATION, "valueQuantity": quantity}) == []


@pytest.mark.parametrize("name", ["Quantity", "Period", "Observation"])
def test_each_type_is_defined_once(name):
    assert sum(record["name"] == name for record in facts.lines("types.jsonl")) == 1
