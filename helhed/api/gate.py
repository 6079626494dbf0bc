"""The gate of the FHIR door: a token becomes an ask, with the letters of its scopes that fit what is asked."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import Ask
from helhed.foundation.errors import NotAuthenticated
from helhed.trust.identity.admission import Admission
from helhed.trust.identity.errors import InvalidProof, UseNonce
from helhed.trust.identity.jose import FAPI_ALGORITHMS
from helhed.trust.tokens.scopes import Use
from helhed.trust.tokens.verifying import TokenVerifier

Header = tuple[bytes, bytes]
_TYPE, _INSTANCE, _HISTORY, _VERSION = 1, 2, 3, 4
_ALGORITHMS = " ".join(FAPI_ALGORITHMS)


class ProofRefused(NotAuthenticated):
    """The token is missing, expired or not ours."""

    def __init__(self, error: InvalidProof | UseNonce, nonce: str) -> None:
        super().__init__()
        self.challenge = f'DPoP realm="helhed", error="{error.error}", algs="{_ALGORITHMS}"'
        self.nonce = nonce


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody who was let in."""

    ask: Ask
    again: Callable[[], Ask]  #: who is asking, by the clock of then; raises NotAuthenticated
    headers: tuple[Header, ...] = ()  #: that the answer brings


class Gates(Protocol):
    """Lets in who may ask at a door."""

    async def let_in(self, scope: MutableMapping[str, Any], parts: list[str], authorization: bytes | None) -> Entry:
        """Raises NotAuthenticated."""
        ...


class Gate:
    """By tokens of the demo and of the authorisation server."""

    def __init__(self, verifier: TokenVerifier, admission: Admission, root: str) -> None:
        self._verifier = verifier
        self._admission = admission
        self._root = root

    async def let_in(self, scope: MutableMapping[str, Any], parts: list[str], authorization: bytes | None) -> Entry:
        """Who is let in. Raises NotAuthenticated, which says how to come back and not why."""
        held = self._verifier.held(authorization)
        again = partial(self._verifier.asking, held, use_of(scope["method"], parts))
        ask = again()  # its time first: what has ended is not looked up
        if held.token is None:
            return Entry(ask, again)
        token = (authorization or b"").partition(b" ")[2].decode()
        proofs = [value.decode("latin-1") for name, value in scope["headers"] if name == b"dpop"]
        nonces = self._admission.proofs.nonces
        try:
            proof = await self._admission.admit(held, token, proofs, scope["method"], self._root + scope["path"])
        except (InvalidProof, UseNonce) as error:
            raise ProofRefused(error, nonces.new()) from None
        headers = ((b"dpop-nonce", nonces.new().encode()),) if proof and proof.nonce_is_old else ()
        return Entry(ask, again, headers)


def use_of(method: str, parts: list[str]) -> Use:
    """What a request does, as scopes tell it apart. Operations, Bundles and what hangs on a condition do several things."""
    depth = len(parts)
    if parts and (parts[-1][:1] == "$" or parts[0] not in TYPE_NUMBERS):
        return Use.ANY
    if method in {"GET", "HEAD"}:
        return Use.READ if _is_of_one(parts) else Use.SEARCH
    if method == "POST":
        return Use.SEARCH if parts[-1:] == ["_search"] else Use.CREATE if depth == _TYPE else Use.ANY
    if depth != _INSTANCE:
        return Use.ANY
    return {"PUT": Use.UPDATE, "PATCH": Use.UPDATE, "DELETE": Use.DELETE}.get(method, Use.ANY)


def _is_of_one(parts: list[str]) -> bool:
    """Read, vread and the history of an instance; the rest are searches."""
    depth = len(parts)
    if depth == _INSTANCE:
        return parts[1] != "_history"
    return depth in {_HISTORY, _VERSION} and parts[2] == "_history"
