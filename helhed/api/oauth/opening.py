"""The authorisation server as the settings of an installation have it."""

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.fetching import Fetcher
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.settings import Settings
from helhed.trust.identity.server import AuthorisationServer


def open_authorisation_server(
    settings: Settings, pool: Pool, keys: KeysInUse, clock: Clock, audience: str
) -> AuthorisationServer:
    """Its tokens are for ``audience``. It fetches from this machine only in a demo that says so."""
    return AuthorisationServer.open(
        pool,
        keys,
        clock,
        issuer=settings.public_url,
        audience=audience,
        demo=settings.demo,
        seconds=settings.access_token_seconds,
        fetcher=Fetcher(allow_loopback=settings.demo and settings.fetch_from_loopback),
    )
