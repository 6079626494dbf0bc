"""Why a professional may see a record, and declarations that wait for a registration, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from helhed.portals.language import Words
from helhed.trust.policy import BASIS_NUMBERS
from helhed.trust.relation.declarations import Declaration, HeldBasis

_NAMES = {number: name for name, number in BASIS_NUMBERS.items()}
_OPEN = datetime(9990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BasisView:
    """A row of the page on bases."""

    basis: str
    law: str
    source: str
    place: str
    until: str


@dataclass(frozen=True, slots=True)
class DeclarationView:
    """A declaration, and whose move it is."""

    id: UUID
    heading: str
    who: str
    said: str
    state: str  #: waits, found, explain, late, explained, admitted
    move: str
    explanation: str
    may_explain: bool


def basis_views(held: Sequence[HeldBasis], words: Words) -> list[BasisView]:
    """The firmest first."""
    return [_basis(one, words) for one in held]


def _basis(one: HeldBasis, words: Words) -> BasisView:
    name, law = words.basis(_NAMES.get(one.basis, ""))
    source = words.either(
        f"bases.source.{one.source_type}",
        words(f"bases.from_{one.basis}" if words.has(f"bases.from_{one.basis}") else "bases.from"),
    )
    when = words.day(one.registered_at) if one.registered_at else ""
    return BasisView(
        basis=name,
        law=law,
        source=f"{source}, {words('bases.registered', when=when)}" if when else source,
        place=one.organisation_name or "",
        until=words("bases.while") if one.until >= _OPEN else words.instant(one.until),
    )


def declaration_views(found: Sequence[Declaration], words: Words, now: datetime) -> list[DeclarationView]:
    """In the order they came: those that want an explanation first."""
    return [_declaration(one, words, now) for one in found]


def _state(one: Declaration, now: datetime) -> str:
    if one.explained_at is not None:
        return "admitted" if one.admitted else "explained"
    if one.escalated_at is None:
        return "found" if one.found else "waits"
    return "late" if one.explain_by is not None and now >= one.explain_by else "explain"


def _declaration(one: Declaration, words: Words, now: datetime) -> DeclarationView:
    state = _state(one, now)
    deadline = one.due_at if state in ("waits", "found") else one.explained_at or one.explain_by or one.due_at
    role = words.role(one.role)
    who = (
        words("declared.you")
        if one.own
        else ", ".join(part for part in (one.professional_name, role, one.organisation_name) if part)
    )
    return DeclarationView(
        id=one.id,
        heading=one.citizen_name,
        who=who,
        said=words("declared.said", when=words.instant(one.declared_at), reason=words.either(f"relation.reason.{one.reason}", one.reason)),
        state=words(f"declared.state.{state}"),
        move=words(f"declared.move.{state}", when=words.instant(deadline)),
        explanation=one.explanation,
        may_explain=state in ("explain", "late"),
    )  # fmt: skip
