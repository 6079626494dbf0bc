"""Which assertions are taken: ``trust/policy/assertions.json``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from signxml.algorithms import DigestAlgorithm, SignatureMethod

from helhed.trust.policy import document


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of assertion is read."""

    id_attribute: str  #: what a signature refers to an assertion by
    longest: timedelta
    audience: bool  #: it must name us
    once: bool  #: one that is not bound to a key is taken once
    names: Mapping[str, tuple[str, ...]]
    organisation_kind: str  #: of the number that names an organisation; "" where the attribute says it itself
    levels: frozenset[str]


@cache
def profiles() -> Mapping[str, Profile]:
    """Every kind by its name."""
    return {name: _profile(told) for name, told in document("assertions.json")["profiles"].items()}


@cache
def signature_methods() -> frozenset[SignatureMethod]:
    """What an assertion may be signed with."""
    return frozenset(SignatureMethod[name] for name in document("assertions.json")["signatures"]["methods"])


@cache
def digest_algorithms() -> frozenset[DigestAlgorithm]:
    """What it may be digested with."""
    return frozenset(DigestAlgorithm[name] for name in document("assertions.json")["signatures"]["digests"])


def _profile(told: Mapping[str, Any]) -> Profile:
    return Profile(
        told["id_attribute"], timedelta(hours=told["longest_hours"]), told["audience"], told["once"],
        {name: tuple(several) for name, several in told["names"].items()}, told["organisation_kind"],
        frozenset(told["levels"]),
    )  # fmt: skip
