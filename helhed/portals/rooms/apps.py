"""The authorisation server, as its pages use it."""

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import Unknown
from helhed.portals.authentication import Authentication
from helhed.portals.ports.apps import (
    CONSENT_PAGE,
    HANDLE,
    AppInUse,
    AppNotKnown,
    AppRequest,
    DataScope,
    OpenableApp,
)
from helhed.trust.identity import apps, asked_scopes
from helhed.trust.identity.asked_scopes import LAUNCH, LAUNCH_PATIENT, OFFLINE, OPENID, data_scope, words_of
from helhed.trust.identity.authorising import Pending, SentBack
from helhed.trust.identity.errors import ConsentRequired, InvalidRequest, LoginRequired, OAuthError
from helhed.trust.identity.issuing import LogIn
from helhed.trust.identity.server import AuthorisationServer


class PortalApps:
    """Asks people what apps ask for, and takes the answers back."""

    def __init__(self, server: AuthorisationServer) -> None:
        self._server = server

    async def begin(self, pairs: Sequence[tuple[str, str]], session: Authentication | None) -> str:
        """Where a browser goes that brings an app's request."""
        try:
            pending = await self._server.authorising.open(pairs)
        except SentBack as back:
            return back.address
        except OAuthError as error:
            raise AppNotKnown(error.description) from None
        if pending.request.prompt == "none":
            why = LoginRequired() if session is None else ConsentRequired()
            return await self._server.authorising.refuse(pending, why)
        return f"{CONSENT_PAGE}?{urlencode({HANDLE: pending.handle})}"

    async def request(self, ask: Ask, handle: str, login: Authentication) -> AppRequest:
        """What an app asks of the asker."""
        pending = await self._server.authorising.pending(handle)
        asked = pending.scopes_for(ask.kind)
        plain = [one for one in asked if isinstance(one, str)]
        patient = await self._launched(ask, pending)
        return AppRequest(
            handle=handle,
            app=pending.client.name,
            goes_to=_origin(pending.request.redirect_uri),
            scopes=[_shown(one) for one in asked if not isinstance(one, str)],
            tells_who=OPENID in plain,
            lasts=pending.lasts(plain),
            offline=OFFLINE in plain,
            wants_patient=_wants_patient(ask, asked),
            for_one=_is_for_one(ask, asked),
            patient=patient,
            broken=patient is None and pending.request.launch is not None,
            log_in_holds=pending.log_in_holds(login.at, ask.at),
        )

    async def allow(
        self, ask: Ask, handle: str, chosen: Sequence[str], login: Authentication, patient: UUID | None
    ) -> str:
        """Where to go with the answer."""
        authorising = self._server.authorising
        pending = await authorising.pending(handle)
        if pending.request.launch is not None:
            patient = await self._launched(ask, pending, take=True)
            if patient is None:
                return await authorising.refuse(
                    pending, InvalidRequest("This launch is unknown, was used, or is too old.")
                )
        elif ask.kind is ActorKind.CITIZEN:
            patient = await self._own_patient(ask)
        elif not _wants_patient(ask, pending.scopes_for(ask.kind)):
            patient = None
        return await authorising.allow(ask, pending, chosen, LogIn(login.at, login.acr, login.amr), patient)

    async def refuse(self, handle: str, *, broken: bool = False) -> str:
        """Where to go with a no."""
        why = InvalidRequest("This launch is unknown, was used, or is too old.") if broken else None
        return await self._server.authorising.refuse(await self._server.authorising.pending(handle), why)

    async def in_use(self, ask: Ask) -> Sequence[AppInUse]:
        """The asker's apps."""
        return [_in_use(one, ask) for one in await self._server.apps.of(ask)]

    async def end(self, ask: Ask, id: UUID) -> bool:
        """No longer."""
        return await self._server.apps.end(ask, id)

    async def openable(self, ask: Ask) -> Sequence[OpenableApp]:
        """Those that can be opened from a record."""
        clients = await self._server.clients.to_open(ask.at)
        return [OpenableApp(one.id, one.name, _origin(one.launch_uri)) for one in clients if one.launch_uri]

    async def launch(self, ask: Ask, id: str, patient: UUID) -> str:
        """The address that opens one with a patient (SMART App Launch 2.2, EHR launch)."""
        client = await self._server.clients.named(id, ask.at)
        if client is None or client.launch_uri is None:
            raise Unknown
        handle = await self._server.apps.launch(ask, id, patient)
        joint = "&" if "?" in client.launch_uri else "?"
        return f"{client.launch_uri}{joint}{urlencode({'iss': self._server.issuer + '/fhir', 'launch': handle})}"

    async def _launched(self, ask: Ask, pending: Pending, *, take: bool = False) -> UUID | None:
        launch = pending.request.launch
        return None if launch is None else await self._server.apps.launched(ask, pending.client.id, launch, take=take)

    async def _own_patient(self, ask: Ask) -> UUID | None:
        standing = await self._server.people.standing(ask)
        return None if standing is None else standing.subject


def _wants_patient(ask: Ask, scopes: Sequence[str | asked_scopes.DataScope]) -> bool:
    named = {LAUNCH, LAUNCH_PATIENT}.intersection(map(str, scopes))
    return ask.kind is ActorKind.PROFESSIONAL and (bool(named) or _is_for_one(ask, scopes))


def _is_for_one(ask: Ask, scopes: Sequence[str | asked_scopes.DataScope]) -> bool:
    return any(asked_scopes.is_of_one(one, ask.kind) for one in scopes)


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else f"{parts.scheme}:"


def _scopes(scope: str, ask: Ask) -> list[DataScope]:
    levels = dict.fromkeys((asked_scopes.level_of(ask.kind), "patient"))  # a professional's app may be for one patient
    return [_shown(one) for word in words_of(scope) for level in levels if (one := data_scope(word, level))]


def _in_use(app: apps.AppInUse, ask: Ask) -> AppInUse:
    tells_who = OPENID in words_of(app.scope)
    return AppInUse(app.id, app.name, _scopes(app.scope, ask), tells_who, app.begun_at, app.used_at, app.valid_to)


def _shown(scope: asked_scopes.DataScope) -> DataScope:
    return DataScope(str(scope), scope.type_name, scope.letters)
