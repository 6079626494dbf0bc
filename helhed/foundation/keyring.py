"""The keys of an installation that can be changed: what each is for, and how far it has come.

A key is first *accepted*: what it made is understood, and nothing new is made with it. Then it is *active*, one for each
purpose, and what was active before is accepted still. At last it is *retired*: what it made is refused, and its secret is
erased. So a key can stand on every machine before the first of them uses it.

What must never change is no key: ``helhed.foundation.database.read_secret``.
"""

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from helhed.foundation.errors import HelhedError

_ID_DIGITS = 12


class KeyPurpose(StrEnum):
    """What a key is for."""

    CURSORS = "cursors"  #: seals page links
    TOKENS = "tokens"  #: signs demo tokens; what signs access tokens and ID tokens follows from it
    PSEUDONYMS = "pseudonyms"  #: what staff are called whose names are withheld
    DATABASE = "database"  #: what the password of helhed_app follows from, and by what it proves what it asks for
    SESSIONS = "sessions"  #: seals what a session of the pages holds
    LOG = "log"  #: signs the heads of the log


class State(StrEnum):
    """How far a key has come."""

    ACTIVE = "active"
    ACCEPTED = "accepts"
    RETIRED = "retired"


class NoSuchKey(HelhedError):
    """There is no such key: `helhed keys list` shows them."""


class KeyInUse(HelhedError):
    """This key is in use: make another one active first, with `helhed keys rotate`."""


class KeyRetired(HelhedError):
    """This key is retired and its secret is erased: it cannot come back."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    id: str
    purpose: KeyPurpose
    state: State
    created: datetime
    changed: datetime  #: when it came into its state
    secret: bytes | None = field(repr=False)  #: None once it is retired


def new_key(purpose: KeyPurpose, secret: bytes, state: State, at: datetime) -> Key:
    """A key, named after its secret: the same on two machines has the same name, and the name tells nothing of it."""
    digest = hmac.new(secret, b"name of a key for " + purpose.encode(), hashlib.sha256).hexdigest()
    return Key(f"{purpose}-{digest[:_ID_DIGITS]}", purpose, state, at, at, secret)


@dataclass(frozen=True, slots=True)
class Keyring:
    """All of them. Never changed: a change makes the next."""

    keys: tuple[Key, ...]

    def secrets(self, purpose: KeyPurpose) -> list[bytes]:
        """The secrets of what is accepted for a purpose: the active one, then the newest first."""
        newest = sorted((key for key in self.keys if key.purpose is purpose), key=lambda key: key.created, reverse=True)
        usable = sorted(newest, key=lambda key: key.state is not State.ACTIVE)
        return [key.secret for key in usable if key.secret is not None]

    def key(self, id: str) -> Key:
        """One of them. Raises NoSuchKey."""
        found = next((key for key in self.keys if key.id == id), None)
        if found is None:
            raise NoSuchKey
        return found

    def with_new(self, key: Key) -> "Keyring":
        """One key more."""
        return Keyring((*self.keys, key))

    def activated(self, id: str, at: datetime) -> "Keyring":
        """The key is used from now on; what was used before is accepted. Raises NoSuchKey or KeyRetired."""
        chosen = self.key(id)
        if chosen.state is State.RETIRED:
            raise KeyRetired
        return Keyring(tuple(_moved(key, chosen, at) for key in self.keys))

    def retired(self, id: str, at: datetime) -> "Keyring":
        """The key is accepted no longer, and its secret is gone. Raises NoSuchKey or KeyInUse."""
        chosen = self.key(id)
        if chosen.state is State.ACTIVE:
            raise KeyInUse
        if chosen.state is State.RETIRED:
            return self
        gone = replace(chosen, state=State.RETIRED, changed=at, secret=None)
        return Keyring(tuple(gone if key is chosen else key for key in self.keys))


def _moved(key: Key, chosen: Key, at: datetime) -> Key:
    if key.purpose is chosen.purpose:
        state = State.ACTIVE if key is chosen else State.ACCEPTED
        if key.state not in {state, State.RETIRED}:
            return replace(key, state=state, changed=at)
    return key
