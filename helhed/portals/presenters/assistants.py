"""Assistants and what is delegated to them, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from helhed.portals.language import Words
from helhed.trust.acting.rights import Assistance

#: what the work of assistants may be to record on behalf of the one responsible
_DELEGABLE = (
    "Appointment", "Task", "Observation", "DocumentReference", "MedicationAdministration", "MedicationRequest", "Immunization",
    "ServiceRequest", "Procedure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssistanceView:
    """Who answers for whom, for what, until when."""

    id: UUID
    name: str
    role: str
    delegated: str
    period: str
    holds: bool


def delegable(words: Words) -> list[tuple[str, str]]:
    """Types that can be delegated, and what people call them."""
    return [(name, words(f"assistants.may.{name}")) for name in _DELEGABLE]


def assistance_views(found: Sequence[Assistance], words: Words) -> list[AssistanceView]:
    """In the order they came: those that hold first."""
    return [
        AssistanceView(
            one.id,
            one.other_name,
            words.role(one.role),
            words.listed([words.either(f"assistants.may.{name}", name) for name in one.delegated]),
            words("assistants.period", since=words.day(one.since), until=words.instant(one.until)),
            one.holds,
        )
        for one in found
    ]
