"""What a token says, once its signature held: who asks, from where and why, and how far its scopes reach."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from helhed.foundation.ask import ActorKind, Purpose
from helhed.foundation.ids import key_of, parse_id
from helhed.trust.tokens.scopes import Reach, parts_of, reach_of

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Standing:
    """What follows from the type of resource that a token's subject is."""

    kind: ActorKind
    purposes: Mapping[str, Purpose]  #: by their code in HL7 v3 PurposeOfUse; the usual one first
    scope_level: str  #: SMART App Launch 2.2

    @property
    def usual_purpose(self) -> str:
        """The code of the purpose that is meant when none is said."""
        return next(iter(self.purposes))


STANDINGS = {
    "Patient": Standing(ActorKind.CITIZEN, {"PATRQT": Purpose.OWN}, "patient"),
    "Practitioner": Standing(
        ActorKind.PROFESSIONAL, {"TREAT": Purpose.TREATMENT, "HQUALIMP": Purpose.FOLLOW_UP}, "user"
    ),
    "Organization": Standing(ActorKind.SYSTEM, {"HOPERAT": Purpose.OPERATIONS}, "system"),
}
TYPE_OF_KIND = {standing.kind: type_name for type_name, standing in STANDINGS.items()}


@dataclass(frozen=True, slots=True)
class Held:
    """A token that its bearer holds rightly, as far as its bytes tell."""

    kind: ActorKind
    actor: int
    organisation: int | None
    role: str
    purpose: Purpose
    client: str
    reach: Reach
    begins: int
    ends: int
    token: UUID | None = None  #: its own id; None for a demo token, which cannot be revoked
    authorisation: UUID | None = None  #: what somebody allowed, from which it follows
    vouched_by: str = ""  #: the issuer of the assertion that it was exchanged for
    vouched_for: str = ""  #: the care provider that the assertion named; "" for citizens
    key: str = ""  #: thumbprint of the key it is bound to (RFC 9449)
    for_one: bool = (
        False  #: a professional's, with scopes for one patient: it reaches no further, whatever its other scopes are
    )


def read_claims(claims: Mapping[str, Any], longest_life: int) -> Held:
    """What sound claims say, without what only tokens of the authorisation server say. Raises ValueError, KeyError, TypeError…"""
    begins, ends = _seconds(claims["nbf"]), _seconds(claims["exp"])
    if not 0 < ends - begins <= longest_life:
        raise ValueError
    type_name, _, name = claims["sub"].partition("/")
    standing, subject = STANDINGS[type_name], _key(name)
    purpose = standing.purposes[_text(claims["purpose"])]
    place, role = _acting_from(standing.kind, subject, claims)
    reach = reach_of(claims["scope"], standing.scope_level)
    return Held(standing.kind, subject, place, role, purpose, _text(claims["client_id"]), reach, begins, ends)


def held_for_one(held: Held, scope: str) -> Held:
    """What a professional's token holds that has a scope of SMART's level *patient*, and follows from what was allowed; any other as it is.

    It is for the patient whom the allowance names in all that it does, so that the scopes beside these reach no further.
    """
    if held.kind is not ActorKind.PROFESSIONAL or held.authorisation is None or not is_for_one(scope):
        return held
    return replace(held, reach=reach_of(scope, "patient", "user"), for_one=True)


def is_for_one(scope: str) -> bool:
    """Whether there is a scope for data of one patient among these."""
    return any(parts_of(one, "patient")[1] for one in scope.split())


def _acting_from(kind: ActorKind, subject: int, claims: Mapping[str, Any]) -> tuple[int | None, str]:
    """Organisation and role. A citizen acts from none; a system is its organisation."""
    if kind is ActorKind.CITIZEN:
        if "org" in claims or "role" in claims:
            raise ValueError
        return None, ""
    type_name, _, name = claims["org"].partition("/")
    organisation, role = _key(name), _text(claims["role"])
    own = kind is ActorKind.PROFESSIONAL or (organisation == subject and role == "system")
    if type_name != "Organization" or not own:
        raise ValueError
    return organisation, role


def _key(name: str) -> int:
    identifier = parse_id(name)
    if identifier is None:
        raise ValueError(name)
    return key_of(identifier)


def _seconds(value: object) -> int:
    if type(value) is not int:
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME or not value.isprintable():
        raise ValueError  # a NUL would fail every ask that shares its statement
    return value
