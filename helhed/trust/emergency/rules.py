"""The rules of emergency copies as dated data, and how the database gets them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import orjson

from helhed.foundation.database import Connection
from helhed.trust.policy import BASIS_NUMBERS, document

_PUT = "select trust.put_emergency_rules($1::jsonb)"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a copy, and the resource types that it is made from."""

    name: str
    words: Mapping[str, str]  #: as the citizen reads it, by language
    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class EmergencyReason:
    """Why a patient is opened without a network."""

    code: str
    words: Mapping[str, str]  #: as the professional chooses it
    to_citizen: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EmergencyRules:
    """The rules in force."""

    dated: date
    roles: frozenset[str]
    classes: tuple[int, ...]  #: numbers of the relations that put a patient in a copy
    most_patients: int
    most_rows: int  #: of each type
    holds: timedelta
    report_within: timedelta
    skew: timedelta
    shown: timedelta  #: how long a patient stays on the screen
    least_characters: int  #: of a code
    iterations: int  #: of PBKDF2
    points: int  #: of the case when nothing was told
    due: timedelta
    sections: Mapping[str, Section]
    reasons: Mapping[str, EmergencyReason]

    @property
    def types(self) -> Sequence[str]:
        """Every type that a copy is made from."""
        return tuple(dict.fromkeys(name for one in self.sections.values() for name in sorted(one.types)))


@cache
def emergency_rules() -> EmergencyRules:
    """The rules that this version of the network carries."""
    found = document("emergency.json")
    return EmergencyRules(
        date.fromisoformat(found["date"]),
        frozenset(found["roles"]),
        tuple(BASIS_NUMBERS[f"treatment-{letter}"] for letter in found["classes"]),
        found["most_patients"],
        found["most_rows"],
        timedelta(hours=found["holds_hours"]),
        timedelta(hours=found["report_hours"]),
        timedelta(minutes=found["skew_minutes"]),
        timedelta(minutes=found["shown_minutes"]),
        found["code"]["least_characters"],
        found["code"]["iterations"],
        found["watch"]["points"],
        timedelta(days=found["watch"]["due_days"]),
        {
            one["section"]: Section(one["section"], {"da": one["da"], "en": one["en"]}, frozenset(one["types"]))
            for one in found["sections"]
        },
        {
            one["reason"]: EmergencyReason(
                one["reason"], {"da": one["da"], "en": one["en"]}, {"da": one["citizen_da"], "en": one["citizen_en"]}
            )
            for one in found["reasons"]
        },
    )


async def put_emergency_rules(connection: Connection) -> None:
    """Keep the rules as the policy has them today."""
    rules = emergency_rules()
    told = {
        "roles": sorted(rules.roles),
        "classes": list(rules.classes),
        "most": rules.most_patients,
        "holds": round(rules.holds.total_seconds() / 3600),
        "report": round(rules.report_within.total_seconds() / 3600),
        "skew": round(rules.skew.total_seconds() / 60),
        "reasons": list(rules.reasons),
    }
    await connection.execute(_PUT, orjson.dumps(told).decode())
