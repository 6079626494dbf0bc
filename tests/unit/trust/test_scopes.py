"""SMART scopes as sets of types."""

import pytest
from hypothesis import given, strategies as st

from helhed.trust.tokens.scopes import types_of

NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("scope", "read", "write"),
    [
        ("user/*.rs", None, NOTHING),
        ("user/*.cud", NOTHING, None),
        ("user/*.cruds", None, None),
        ("user/Observation.rs user/Patient.rs", {"Observation", "Patient"}, NOTHING),
        ("user/Observation.cruds user/*.rs", None, {"Observation"}),
        ("openid launch user/Patient.rs", {"Patient"}, NOTHING),
    ],
)
def test_scopes_name_types(scope, read, write):
    assert types_of(scope, "user") == (read, write)


@pytest.mark.parametrize(
    "scope",
    [
        "", "user", "user/", "user/*", "user/*.", "user/.rs", "*/*.rs", "patient/*.rs", "system/*.cruds", "User/*.rs",
        "user/*.read", "user/*.write", "user/*.*", "user/*.sr", "user/*.rrs", "user/*.RS", "user/*.rsx", "user/*.r",
        "user/*.s", "user/*.c", "user/*.cu", "user/observation.rs", "user/Nonsense.rs", "user/Obs*.rs", "user/**.rs",
        "user/Observation.rs?category=laboratory", "user//*.rs", "user/Observation.rs,user/*.rs", "user/*.rs\x00",
    ],
)  # fmt: skip
def test_what_does_not_parse_grants_nothing(scope):
    assert types_of(scope, "user") == (NOTHING, NOTHING)


@given(st.text(), st.sampled_from(["patient", "user", "system"]))
def test_any_text_is_survived(scope, level):
    types_of(scope, level)
