"""Who watches over the network is told of tokens that are refused, and from where tokens that hold are used."""

from collections.abc import MutableMapping
from typing import Any, Protocol
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.foundation.errors import NotAuthenticated
from helhed.trust.identity.admission import Revoked
from helhed.trust.watch.events import EventKind

_MOST_KNOWN = 16_384


class Events(Protocol):
    """``trust.watch.events.SecurityEvents``."""

    def note(
        self,
        kind: EventKind,
        *,
        actor: int | None = None,
        organisation: int | None = None,
        client: str = "",
        place: str = "",
        session: str = "",
        trace: UUID | None = None,
    ) -> None:
        """Something happened now."""
        ...


class TokenWatch:
    """Notes each pair of a token and a place once, which costs a request one look into a set."""

    def __init__(self, events: Events | None) -> None:
        self._events = events
        self._known: set[tuple[bytes, str]] = set()

    def used(self, scope: MutableMapping[str, Any], authorization: bytes | None, ask: Ask) -> None:
        """A token that holds was used from somewhere."""
        if self._events is None or authorization is None:
            return
        pair = authorization, _place(scope)
        if pair not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known.add(pair)
            self._events.note(
                EventKind.TOKEN_USED, actor=ask.actor, organisation=ask.organisation, client=ask.client,
                place=pair[1], session=authorization.decode("latin-1"), trace=ask.trace,
            )  # fmt: skip

    def refused(self, scope: MutableMapping[str, Any], authorization: bytes | None, error: NotAuthenticated) -> None:
        """A token was brought that does not hold. Who brings none has only lost the way."""
        if self._events is not None and authorization:
            revoked = isinstance(error, Revoked)
            kind = EventKind.TOKEN_AFTER_REVOCATION if revoked else EventKind.TOKEN_REFUSED
            self._events.note(kind, place=_place(scope))


def _place(scope: MutableMapping[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
