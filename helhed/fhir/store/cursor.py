"""Opaque, signed cursors: where a page ended, for one query of one actor.

A cursor that was tampered with, or that belongs to another query or actor, is refused (attack 24 of the access model).
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import orjson

from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest

_MAC_BYTES = 12


class CursorSigner:
    """Signs and checks cursors with a secret of the installation."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, b"search cursor", hashlib.sha256).digest()

    def sign(self, ask: Ask, scope: bytes, keys: list[str]) -> str:
        """``keys`` are the sort keys of the last row, as text; ``scope`` identifies the query."""
        payload = orjson.dumps(keys)
        return urlsafe_b64encode(self._mac(ask, scope, payload) + payload).decode().rstrip("=")

    def read(self, ask: Ask, scope: bytes, cursor: str) -> list[str]:
        """The keys; BadRequest when the cursor is not ours for this query and actor."""
        try:
            raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (ValueError, UnicodeEncodeError):
            raise BadRequest("The page link is not one of ours: start the search again.") from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(ask, scope, payload)):
            raise BadRequest("The page link is not one of ours: start the search again.")
        return [str(key) for key in orjson.loads(payload)]

    def _mac(self, ask: Ask, scope: bytes, payload: bytes) -> bytes:
        who = f"{int(ask.kind)}:{ask.actor}:{ask.organisation}:".encode()
        return hmac.new(self._key, who + scope + b"\x00" + payload, hashlib.sha256).digest()[:_MAC_BYTES]
