"""What this installation is: where its database is, whom its tokens are for, and the key that signs them."""

import hashlib

from joserfc.jwk import OKPKey

from helhed.foundation.database import Target, embedded_target, read_secret, url_target
from helhed.foundation.database_keys import keys_for_database
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.settings import Settings
from helhed.trust.tokens.verifying import signing_key


def database(settings: Settings) -> tuple[Target, EmbeddedPostgres | None]:
    """Where the database is; the embedded server when there is no URL."""
    passwords, proofs = keys_for_database(settings)
    if settings.database_url:
        return url_target(settings.database_url, now=passwords, proofs=proofs), None
    server = EmbeddedPostgres(settings.data_dir, programs=settings.postgres_bin, shared_buffers=settings.shared_buffers)
    return embedded_target(server, proofs=proofs), server


def token_audience(settings: Settings) -> str:
    """Whom tokens are for: the public address, or this installation wherever it listens."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    return "urn:helhed:" + hashlib.sha256(b"audience of " + read_secret(settings.data_dir)).hexdigest()[:32]


def token_key(settings: Settings) -> OKPKey:
    """The key that signs demo tokens."""
    return signing_key(KeysInUse(settings.data_dir).secrets(KeyPurpose.TOKENS)[0])
