"""The keys that sign access tokens and ID tokens (ES256): they follow from the keyring's keys for tokens, and turn with them."""

from collections.abc import Iterable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

ALGORITHM = "ES256"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  #: of P-256 (FIPS 186-5)
_BYTES = 32


def access_key(secret: bytes) -> ECKey:
    """The key pair that follows from a secret (FIPS 186-5, A.2.1: 64 bits more than the order, so that no value is likelier)."""
    seed = HKDF(SHA256(), _BYTES + 8, salt=None, info=b"helhed access tokens ES256").derive(secret)
    number = int.from_bytes(seed, "big") % (_ORDER - 1) + 1
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers()
    halves = {"d": number, "x": point.x, "y": point.y}
    told = {name: urlsafe_b64encode(half.to_bytes(_BYTES, "big")).decode() for name, half in halves.items()}
    return ECKey.import_key({"kty": "EC", "crv": "P-256", **told})


class SigningKeys:
    """What signs now, and what is published: every key that is accepted, so that keys can turn while tokens live."""

    def __init__(self, secrets: Sequence[bytes] = ()) -> None:
        self._keys: list[ECKey] = []
        self.take(secrets)

    def take(self, secrets: Iterable[bytes]) -> None:
        """From now on the keys of these secrets, the first of which signs."""
        self._keys = [access_key(secret) for secret in secrets]

    @property
    def signing(self) -> ECKey:
        """The key that signs."""
        return self._keys[0]

    def published(self) -> dict[str, Any]:
        """The public halves (JWK Set, RFC 7517)."""
        return {"keys": [_published(key) for key in self._keys]}


def _published(key: ECKey) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM}
