"""A security key in software, honest or not: W3C Web Authentication from the other side."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

ORIGIN = "https://net.example"
NO_MODEL = UUID(int=0)


class Maker:
    """Who makes security keys, and signs for each: an authority, and a certificate for a batch of one model (packed, section 8.2)."""

    def __init__(self, model: UUID | None = None, *, name: str = "Maker") -> None:
        self.model = model or uuid4()
        self._authority = ec.generate_private_key(ec.SECP256R1())
        self.root = _certificate(name, self._authority, name, self._authority, authority=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.path = [_certificate("Batch", self.key, name, self._authority)]

    @property
    def pem(self) -> str:
        """The root, as a list has it."""
        return self.root.public_bytes(Encoding.PEM).decode()

    def batch_that_makes_batches(self) -> None:
        """Somebody got hold of a batch's key, and signs a further batch with it."""
        stolen, self.key = self.key, ec.generate_private_key(ec.SECP256R1())
        self.path = [_certificate("Further batch", self.key, "Batch", stolen), *self.path]

    def attest(self, data: bytes, client: bytes) -> dict[str, Any]:
        """The statement of a new key."""
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {"alg": -7, "sig": signed, "x5c": [one.public_bytes(Encoding.DER) for one in self.path]}


def _certificate(name: str, key: Any, issuer: str, signer: Any, *, authority: bool = False) -> x509.Certificate:
    def called(common: str) -> x509.Name:
        parts = {
            NameOID.COUNTRY_NAME: "DK",
            NameOID.ORGANIZATION_NAME: "Test",
            NameOID.ORGANIZATIONAL_UNIT_NAME: "Authenticator Attestation",
        }
        return x509.Name(
            [x509.NameAttribute(oid, text) for oid, text in {**parts, NameOID.COMMON_NAME: common}.items()]
        )

    begins = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(called(name)).issuer_name(called(issuer)).public_key(key.public_key())
    made = (
        made.serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=36_500))
    )
    return made.add_extension(x509.BasicConstraints(authority, None), True).sign(signer, hashes.SHA256())


@dataclass
class SoftKey:
    """One key, for one site."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: os.urandom(32))
    count: int = 1
    site: str = "net.example"
    origin: str = ORIGIN
    flags: int = 0x05  #: user present, user verified
    model: UUID = NO_MODEL
    maker: Maker | None = None  #: who signs for it
    signs_for_itself: bool = False

    def make(self, options: str, **lies: Any) -> str:
        """What a browser answers when a passkey is made."""
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = self.model.bytes + len(self.id).to_bytes(2, "big") + self.id + public
        client = self._client("webauthn.create", options, lies)
        data = self._data(0x40) + attested
        stated = self._stated(data, lies.get("attested_over", client))
        told = cbor.encode({"fmt": "packed" if stated else "none", "attStmt": stated, "authData": data})
        return self._named({"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(told)})

    def _stated(self, data: bytes, client: bytes) -> dict[str, Any]:
        if self.maker is not None:
            return self.maker.attest(data, client)
        if not self.signs_for_itself:
            return {}
        return {"alg": -7, "sig": self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))}

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
