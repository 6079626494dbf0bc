"""Sealing what stands in a store but is nobody's to read there: AES-256-GCM, under keys that follow from those in use.

What is sealed is bound to its place: moved to another row, it opens no more. After a change of keys what the earlier key
sealed opens as long as that key is accepted.
"""

import base64
import os
from collections.abc import Callable, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from helhed.foundation.errors import HelhedError

_NONCE_BYTES = 12


class SealBroken(HelhedError):
    """This was sealed by another key, for another place, or was changed."""


class _Sealed(msgspec.Struct, frozen=True):
    """JSON, so that an earlier release that reads plain JSON there finds what it does not know, and no fault."""

    sealed: str


class Seal:
    """Seals and opens, for one purpose."""

    def __init__(self, purpose: str, secrets: Sequence[bytes], look_again: Callable[[], bool] = lambda: False) -> None:
        """``look_again`` says whether there are other keys by now, and has had them taken: another worker may know one first."""
        self._purpose, self._look_again = purpose.encode(), look_again
        self._keys: list[AESGCM] = []
        self.take(secrets)

    def take(self, secrets: Sequence[bytes]) -> None:
        """From now on these, the first for what is new."""
        self._keys = [AESGCM(HKDF(SHA256(), 32, None, b"seal of " + self._purpose).derive(one)) for one in secrets]

    def close(self, content: bytes, place: str) -> bytes:
        """Sealed, as JSON."""
        nonce = os.urandom(_NONCE_BYTES)
        whole = nonce + self._keys[0].encrypt(nonce, content, place.encode())
        return msgspec.json.encode(_Sealed(base64.b64encode(whole).decode()))

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for this place. Raises SealBroken."""
        try:
            whole = base64.b64decode(msgspec.json.decode(sealed, type=_Sealed).sealed, validate=True)
        except (msgspec.DecodeError, ValueError):
            raise SealBroken from None
        opened = self._tried(whole, place)
        if opened is None and self._look_again():
            opened = self._tried(whole, place)
        if opened is None:
            raise SealBroken
        return opened

    def _tried(self, whole: bytes, place: str) -> bytes | None:
        for key in self._keys:
            try:
                return key.decrypt(whole[:_NONCE_BYTES], whole[_NONCE_BYTES:], place.encode())
            except (InvalidTag, ValueError):
                continue
        return None
