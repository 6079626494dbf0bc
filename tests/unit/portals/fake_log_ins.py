"""A provider that vouches for whomever the test names in the answer, and what the network knows of log-ins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import Unknown
from helhed.portals.ports.log_in import LogInBroken, NobodyKnown, Proven, Provider
from helhed.portals.sessions import LogIn, Principal
from helhed.trust.identity.log_ins import KeptLogIn
from helhed.trust.identity.upstream.flow import Farewell

if TYPE_CHECKING:
    from tests.unit.portals.fakes import FakeNetwork

NAMES = {"da": "Enhver", "en": "Anybody"}


@dataclass
class FakeLogIns:
    """Everybody can be anybody, by ``person`` in the answer; several jobs are named with commas."""

    network: "FakeNetwork"
    base_url: str = "http://localhost"
    kept: list[tuple[int, KeptLogIn]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def providers(self) -> Sequence[Provider]:
        """One for each kind."""
        return [Provider("anybody", NAMES, True, True), Provider("job", NAMES, False, False)]

    async def begin(self, key: str, *, proves_again: bool) -> tuple[str, bytes]:
        """Off to nowhere: tests come back by themselves."""
        if key not in {"anybody", "job"}:
            raise Unknown
        return "https://provider.example/authorize", key.encode()

    async def finish(self, key: str, kept: bytes, answer: Mapping[str, str]) -> Proven:
        """Whoever is named."""
        if kept != key.encode():
            raise LogInBroken
        named = answer.get("person", "").split(",")
        if named == ["citizen"]:
            found = self.network.citizens[self.network.vouched["citizen"]]
            return Proven((Principal(ActorKind.CITIZEN, found.key, found.name),), self._login(key))
        people = {one.key: one.principal for one in self.network.people}
        principals = tuple(p for one in named if (p := people.get(one)))
        if not principals:
            raise NobodyKnown
        return Proven(principals, self._login(key))

    def _login(self, key: str) -> LogIn:
        return LogIn(self.network.now, key, "substantial", ("test",), (f"{key} session",))

    async def farewell(self, login: LogIn) -> Farewell | None:
        """There is such a place at work."""
        hint = {"id_token_hint": "a.token.3112757654"}
        return Farewell("https://provider.example/end", hint) if login.provider == "job" else None

    async def ended(self, key: str, token: str) -> Sequence[str]:
        """The token is what it ends."""
        if token != "good":
            raise LogInBroken
        return [f"{key} session"]

    async def note(self, ask: Ask, login: LogIn, device: str, refused: str = "") -> None:
        """Kept."""
        self.kept.insert(0, (ask.actor, KeptLogIn(ask.at, login.provider, " ".join(login.amr), device, refused)))

    def refused(self, key: str, place: str) -> None:
        """Counted."""
        self.refusals.append(key)

    async def recent(self, ask: Ask, limit: int) -> Sequence[KeptLogIn]:
        """Own ones."""
        return [one for actor, one in self.kept if actor == ask.actor][:limit]

    async def works(self, principal: Principal, now: datetime) -> bool:
        """Until the test ends it."""
        return principal.persona not in self.network.ended_jobs
