"""Why a change is refused: by where its row stands, and by whom it may be written for."""

from typing import Any

from helhed.fhir.changes import Change
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import (
    Forbidden,
    Gone,
    HelhedError,
    MethodNotAllowed,
    PreconditionFailed,
    Unknown,
    Unprocessable,
)

NOTHING, SEEN, DELETED = 0, 2, 3  #: outcomes of fhir.claim; 1 is yours to change


def change_refused(ask: Ask, change: Change, claimed: Any) -> HelhedError | None:
    """Why a row may not be changed, if it may not; ``claimed`` is what ``fhir.claim`` says of it."""
    outcome, deletes = claimed["outcome"], change.method == "DELETE"
    if outcome == NOTHING:
        return Unknown() if deletes else MethodNotAllowed()
    if outcome == SEEN:
        return Forbidden("Only the organisation that wrote this may change it.")
    if outcome == DELETED:
        return None if deletes else Gone()
    if change.if_match is None and not deletes and ask.kind is not ActorKind.SYSTEM:
        return PreconditionFailed('Say which version you have read: If-Match: W/"3".')
    if change.if_match is not None and change.if_match != claimed["version"]:
        return PreconditionFailed("Somebody else changed this first: read it again.")
    return None


def not_admitted(citizen: int | None) -> HelhedError:
    """Why nothing may be created for a citizen, or for nobody."""
    if citizen is None:
        return Forbidden("You may not write this type of resource.")
    return Unprocessable("There is no such patient here that you can write for.")
