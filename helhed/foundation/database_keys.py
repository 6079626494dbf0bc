"""What the application shows the database, by the keys of the keyring as they are when it is asked for: passwords, and proofs."""

from collections.abc import Callable
from functools import cache

from helhed.foundation.database import Proofs, application_password
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.proving import proof_secret
from helhed.foundation.settings import Settings


def keys_for_database(settings: Settings) -> tuple[Callable[[], list[str]], Proofs]:
    """Passwords that may hold, and keys that prove, the newest first. Whoever asks for neither makes no keys."""
    known = cache(lambda: KeysInUse(settings.data_dir))

    def secrets() -> list[bytes]:
        known().look_again()
        return known().secrets(KeyPurpose.DATABASE)

    return (
        lambda: [application_password(settings, secret) for secret in secrets()],
        lambda: [proof_secret(secret) for secret in secrets()],
    )
