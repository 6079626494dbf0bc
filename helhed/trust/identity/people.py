"""The people behind tokens, as the registries know them now: who they are, and whether a professional's job holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.trust.tokens.claims import STANDINGS, TYPE_OF_KIND


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or a system, in the place they act from."""

    kind: ActorKind
    actor: int
    organisation: int | None
    role: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the registries say of a person."""

    active: bool
    subject: UUID
    organisation: UUID | None
    principal: UUID | None  #: the professional whom an assistant answers to
    authorisation: str | None  #: a professional's authorisation number
    sor: str | None  #: the organisation's number in SOR


class People:
    """Looks people up for the tokens that name them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def standing(self, ask: Ask) -> Standing | None:
        """What is known of an asker; None when nobody is."""
        statement = "select * from trust.standing_of($1::fhir.ask)"
        async with lend(self._pool) as connection:
            row: Any = await connection.fetchrow(statement, ask_row(ask))
        if row is None or row["subject"] is None:
            return None
        return Standing(
            row["active"], row["subject"], row["organisation_id"], row["principal"], row["authorisation"], row["sor"]
        )


def ask_of(person: Person, client: str, moment: datetime) -> Ask:
    """An ask of a person whom the authorisation server knows, to look up how they stand: it reads nothing."""
    nothing: frozenset[str] = frozenset()
    return Ask(
        person.kind, person.actor, person.organisation, person.role, usual_purpose(person.kind), client,
        nothing, nothing, moment, uuid4(),
    )  # fmt: skip


def usual_purpose(kind: ActorKind) -> Purpose:
    """Why somebody asks when nothing is said."""
    standing = STANDINGS[TYPE_OF_KIND[kind]]
    return standing.purposes[standing.usual_purpose]
