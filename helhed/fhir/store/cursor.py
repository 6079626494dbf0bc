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
from collections.abc import Callable, Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest


class CursorSigner:
    """Seals cursors with the first of some secrets, and opens what was sealed with any of them."""

    def __init__(self, *secrets: bytes, look_again: Callable[[], bool] = lambda: False) -> None:
        self._look_again = look_again  #: whether there are other secrets now, which were then given to ``take``
        self.take(secrets)

    def take(self, secrets: Sequence[bytes]) -> None:
        """From now on these."""
        self._ciphers = [AESSIV(hmac.new(secret, b"sealed cursor", hashlib.sha512).digest()) for secret in secrets]

    def sign(self, ask: Ask, scope: bytes, content: bytes) -> str:
        """``content`` is where the page ended; ``scope`` is what the cursor may be used for."""
        return _written(self._ciphers[0].encrypt(content, [_who(ask), scope]))

    def read(self, ask: Ask, scope: bytes, cursor: str) -> bytes:
        """The content; BadRequest when the cursor is not ours for this scope and actor."""
        try:
            sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            if _written(sealed) != cursor:  # base64 drops letters that it does not have, and bits that it does not need
                raise ValueError(cursor)
            content = self._opened(sealed, [_who(ask), scope])
            if content is None and self._look_again():
                content = self._opened(sealed, [_who(ask), scope])
        except (ValueError, UnicodeEncodeError):
            raise not_ours() from None
        if content is None:
            raise not_ours()
        return content

    def _opened(self, sealed: bytes, beside: list[bytes]) -> bytes | None:
        for cipher in self._ciphers:
            with suppress(InvalidTag):
                return cipher.decrypt(sealed, beside)
        return None


def _written(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def _who(ask: Ask) -> bytes:
    return f"{int(ask.kind)}:{ask.actor}:{ask.organisation}".encode()


def not_ours() -> BadRequest:
    """The refusal of a cursor."""
    return BadRequest(
        "The page link is not one of ours for this search, or is from before a change here: start the search again."
    )
