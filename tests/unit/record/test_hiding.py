"""What a block would hide, told before it is saved."""

import pytest

from helhed.record.hiding import Places, Rule, Share, compare, visible
from helhed.record.overview import overview
from tests.unit.record.builders import HERE, NOW, THERE, records, text

REGION, HOSPITAL, WARD, CLINIC = 1, 2, HERE, THERE
PLACES = Places({REGION: [REGION], HOSPITAL: [HOSPITAL, REGION], WARD: [WARD, HOSPITAL, REGION], CLINIC: [CLINIC]})
FLAG = {"resourceType": "Flag", "status": "active", "code": text("Ilt: mål 88–92 %")}
ALLERGY = {"resourceType": "AllergyIntolerance", "code": text("penicillin")}


@pytest.mark.parametrize(
    ("rule", "reader", "left"),
    [
        (Rule(None, None), WARD, 0),
        (Rule(HOSPITAL, None), WARD, 0),
        (Rule(HOSPITAL, None), CLINIC, 2),
        (Rule(WARD, None), HOSPITAL, 2),  # a block of the ward leaves the rest of the hospital
        (Rule(None, HOSPITAL), CLINIC, 1),  # what the ward delivered is of the hospital
        (Rule(REGION, CLINIC), WARD, 1),
    ],
)
def test_a_block_reaches_the_units_beneath_on_both_sides(rule, reader, left):
    record = records(here=[FLAG], there=[ALLERGY])
    assert len(visible(record, reader, [rule], PLACES).entries) == left


def test_each_part_says_what_is_left_and_what_disappears():
    record = records(here=[FLAG], there=[ALLERGY])
    today, then = overview(record, NOW), overview(visible(record, WARD, [Rule(HOSPITAL, CLINIC)], PLACES), NOW)
    found = {share.part: (share.left, share.hidden) for share in compare(today, then, "da", {})}
    assert found == {"allergies": ((), ("penicillin",)), "warnings": (("Ilt: mål 88–92 %",), ())}


def test_of_two_with_the_same_name_the_one_that_disappears_is_told():
    assert Share("allergies", ("Penicillin", "Penicillin", "Nødder"), ("Penicillin",)).hidden == (
        "Penicillin",
        "Nødder",
    )
    assert Share("allergies", ("Penicillin",), ("Penicillin",)).hidden == ()
