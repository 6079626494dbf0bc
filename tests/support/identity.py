"""The authorisation server over an open world."""

from pathlib import Path
from tempfile import mkdtemp

from helhed.foundation.clock import Clock
from helhed.foundation.fetching import Fetcher
from helhed.foundation.keyring_file import KeysInUse
from helhed.trust.identity.server import AuthorisationServer
from tests.support.world import World

ISSUER = "https://here.example"


def identity_of(
    world: World, clock: Clock, data_dir: Path | None = None, fetcher: Fetcher | None = None
) -> AuthorisationServer:
    """A server of its own keys; those who share a folder share keys, as workers do."""
    keys = KeysInUse(data_dir or Path(mkdtemp(prefix="helhed-keys-")))
    return AuthorisationServer.open(
        world.store.pool,
        keys,
        clock,
        issuer=ISSUER,
        audience=ISSUER,
        demo=False,
        seconds=300,
        fetcher=fetcher or Fetcher(),
    )
