"""What a block would hide, told before it is saved."""

from helhed.record.hiding import Share, compare, part_of
from helhed.record.overview import overview
from tests.unit.record.builders import HERE, NOW, records, text

FLAG = {"resourceType": "Flag", "status": "active", "code": text("Ilt: mål 88–92 %")}
ALLERGY = {"resourceType": "AllergyIntolerance", "code": text("penicillin")}


def test_each_part_says_what_is_left_and_what_disappears():
    record = records(here=[FLAG], there=[ALLERGY])
    today, then = (
        overview(record, NOW),
        overview(part_of(record, {entry.id for entry in record.entries if entry.origin == HERE}), NOW),
    )
    found = {share.part: (share.left, share.hidden) for share in compare(today, then, "da", {})}
    assert found == {"allergies": ((), ("penicillin",)), "warnings": (("Ilt: mål 88–92 %",), ())}


def test_of_two_with_the_same_name_the_one_that_disappears_is_told():
    assert Share("allergies", ("Penicillin", "Penicillin", "Nødder"), ("Penicillin",)).hidden == (
        "Penicillin",
        "Nødder",
    )
    assert Share("allergies", ("Penicillin",), ("Penicillin",)).hidden == ()
