"""No CPR number and no token reaches a log line."""

import pytest

from helhed.foundation.logging import scrub


@pytest.mark.parametrize(
    "secret", ["010203-4567", "0102034567", "260174-1AG7", "eyJhbGciOi.eyJzdWIi.c2ln", "Bearer abc.def"]
)
def test_what_looks_like_a_secret_is_taken_out(secret: str) -> None:
    assert secret not in scrub(f"before {secret} after")


def test_ordinary_text_stays() -> None:
    assert scrub("resources stored: 120, took 12 ms") == "resources stored: 120, took 12 ms"
