"""What is sealed says nothing, opens in its place alone, and survives a change of keys."""

import json

import pytest

from helhed.foundation.seal import Seal, SealBroken

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_is_sealed_opens_and_says_nothing_before_that():
    seal = Seal("sessions", [OLD])
    sealed = seal.close(b"Jens 0102509995", "row")
    assert b"Jens" not in sealed
    assert seal.open(sealed, "row") == b"Jens 0102509995"


def test_it_opens_in_no_other_place_and_for_no_other_purpose():
    sealed = Seal("sessions", [OLD]).close(b"x", "row")
    with pytest.raises(SealBroken):
        Seal("sessions", [OLD]).open(sealed, "another row")
    with pytest.raises(SealBroken):
        Seal("attempts", [OLD]).open(sealed, "row")


def test_an_earlier_key_opens_until_it_is_retired():
    seal = Seal("sessions", [OLD])
    sealed = seal.close(b"x", "row")
    seal.take([NEW, OLD])
    assert seal.open(sealed, "row") == b"x"
    seal.take([NEW])
    with pytest.raises(SealBroken):
        seal.open(sealed, "row")


@pytest.mark.parametrize(
    "made",
    [b"", b"{}", b"null", b'{"principal": 1}', b'{"sealed": ""}', b'{"sealed": "!"}', b'{"sealed": "AAAA"}', b"\xff"],
)
def test_anything_else_opens_nothing(made):
    with pytest.raises(SealBroken):
        Seal("sessions", [OLD]).open(made, "row")


def test_one_changed_bit_is_seen():
    seal = Seal("sessions", [OLD])
    sealed = json.loads(seal.close(b"x" * 30, "row"))["sealed"]
    changed = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]
    with pytest.raises(SealBroken):
        seal.open(json.dumps({"sealed": changed}).encode(), "row")
