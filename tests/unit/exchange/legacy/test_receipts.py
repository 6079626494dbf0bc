"""A letter is answered by a receipt of its own syntax, which is read as one."""

from datetime import UTC, datetime

import pytest

from helhed.exchange.legacy import decode, encode, receipt, to_fhir
from helhed.foundation.errors import NotSupported
from tests.unit.exchange.legacy.samples import NAMES, sample

AT = datetime(2026, 7, 2, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize("name", [name for name in NAMES if name[:3] != "CTL"])
@pytest.mark.parametrize(
    ("refused", "code"), [("", "ok"), ("Borgeren er ukendt: skriv + igen?\nVenlig hilsen", "fatal-error")]
)
def test_every_letter_can_be_answered_in_its_own_syntax(name, refused, code):
    letter = decode(sample(name))
    answer = receipt(letter, "Kvit1", AT, refused=refused)
    assert decode(encode(answer)) == answer
    assert answer.syntax == letter.syntax
    bundle = to_fhir(answer).bundle
    resources = [entry["resource"] for entry in bundle["entry"]]
    assert resources[0]["response"] == {"identifier": "Kuvert0001", "code": code}
    issue = next(one for one in resources if one["resourceType"] == "OperationOutcome")["issue"][0]
    assert issue.get("diagnostics", "") == (f"{refused}\n" if refused else "")
    assert bundle["timestamp"] == "2026-07-02T11:05:00+02:00"  # by Danish clocks
    numbers = [one["identifier"][0]["value"] for one in resources if one["resourceType"] == "Organization"]
    assert numbers == ["5790007654321", "5790001234567"]  # the receiver answers


@pytest.mark.parametrize("name", ["DIS01.edi", "DIS01.xml"])
def test_a_reason_that_the_letter_s_characters_cannot_say_is_said_as_well_as_they_can(name):
    answer = receipt(decode(sample(name)), "K", AT, refused="Nej \x07 \u2192 </x>'+:\r\n" + "lang " * 200)
    assert decode(encode(answer)) == answer


def test_a_receipt_is_never_answered():
    for name in ("CTL01.edi", "CTL03.xml"):
        with pytest.raises(NotSupported, match="never answered"):
            receipt(decode(sample(name)), "K", AT)
