"""How long a session lasts, and how fresh a log-in must be before an act that opens records: dated data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import MappingProxyType

from helhed.trust.policy import document


@dataclass(frozen=True, slots=True)
class Freshness:
    """Within what time somebody must have proved who they are, and who is excused."""

    within: timedelta
    not_for_roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """The policy in force."""

    idle: timedelta
    absolute: timedelta
    fresh: Mapping[str, Freshness]  #: by purpose


@cache
def session_policy() -> SessionPolicy:
    """The policy that this version of the network carries."""
    data = document("sessions.json")
    fresh = {
        one["purpose"]: Freshness(timedelta(minutes=one["minutes"]), frozenset(one["not_for_roles"]))
        for one in data["fresh"]
    }
    return SessionPolicy(
        timedelta(minutes=data["idle_minutes"]), timedelta(minutes=data["absolute_minutes"]), MappingProxyType(fresh)
    )
