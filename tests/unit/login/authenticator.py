"""A security key in software, honest or not: W3C Web Authentication from the other side."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

ORIGIN = "https://net.example"


@dataclass
class SoftKey:
    """One key, for one site."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: os.urandom(32))
    count: int = 1
    site: str = "net.example"
    origin: str = ORIGIN
    flags: int = 0x05  #: user present, user verified

    def make(self, options: str, **lies: Any) -> str:
        """What a browser answers when a passkey is made."""
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        told = cbor.encode({"fmt": "none", "attStmt": {}, "authData": self._data(0x40) + attested})
        client = self._client("webauthn.create", options, lies)
        return self._named({"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(told)})

    def use(self, options: str, *, user: bytes | None = None, **lies: Any) -> str:
        """What a browser answers when it is used."""
        self.count += lies.pop("step", 1)
        data, client = self._data(), self._client("webauthn.get", options, lies)
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        if lies.get("forged"):
            signed = signed[:-1] + bytes([signed[-1] ^ 1])
        return self._named({
            "clientDataJSON": websafe_encode(client), "authenticatorData": websafe_encode(data), "signature": websafe_encode(signed),
            "userHandle": websafe_encode(user) if user is not None else None,
        })  # fmt: skip

    def _data(self, more: int = 0) -> bytes:
        return hashlib.sha256(self.site.encode()).digest() + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: str, lies: dict[str, Any]) -> bytes:
        told = {
            "type": kind,
            "challenge": json.loads(options)["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(
            {**told, **{name: lies[name] for name in ("type", "challenge", "origin") if name in lies}}
        ).encode()

    def _named(self, response: dict[str, Any]) -> str:
        name = websafe_encode(self.id)
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
        )
