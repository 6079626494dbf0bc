"""What a witness remembers: its key, and the head that it signed last."""

import os
import re
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from helhed.foundation.errors import HelhedError
from helhed.foundation.once import create_once

_NAME = re.compile(r"[a-z0-9.-]{1,64}")


class NotAWitness(HelhedError):
    """A witness is called by a to z, 0 to 9, - and ., and its folder has the key and the memory that it made there."""


class Signed(msgspec.Struct, frozen=True):
    """The head that was signed last, as the log sent it."""

    log: str
    body: str
    signature: str


class Memory:
    """A folder that belongs to one witness. What it signed stands on disk before the signature leaves."""

    def __init__(self, folder: Path, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise NotAWitness
        self.name, self._folder = name, folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / "key").exists():
            create_once(folder / "key", Ed25519PrivateKey.generate().private_bytes_raw())
        try:
            self._key = Ed25519PrivateKey.from_private_bytes((folder / "key").read_bytes())
        except ValueError:
            raise NotAWitness from None

    @property
    def public(self) -> bytes:
        """The public half of the key, for everybody who trusts this witness."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, content: bytes) -> bytes:
        """A signature."""
        return self._key.sign(content)

    def signed(self) -> Signed | None:
        """The head that was signed last. Raises NotAWitness when the memory is damaged: a witness that forgot must not sign."""
        path = self._folder / "signed.json"
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Signed)
        except msgspec.DecodeError:
            raise NotAWitness from None

    def remember(self, head: Signed) -> None:
        """A head is about to be signed."""
        self._put("signed.json", msgspec.json.encode(head))

    def keep_evidence(self, content: bytes) -> Path:
        """Two things the log said that cannot both be true."""
        self._put("evidence.json", content)
        return self._folder / "evidence.json"

    def _put(self, name: str, content: bytes) -> None:
        draft = self._folder / f".{name}"
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(self._folder / name)
