"""The asks of people with a session."""

from uuid import uuid4

from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.clock import Clock
from helhed.portals.sessions import Principal

PORTAL_CLIENT = "helhed-portal"


class PortalAsks:
    """Makes asks of people with a session. The session stands for a log-in; the verdict is still the database's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ask(self, principal: Principal, purpose: Purpose) -> Ask:
        """The ask of this person now."""
        return Ask(
            principal.kind, principal.actor, principal.organisation, principal.role, purpose, PORTAL_CLIENT,
            None, frozenset(), self._clock(), uuid4(),
        )  # fmt: skip
