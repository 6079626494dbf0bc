"""Who vouches for those who log in here: the operator's identity providers, or the demo's own, never both."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool, read_secret
from helhed.foundation.outward import Asker
from helhed.foundation.settings import Settings
from helhed.portals.ports import Lookups
from helhed.portals.rooms.demo_people import CLAIMS, DemoPeople
from helhed.registries.identifiers import AUTHORISATION, CPR, REPLACEMENT_CPR, URI
from helhed.trust.identity.upstream.flow import RelyingParty
from helhed.trust.identity.upstream.providers import (
    Assurance,
    DemoAndReal,
    Named,
    Provider,
    Trusted,
    Whom,
    read_providers,
)

DEMO_PATH = "/demo-log-ind"
_CLIENT = "helhed"


@dataclass(frozen=True, slots=True)
class Gate:
    """The providers, and the app of the demo's own when there is one."""

    relying: RelyingParty
    demo: Callable[..., Awaitable[None]] | None = None


def checked_providers(settings: Settings) -> dict[str, Trusted]:
    """The operator's providers, none where none are named. Raises ProvidersWrong or DemoAndReal."""
    if not settings.identity_providers:
        return {}
    if settings.demo:
        raise DemoAndReal
    return read_providers(Path(settings.identity_providers))


def open_gate(settings: Settings, pool: Pool, lookups: Lookups, clock: Clock) -> Gate:
    """Whoever vouches. Raises ProvidersWrong or DemoAndReal."""
    trusted = checked_providers(settings)
    if not settings.demo:
        return Gate(RelyingParty(trusted, Asker(), clock))
    from demo.identity_provider import FACES, Client, DemoProvider, build_demo_provider
    from demo.identity_provider.inside import Inside

    secret, base = read_secret(settings.data_dir), settings.public_url
    key = ECKey.derive_key(b"key of the network at the demo provider" + secret)
    public = ECKey.import_key(key.as_dict(private=False))
    client = Client(_CLIENT, f"{base}/log-ind/", public)
    provider = DemoProvider(f"{base}{DEMO_PATH}", secret, [client], DemoPeople(pool, lookups, clock), clock)
    app: Any = build_demo_provider(provider, DEMO_PATH)
    demo = {face.key: Trusted(_demo(face, provider.issuer(face)), key=key) for face in FACES.values()}
    return Gate(RelyingParty(demo, Inside(app), clock), _with_sources(app, clock))


def _with_sources(provider: Any, clock: Clock) -> Callable[..., Awaitable[None]]:
    """The demo's own doors: who vouches, and the places that are asked when somebody looks."""
    from demo.sources import build_demo_sources

    sources = build_demo_sources(clock)

    async def doors(scope: Any, receive: Any, send: Any) -> None:
        await (provider if scope["path"].startswith(DEMO_PATH) else sources)(scope, receive, send)

    return doors


def _demo(face: Any, issuer: str) -> Provider:
    from demo.identity_provider.provider import SUBSTANTIAL

    systems = (CPR, REPLACEMENT_CPR) if face.for_citizens else (AUTHORISATION, URI)
    return Provider(
        key=face.key,
        vouches_for=Whom.CITIZENS if face.for_citizens else Whom.STAFF,
        name=face.name,
        issuer=issuer,
        client_id=_CLIENT,
        person=tuple(Named(CLAIMS[system], system) for system in systems),
        assurance=Assurance("acr", (SUBSTANTIAL,)),
        demo=True,
        sign_out=False,
    )
