"""Keys of backups: recipients are public and encrypt; an identity is secret and opens."""

from collections.abc import Sequence
from pathlib import Path

from pyrage import IdentityError, RecipientError, x25519

from helhed.foundation.errors import HelhedError
from helhed.foundation.once import create_once


class NoRecipient(HelhedError):
    """A backup is encrypted: name a recipient (age1…), or set HELHED_BACKUP_RECIPIENTS. `helhed backup-key FILE` makes a pair."""


class Occupied(HelhedError):
    """There is something already where a new file or folder was wanted."""


class NotAKey(HelhedError):
    """That is not an age key: a recipient reads age1…, and a file with an identity holds a line AGE-SECRET-KEY-1…"""


def new_identity(path: Path) -> str:
    """Make an identity in a new file that only its owner reads; returns its recipient. Raises Occupied."""
    if path.exists():
        raise Occupied(f"{path} is there already: a key is never written over.")
    identity = x25519.Identity.generate()
    create_once(path, f"# recipient: {identity.to_public()}\n{identity}\n".encode())
    return str(identity.to_public())


def recipients(names: Sequence[str]) -> list[x25519.Recipient]:
    """The recipients. Raises NoRecipient or NotAKey."""
    if not names:
        raise NoRecipient
    try:
        return [x25519.Recipient.from_str(name) for name in names]
    except RecipientError:
        raise NotAKey from None


def identities(path: Path) -> list[x25519.Identity]:
    """The identities of a file. Raises NotAKey."""
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        found = [x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (ValueError, OSError, IdentityError):
        raise NotAKey from None
    if not found:
        raise NotAKey
    return found
