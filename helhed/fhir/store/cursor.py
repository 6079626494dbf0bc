"""Sealed cursors: where a page ended, for one search of one actor.

A cursor stands in an address, and addresses end up in logs and histories, while the keys of the last row are names and
dates of people. So a cursor is encrypted and authenticated: nobody but this network reads what is in it, and one that
was tampered with, or that belongs to another search or actor, is refused (attacks 24 and 78 of the access model).

AES-SIV (RFC 5297) needs no nonce: the same place in the same search has the same cursor, so that a link tells nothing
that its page does not (invariant 3).
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest


class CursorSigner:
    """Seals and opens cursors with a secret of the installation."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(hmac.new(secret, b"sealed cursor", hashlib.sha512).digest())

    def sign(self, ask: Ask, scope: bytes, content: bytes) -> str:
        """``content`` is where the page ended; ``scope`` is what the cursor may be used for."""
        return urlsafe_b64encode(self._cipher.encrypt(content, [_who(ask), scope])).decode().rstrip("=")

    def read(self, ask: Ask, scope: bytes, cursor: str) -> bytes:
        """The content; BadRequest when the cursor is not ours for this scope and actor."""
        try:
            sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            return self._cipher.decrypt(sealed, [_who(ask), scope])
        except (ValueError, UnicodeEncodeError, InvalidTag):
            raise not_ours() from None


def _who(ask: Ask) -> bytes:
    return f"{int(ask.kind)}:{ask.actor}:{ask.organisation}".encode()


def not_ours() -> BadRequest:
    """The refusal of a cursor."""
    return BadRequest(
        "The page link is not one of ours for this search, or is from before a change here: start the search again."
    )
