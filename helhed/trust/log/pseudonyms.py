"""Pseudonyms of staff whose names are withheld: the same in all of one citizen's log, and no use in another's.

A keyed hash, so that nobody who knows the staff of a place finds out by trying which of them it is, as they would with
UUIDv5 or a salt that is handed out (access.md, section 2).
"""

import hashlib
import hmac
from collections.abc import Sequence
from struct import pack

from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse

_LETTERS = 8
#: without vowels no word comes about, and without digits no number of a person
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"


class Pseudonyms:
    """Makes pseudonyms with the installation's key for them (``KeyPurpose.PSEUDONYMS``)."""

    def __init__(self, *secrets: bytes) -> None:
        self.take(secrets)

    @classmethod
    def of_keys(cls, keys: KeysInUse) -> "Pseudonyms":
        """With the installation's key, whichever that is."""
        made = cls(*keys.secrets(KeyPurpose.PSEUDONYMS))
        keys.follow(KeyPurpose.PSEUDONYMS, made.take)
        return made

    def take(self, secrets: Sequence[bytes]) -> None:
        """From now on with the first of these."""
        self._secret = secrets[0]

    def of(self, citizen: int, professional: int, where: bytes = b"staff in a log") -> str:
        """What a professional is called in the log of a citizen; or somebody else somewhere else, which is said by ``where``."""
        digest = hmac.new(self._secret, where + pack(">qq", citizen, professional), hashlib.sha256).digest()
        number = int.from_bytes(digest)
        letters = []
        for _ in range(_LETTERS):
            number, place = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[place])
        return "".join(letters[:4]) + "-" + "".join(letters[4:])
