"""A push service and the devices behind it: takes what is sent, decrypts it as a device would, and checks who says to have sent it."""

import os
from collections.abc import Sequence
from typing import Any

import httpcore
import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from helhed.foundation.guarded import Guard
from helhed.trust.log.push_crypto import bytes_of, point, public_bytes, text_of


class Phone:
    """A device, by its private key and its secret."""

    def __init__(self, private: str | None = None, secret: str | None = None, *, path: str = "") -> None:
        curve = ec.SECP256R1()
        self._key = (
            ec.derive_private_key(int.from_bytes(bytes_of(private)), curve)
            if private
            else ec.generate_private_key(curve)
        )
        self._secret = bytes_of(secret) if secret else os.urandom(16)
        self.endpoint = f"https://updates.push.services.mozilla.com/wpush/v2/{path or os.urandom(8).hex()}"

    @property
    def fields(self) -> tuple[str, str, str]:
        """What its browser hands over."""
        return self.endpoint, text_of(public_bytes(self._key.public_key())), text_of(self._secret)

    def opened(self, body: bytes) -> bytes:
        """What was said, by RFC 8188 and RFC 8291; raises InvalidTag for what is for another."""
        salt, length, sealed = body[:16], body[20], body[21 + body[20] :]
        theirs, own = body[21 : 21 + length], public_bytes(self._key.public_key())
        shared = self._key.exchange(ec.ECDH(), point(theirs))
        material = _hkdf(self._secret, shared, b"WebPush: info\x00" + own + theirs, 32)
        key = _hkdf(salt, material, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _hkdf(salt, material, b"Content-Encoding: nonce\x00", 12)
        return AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00").removesuffix(b"\x02")


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(material)


def claims_of(header: str) -> dict[str, Any]:
    """What an Authorization header by RFC 8292 says; raises InvalidSignature."""
    token, key = header.removeprefix("vapid t=").split(", k=")
    head, said, signature = token.split(".")
    raw = bytes_of(signature)
    encoded = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    point(bytes_of(key)).verify(encoded, f"{head}.{said}".encode(), ec.ECDSA(hashes.SHA256()))
    assert orjson.loads(bytes_of(head)) == {"typ": "JWT", "alg": "ES256"}
    found: dict[str, Any] = orjson.loads(bytes_of(said))
    return found


class _Stream(httpcore.AsyncMockStream):
    def __init__(self, service: "PushService") -> None:
        super().__init__([])
        self._service, self._got = service, b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._got += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        head, _, body = self._got.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self._service.requests.append((first, dict(one.lower().split(": ", 1) for one in lines), body))
        self._service.authorizations += [one.partition(": ")[2] for one in lines if one.lower().startswith("authoriz")]
        return (
            f"HTTP/1.1 {self._service.status} .\r\nContent-Length: 0\r\nLocation: https://127.0.0.1/\r\n\r\n".encode()
        )

    async def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:  # fmt: skip
        return self


class PushService(httpcore.AsyncNetworkBackend):
    """Every https name leads to it. It answers as it is told."""

    def __init__(self) -> None:
        self.status, self.address = 201, "93.184.215.14"
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.authorizations: list[str] = []
        self.connected: list[str] = []

    @property
    def guard(self) -> Guard:
        """What connects to it."""
        return Guard(self._resolve, self)

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        return [self.address]

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """A connection."""
        self.connected.append(host)
        return _Stream(self)
