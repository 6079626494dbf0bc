"""Where everybody begins, and the menu of those who work with no patients."""

from collections.abc import Mapping, Sequence

from helhed.foundation.ask import ActorKind
from helhed.portals.sessions import Principal
from helhed.registries.issuing import issuing_policy

OPERATOR, SECURITY = "operator", "security-officer"
REVIEWS = ("/hospital/gennemsyn", "nav.reviews")
#: roles without patients: address and name of each of their pages, the first one being where they begin
_DESKS: Mapping[str, Sequence[tuple[str, str]]] = {
    OPERATOR: [
        ("/drift", "drift.title"),
        ("/drift/kilder", "sourcelist.title"),
        ("/drift/beskeder", "message.drift_title"),
        REVIEWS,
    ],
    SECURITY: [("/drift/overvaagning", "watch.door")],
    "citizen-service": [("/hjaelp", "nav.help")],
    "directory-keeper": [("/register", "nav.register"), ("/register/samme", "nav.links")],
    "unit-keeper": [("/enheder/mine", "units.mine"), ("/enheder", "units.title")],
    "reviewer": [REVIEWS],
    "log-keeper": [
        ("/hospital/log", "nav.questions"),
        ("/hospital/log/opfoelgning", "nav.follow_up"),
        ("/hospital/noedkopi", "nav.emergency"),
    ],
}


def desk_of(principal: Principal) -> Sequence[tuple[str, str]]:
    """The menu of somebody who works with no patients; nothing for everybody else."""
    return () if principal.kind is ActorKind.CITIZEN else _DESKS.get(principal.role, ())


def front_page_of(principal: Principal) -> str:
    """Where somebody begins."""
    if principal.kind is ActorKind.CITIZEN:
        return "/borger"
    desk = desk_of(principal)
    return desk[0][0] if desk else "/hospital"


def gives_numbers(principal: Principal) -> bool:
    """Whether somebody may give replacement CPR numbers, after a search."""
    return principal.kind is ActorKind.PROFESSIONAL and principal.role in issuing_policy().roles


def apps_page_of(principal: Principal) -> str:
    """Where somebody sees which apps have access; "" for those who have no record and no patients."""
    if principal.kind is ActorKind.CITIZEN:
        return "/borger/apps"
    return "" if desk_of(principal) else "/hospital/apps"
