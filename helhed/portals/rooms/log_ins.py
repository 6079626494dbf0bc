"""Log-ins for pages: the providers' answers made into people of this network."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

import msgspec

from helhed.foundation import metrics
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import Clock
from helhed.foundation.errors import Unknown
from helhed.portals import ports
from helhed.portals.ports import log_in as told
from helhed.portals.rooms.asks import PORTAL_CLIENT
from helhed.portals.sessions import LogIn, Principal
from helhed.trust.identity.log_ins import Job, KeptLogIn, LogIns
from helhed.trust.identity.upstream.flow import (
    Attempt,
    Declined,
    Farewell,
    NotSureEnough,
    RelyingParty,
    Vouched,
    digest_of,
)
from helhed.trust.identity.upstream.id_tokens import NotVouched, read_logout_token
from helhed.trust.identity.upstream.metadata import ProviderAway
from helhed.trust.identity.upstream.providers import Whom
from helhed.trust.watch.events import EventKind, SecurityEvents


class PortalLogIns:
    """Identity providers and log-ins, for pages."""

    def __init__(
        self,
        relying: RelyingParty,
        log_ins: LogIns,
        registries: ports.Registries,
        personas: ports.Personas,
        events: SecurityEvents | None,
        clock: Clock,
        base_url: str,
    ) -> None:
        self.base_url = base_url
        self._relying, self._log_ins, self._registries, self._personas = relying, log_ins, registries, personas
        self._events, self._clock = events, clock

    def providers(self) -> list[told.Provider]:
        """Those who vouch, in order."""
        listed = (one.provider for one in self._relying.trusted.values())
        return [told.Provider(one.key, one.name, one.vouches_for is Whom.CITIZENS, one.demo) for one in listed]

    async def begin(self, key: str, *, proves_again: bool) -> tuple[str, bytes]:
        """Where to send the person, and what to keep. The demo's provider is on this host, whatever the browser calls it."""
        if key not in self._relying.trusted:
            raise Unknown
        back = f"{self.base_url}/log-ind/{key}/retur"
        try:
            address, attempt = await self._relying.begin(key, back, proves_again=proves_again)
        except ProviderAway:
            raise told.ProviderSilent from None
        own = self._relying.trusted[key].provider.demo
        return address.removeprefix(self.base_url) if own else address, msgspec.json.encode(attempt)

    async def finish(self, key: str, kept: bytes, answer: Mapping[str, str]) -> told.Proven:
        """Who came back."""
        try:
            attempt = msgspec.json.decode(kept, type=Attempt)
            if attempt.provider != key:  # an answer of one provider at another's return address
                raise NotVouched
            vouched = await self._relying.finish(attempt, answer)
        except Declined:
            raise told.LogInDeclined from None
        except (NotVouched, msgspec.DecodeError, KeyError):
            raise told.LogInBroken from None
        except NotSureEnough:
            raise told.NotSure from None
        except ProviderAway:
            raise told.ProviderSilent from None
        principals = await self._principals(vouched)
        if not principals:
            raise told.NobodyKnown
        return told.Proven(principals, _login(vouched))

    async def _principals(self, vouched: Vouched) -> tuple[Principal, ...]:
        if vouched.provider.vouches_for is Whom.STAFF:
            found = [at_work(job) for job in await self._log_ins.jobs(vouched, self._clock())]
        else:
            key = await self._log_ins.citizen(vouched)
            found = [] if key is None else [await self._citizen(key)]
        if not vouched.provider.demo:
            return tuple(found)
        shown = {_same(one.principal): one.principal for one in await self._personas.all() if one.principal}
        return tuple(shown.get(_same(one), one) for one in found)

    async def _citizen(self, key: int) -> Principal:
        ask = Ask(
            ActorKind.CITIZEN, key, None, "", Purpose.OWN, PORTAL_CLIENT, None, frozenset(), self._clock(), uuid4()
        )
        known = await self._registries.own_identity(ask)
        return Principal(ActorKind.CITIZEN, key, known.name if known else "")

    async def farewell(self, login: LogIn) -> Farewell | None:
        """How the person logs out at the provider as well."""
        back = f"{self.base_url}/log-ind/farvel"
        return await self._relying.farewell(login.provider, login.hint, back) if login.provider else None

    async def ended(self, key: str, token: str) -> list[str]:
        """What a logout token ends. Whether it was sent before is the caller's to see, by its last digest."""
        if key not in self._relying.trusted:
            raise Unknown
        provider = self._relying.trusted[key].provider
        try:
            session, subject, _ = await read_logout_token(token, provider, self._relying.known, self._clock())
        except NotVouched:
            raise told.LogInBroken from None
        except ProviderAway:
            raise told.ProviderSilent from None
        # a session that is named ends alone; a person that is named is logged out everywhere
        named = ("sid", session) if session else ("sub", subject)
        return [digest_of(provider.issuer, *named)]

    async def note(self, ask: Ask, login: LogIn, device: str, refused: str = "") -> None:
        """Keeps a log-in for its person, and counts it."""
        await self._log_ins.note(ask, login.provider, " ".join(login.amr), device, refused)
        kind = EventKind.LOGIN_REFUSED if refused else EventKind.LOGIN
        metrics.LOG_INS.labels(_means(login), "refused" if refused else "done").inc()
        if self._events is not None:
            self._events.note(
                kind, actor=ask.actor, organisation=ask.organisation, client=PORTAL_CLIENT, trace=ask.trace
            )

    def refused(self, key: str, place: str) -> None:
        """Counts a log-in of nobody known."""
        metrics.LOG_INS.labels("provider" if key else "passkey", "refused").inc()
        if self._events is not None:
            self._events.note(EventKind.LOGIN_REFUSED, client=PORTAL_CLIENT, place=place)

    async def recent(self, ask: Ask, limit: int) -> Sequence[KeptLogIn]:
        """The asker's own."""
        return await self._log_ins.own(ask, limit)

    async def works(self, principal: Principal, now: datetime) -> bool:
        """Whether a professional still has the job."""
        if principal.kind is ActorKind.CITIZEN or principal.organisation is None:
            return True
        return await self._log_ins.works(principal.actor, principal.organisation, principal.role, now)


def _login(vouched: Vouched) -> LogIn:
    issuer = vouched.provider.issuer
    upstream = [digest_of(issuer, "sub", vouched.subject)]
    upstream += [digest_of(issuer, "sid", vouched.session)] if vouched.session else []
    return LogIn(
        vouched.at, vouched.provider.key, "" if vouched.provider.demo else vouched.acr, vouched.amr, tuple(upstream),
        vouched.id_token if vouched.provider.sign_out else "",
    )  # fmt: skip


def at_work(job: Job) -> Principal:
    """A professional, at one of their jobs."""
    return Principal(ActorKind.PROFESSIONAL, job.professional, job.name, job.organisation, job.place, job.role)


def _same(principal: Principal) -> tuple[int, int, int | None, str]:
    return principal.kind, principal.actor, principal.organisation, principal.role


def _means(login: LogIn) -> str:
    return "provider" if login.provider else "passkey"
