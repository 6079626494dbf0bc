"""Requests at the authorisation server's door: forms read with limits, each parameter once, nothing secret in an address."""

import asyncio
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from helhed.foundation.asgi import Receive
from helhed.foundation.errors import TooLarge, TooSlow
from helhed.trust.identity.errors import InvalidProof, InvalidRequest
from helhed.trust.identity.requests import parameters_of

MOST_BYTES, MOST_FIELDS, SECONDS = 131_072, 60, 10.0
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    headers: Mapping[bytes, list[bytes]]
    body: bytes
    place: str  #: the address it came from

    def form(self) -> dict[str, str]:
        """Its form. Raises InvalidRequest for anything else, and for a parameter that is there twice."""
        if self._kind() != _FORM:
            raise InvalidRequest("Send a form (application/x-www-form-urlencoded).")
        try:
            pairs = parse_qsl(
                self.body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
            )
        except ValueError:
            raise InvalidRequest from None
        return parameters_of(
            [(name, value) for name, value in pairs if value]
        )  # without a value is left out (RFC 6749, 3.1)

    def json(self) -> dict[str, Any]:
        """Its JSON object. Raises InvalidRequest."""
        try:
            told = json.loads(self.body) if self._kind() == _JSON else None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise InvalidRequest("Send a JSON object.")
        return told

    def proof(self) -> str | None:
        """Its DPoP proof. Raises InvalidProof when there are several."""
        proofs = self.headers.get(b"dpop", [])
        if len(proofs) > 1:
            raise InvalidProof
        return proofs[0].decode("latin-1") if proofs else None

    def authorization(self) -> bytes | None:
        """Its Authorization header. Raises InvalidRequest when there are several."""
        found = self.headers.get(b"authorization", [])
        if len(found) > 1:
            raise InvalidRequest
        return found[0] if found else None

    def _kind(self) -> str:
        kinds = self.headers.get(b"content-type", [])
        return kinds[0].decode("latin-1").split(";")[0].strip().lower() if len(kinds) == 1 else ""


async def called(scope: MutableMapping[str, Any], receive: Receive) -> Call:
    """The request, once it is here whole. Raises TooLarge, TooSlow, or InvalidRequest when its address says more than where."""
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, []).append(value)
    if scope["method"] == "POST" and scope["query_string"]:
        raise InvalidRequest("Send parameters in the body: addresses end up in logs.")
    client = scope.get("client")
    try:
        async with asyncio.timeout(SECONDS):
            body = await _received(receive)
    except TimeoutError:
        raise TooSlow from None
    return Call(scope["method"], scope["path"], headers, body, str(client[0]) if client else "")


async def _received(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise TooLarge
        if not message.get("more_body"):
            return bytes(body)
