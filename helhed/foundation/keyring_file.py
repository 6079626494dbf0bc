"""The file that holds the keyring: made once, changed whole, readable by its owner only."""

import base64
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import read_secret
from helhed.foundation.errors import HelhedError
from helhed.foundation.keyring import Key, KeyPurpose, Keyring, State, new_key
from helhed.foundation.logging import logger
from helhed.foundation.once import create_once

KEYRING = "keyring.json"
#: where releases before the keyring had the key that signs demo tokens; every other key followed from the secret
FORMER_FILE = "demo-token-key.json"
#: what a network needs besides its database: without them its page links, tokens and imported ids change
KEY_FILES = ("secret", KEYRING, FORMER_FILE)
_FORMAT, _SECRET_BYTES = 1, 32
#: what every keyring has had a key for
_FIRST = frozenset({KeyPurpose.CURSORS, KeyPurpose.TOKENS, KeyPurpose.DATABASE})
#: what every keyring has a key for that is written down
_KEPT = tuple(purpose for purpose in KeyPurpose if purpose is not KeyPurpose.SESSIONS)


class KeyringDamaged(HelhedError):
    """The keyring cannot be read: take keyring.json from a backup. A new one ends every page link and session of tokens."""


class _File(msgspec.Struct, frozen=True):
    format: int
    keys: tuple[Key, ...]


def read_keyring(data_dir: Path, clock: Clock = system_clock) -> Keyring:
    """The keyring, made on first use. Processes that start together agree on one. Raises KeyringDamaged."""
    path = data_dir / KEYRING
    if not path.exists():
        create_once(path, _as_bytes(_first(data_dir, clock())))
    ring = _parsed(path.read_bytes())
    if _completed(ring) != ring:  # an earlier release made it, for what it had
        with _locked(data_dir):
            ring = _completed(_parsed(path.read_bytes()))
            _replace(path, _as_bytes(ring))
    return _with_first_for_sessions(ring, data_dir)


