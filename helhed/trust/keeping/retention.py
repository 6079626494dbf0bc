"""The dated policy of retention: how long which kinds of rows are kept, and by which paragraph."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from helhed.trust.policy import document


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rows. Periods are ISO 8601, which PostgreSQL reads: a year has no fixed length."""

    name: str
    keep: str
    since: str  #: from what the period counts
    law: str
    shorter: str = ""  #: where an organisation is of a kind in ``shorter_for``
    shorter_for: tuple[str, ...] = ()
    stays_while_alive: tuple[str, ...] = ()  #: types that go on being true of a living citizen


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """The policy in force."""

    dated: date
    kinds: Mapping[str, Kind]


@cache
def retention_policy() -> RetentionPolicy:
    """The policy that this version of the network carries."""
    told = document("retention.json")
    kinds = {
        one["kind"]: Kind(
            one["kind"], one["keep"], one["from"], one["law"], one.get("shorter", ""),
            tuple(one.get("shorter_for", ())), tuple(one.get("stays_while_alive", ())),
        )
        for one in told["kinds"]
    }  # fmt: skip
    return RetentionPolicy(date.fromisoformat(told["date"]), MappingProxyType(kinds))
