"""What leaves for a device is what the standards have: the example of RFC 8291, and a signature that a push service verifies."""

from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from helhed.trust.log.push_crypto import Sender, bytes_of, encrypted, text_of
from tests.support.push_service import Phone, claims_of

#: RFC 8291, section 5 and appendix A
_PLAIN = b"When I grow up, I want to be a watermelon"
_PRIVATE, _SECRET = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "BTBZMqHH6r4Tts7J_aSIgg"
_OURS, _SALT = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", "DGv6ra1nlYgDCS1FRnbzlw"
_BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y"
    "l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard_comes_out_byte_for_byte() -> None:
    _, receiver, secret = Phone(_PRIVATE, _SECRET).fields
    own = ec.derive_private_key(int.from_bytes(bytes_of(_OURS)), ec.SECP256R1())
    body = encrypted(_PLAIN, bytes_of(receiver), bytes_of(secret), own=own, salt=bytes_of(_SALT))
    assert text_of(body) == _BODY
    assert Phone(_PRIVATE, _SECRET).opened(body) == _PLAIN


def test_a_message_is_for_one_device_new_each_time_and_as_long_whatever_it_says() -> None:
    phone, other = Phone(), Phone()
    keys = [bytes_of(one) for one in phone.fields[1:]]
    one, same, more = [encrypted(text, *keys, padded_to=200) for text in (b"1", b"1", b"1000 more")]
    assert (phone.opened(one), phone.opened(more)) == (b"1", b"1000 more")
    assert one != same
    assert len(one) == len(more)
    with pytest.raises(InvalidTag):
        other.opened(one)
    with pytest.raises(ValueError, match="too long"):
        encrypted(b"x" * 4096, *keys)


def test_a_push_service_learns_who_sent_it_for_itself_alone_and_for_half_a_day() -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    sender = Sender.of(b"a secret of the keyring", "mailto:drift@helhed.example")
    said = claims_of(sender.authorization("https://push.example/abc?d=e", now))
    assert said == {"aud": "https://push.example", "exp": int(now.timestamp()) + 43_200, "sub": "mailto:drift@helhed.example"}  # fmt: skip
    assert Sender.of(b"a secret of the keyring", "").public == sender.public != Sender.of(b"another", "").public