def change_keyring(data_dir: Path, change: Callable[[Keyring], Keyring]) -> Keyring:
    """The keyring after ``change``, which stands on disk before this returns. Two changes wait for each other."""
    read_keyring(data_dir)
    with _locked(data_dir):
        before = read_keyring(data_dir)
        after = change(before)
        if after != before:
            _replace(data_dir / KEYRING, _as_bytes(_without_first_for_sessions(after, data_dir)))
    return after


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    with open(data_dir / "keyring.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _completed(ring: Keyring) -> Keyring:
    """With a key for each purpose that came after the ring was made: one that follows from its oldest, on every machine alike."""
    oldest = min((key for key in ring.keys if key.secret is not None), key=lambda key: (key.created, key.id))
    for purpose in _KEPT:
        if oldest.secret is not None and not any(key.purpose is purpose for key in ring.keys):
            secret = hmac.new(oldest.secret, b"first key for " + purpose.encode(), hashlib.sha256).digest()
            ring = ring.with_new(new_key(purpose, secret, State.ACTIVE, oldest.created))
    return ring


def _first_for_sessions(data_dir: Path) -> Key:
    """What releases before it was a key sealed sessions by. They refuse a keyring with a purpose that they do not know, so that it is
    written down when another takes its place, and not before.
    """
    secret = read_secret(data_dir)
    return new_key(KeyPurpose.SESSIONS, secret, State.ACTIVE, _since(data_dir))


def _with_first_for_sessions(ring: Keyring, data_dir: Path) -> Keyring:
    if any(key.purpose is KeyPurpose.SESSIONS for key in ring.keys):
        return ring
    return ring.with_new(_first_for_sessions(data_dir))


def _without_first_for_sessions(ring: Keyring, data_dir: Path) -> Keyring:
    if [key.id for key in ring.keys if key.purpose is KeyPurpose.SESSIONS] != [_first_for_sessions(data_dir).id]:
        return ring
    return Keyring(tuple(key for key in ring.keys if key.purpose is not KeyPurpose.SESSIONS))


def _since(data_dir: Path) -> datetime:
    """Since when there is an installation."""
    return datetime.fromtimestamp(int((data_dir / "secret").stat().st_mtime), UTC)


def random_key(purpose: KeyPurpose, state: State, at: datetime) -> Key:
    """A new key."""
    return new_key(purpose, secrets.token_bytes(_SECRET_BYTES), state, at)


def _first(data_dir: Path, now: datetime) -> Keyring:
    """New keys; where an earlier release left its own, those, so that what they made goes on to be understood."""
    path = data_dir / "secret"
    if not path.exists():
        return Keyring(tuple(random_key(purpose, State.ACTIVE, now) for purpose in _KEPT))
    secret, since = read_secret(data_dir), _since(data_dir)
    tokens = _former_token_key(data_dir / FORMER_FILE)
    return Keyring((
        new_key(KeyPurpose.CURSORS, secret, State.ACTIVE, since),
        random_key(KeyPurpose.TOKENS, State.ACTIVE, now) if tokens is None else new_key(KeyPurpose.TOKENS, tokens, State.ACTIVE, since),
        new_key(KeyPurpose.DATABASE, secret, State.ACTIVE, since),
        *(random_key(purpose, State.ACTIVE, now) for purpose in _KEPT if purpose not in _FIRST),
    ))  # fmt: skip


def _former_token_key(path: Path) -> bytes | None:
    """The private half of a JSON Web Key (RFC 8037)."""
    if not path.exists():
        return None
    try:
        text: str = msgspec.json.decode(path.read_bytes(), type=dict[str, str])["d"]
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (msgspec.DecodeError, KeyError, ValueError):
        raise KeyringDamaged(f"{path.name} cannot be read: take it from a backup, or remove it.") from None


def _parsed(content: bytes) -> Keyring:
    try:
        held = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError:
        raise KeyringDamaged from None
    active = sorted(key.purpose for key in held.keys if key.state is State.ACTIVE)
    sound = all((key.secret is None) == (key.state is State.RETIRED) for key in held.keys)
    if held.format != _FORMAT or not set(active) >= _FIRST or len(active) != len(set(active)) or not sound:
        raise KeyringDamaged
    return Keyring(held.keys)


def _as_bytes(ring: Keyring) -> bytes:
    return msgspec.json.format(msgspec.json.encode(_File(_FORMAT, ring.keys)), indent=1) + b"\n"


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    create_once(draft, content)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class KeysInUse:
    """The keyring as a running process knows it, which is looked at again when the file was changed."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._seen = self._mark()
        self._ring = read_keyring(data_dir)
        self._followers: list[tuple[KeyPurpose, Callable[[list[bytes]], object]]] = []
        if self._seen is None:
            self._seen = self._mark()

    def secrets(self, purpose: KeyPurpose) -> list[bytes]:
        """What is accepted for a purpose now, the active one first."""
        return self._ring.secrets(purpose)

    def follow(self, purpose: KeyPurpose, take: Callable[[list[bytes]], object]) -> None:
        """Calls ``take`` with what is accepted: now, and after each change."""
        self._followers.append((purpose, take))
        take(self.secrets(purpose))

    def look_again(self) -> bool:
        """Whether the file was changed since it was last read; then it has been read. Costs a call of the system.

        A file that cannot be read, such as one that is just being copied, changes nothing.
        """
        mark = self._mark()
        if mark == self._seen:
            return False
        self._seen = mark
        try:
            ring = _completed(_parsed((self._data_dir / KEYRING).read_bytes()))
            self._ring = _with_first_for_sessions(ring, self._data_dir)
        except (OSError, KeyringDamaged) as error:
            logger("keys").error("the keyring cannot be read; the keys stay as they were", error=error)
            return False
        for purpose, take in self._followers:
            take(self.secrets(purpose))
        logger("keys").info("keys read again", accepted={purpose: len(self.secrets(purpose)) for purpose in KeyPurpose})
        return True

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._data_dir / KEYRING)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
