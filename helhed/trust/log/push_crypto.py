"""Web Push as its standards have it: a message that its device alone can read (RFC 8291, by RFC 8188), and who we are to the push service (RFC 8292)."""

import base64
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_RECORD = 4096  #: RFC 8291, section 4: one record, and no push service has to take more
_OVERHEAD = 17  #: the mark of the last record and the tag of AES-GCM
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  #: of P-256 (SEC 2, section 2.4.2)
_HOLDS = timedelta(hours=12)  #: RFC 8292, section 2: 24 hours at most


def text_of(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """The other way. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """The 65 bytes of an uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def point(data: bytes) -> ec.EllipticCurvePublicKey:
    """A public key. Raises ValueError for what is no point of P-256."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)


def encrypted(
    plain: bytes, receiver: bytes, secret: bytes, *, padded_to: int = 0,
    own: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None,
) -> bytes:  # fmt: skip
    """The body of a push message for the device with this public key and secret. A new key and salt each time: ``own`` and ``salt`` are for
    the example of the standard. ``padded_to`` hides how long it is. Raises ValueError for what is no key, or is too long.
    """
    own, salt = own or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    length = max(len(plain), padded_to)
    ours = public_bytes(own.public_key())
    if length + _OVERHEAD + 21 + len(ours) > _RECORD:
        raise ValueError("That is too long for one message.")
    shared = own.exchange(ec.ECDH(), point(receiver))
    material = _derived(shared, secret, b"WebPush: info\0" + receiver + ours, 32)
    key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, plain + b"\2" + bytes(length - len(plain)), None)
    return salt + _RECORD.to_bytes(4) + len(ours).to_bytes(1) + ours + sealed


def _derived(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(material)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who we are to push services: a key that follows from one of the keyring."""

    key: ec.EllipticCurvePrivateKey
    contact: str  #: mailto: or https:, where a push service may write to

    @classmethod
    def of(cls, secret: bytes, contact: str) -> "Sender":
        """The one that follows from a secret: the same on every machine and after every start."""
        number = int.from_bytes(_derived(secret, b"", b"helhed web push", 48))
        return cls(ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1()), contact)

    @property
    def public(self) -> bytes:
        """What browsers and push services know us by."""
        return public_bytes(self.key.public_key())

    def authorization(self, endpoint: str, now: datetime) -> str:
        """The header for one push service, signed with ES256."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + _HOLDS).timestamp()),
            "sub": self.contact,
        }
        signed = f"{text_of(orjson.dumps({'typ': 'JWT', 'alg': 'ES256'}))}.{text_of(orjson.dumps(claims))}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"vapid t={signed}.{text_of(r.to_bytes(32) + s.to_bytes(32))}, k={text_of(self.public)}"
