"""What a device writes of each opening: one line for each part, hashed with the entry before, and sealed.

The seal is ECDSA over P-256 with SHA-256, as WebCrypto makes it (r and s, 32 bytes each). Its private key is inside the copy, behind the
code: neither the network nor who finds the device can make one up. ``trust.emergency_entry`` builds the same text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from helhed.foundation.errors import BadRequest

MOST_ENTRIES = 20  #: of one delivery
_HEAD = "helhed-emergency-opening-1"
_MOST = 100_000  #: openings of a copy, more than anybody makes
_HASH = re.compile(r"[0-9a-f]{64}")
_SEAL = re.compile(r"[0-9a-f]{128}")
_MOMENT = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z")
_REASON = re.compile(r"[a-z-]{1,20}")
_HALF = 32  #: bytes of r, and of s


@dataclass(frozen=True, slots=True)
class Entry:
    """One opening, as it was delivered. Everything but the number is text as the device wrote it."""

    n: int
    prev: str  #: hash of the entry before, of the copy's id for the first
    opened: str
    patient: str
    reason: str
    seal: str

    def text(self, copy: UUID) -> bytes:
        """What was sealed, and what the next entry's hash goes on from."""
        lines = (_HEAD, str(copy), str(self.n), self.prev, self.opened, self.patient, self.reason)
        return "\n".join(lines).encode("ascii")

    def row(self) -> dict[str, Any]:
        """For the database."""
        return {
            "n": self.n, "prev": self.prev, "opened": self.opened, "patient": self.patient, "reason": self.reason, "seal": self.seal,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """What the device says of its own list: how many, the last one's hash, and whether the copy is gone from it."""

    n: int
    hash: str
    gone: bool


def entry_of(told: object) -> Entry:
    """An entry out of JSON. BadRequest for what none of our pages writes."""
    if not isinstance(told, Mapping):
        raise BadRequest
    n, patient = told.get("n"), str(told.get("patient", ""))
    parts = [str(told.get(name, "")) for name in ("prev", "opened", "reason", "seal")]
    fits = [one.fullmatch(part) for one, part in zip((_HASH, _MOMENT, _REASON, _SEAL), parts, strict=True)]
    if type(n) is not int or not 0 < n <= _MOST or not all(fits) or not _is_id(patient) or not _is_day(parts[1]):
        raise BadRequest
    return Entry(n, parts[0], parts[1], patient, parts[2], parts[3])


def claim_of(told: object) -> Claim:
    """A claim out of JSON. BadRequest."""
    if not isinstance(told, Mapping):
        raise BadRequest
    n, value, gone = told.get("n"), told.get("hash"), told.get("gone")
    if type(n) is not int or not 0 <= n <= _MOST or not isinstance(gone, bool):
        raise BadRequest
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise BadRequest
    return Claim(n, value, gone)


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_day(moment: str) -> bool:
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        return False
    return True


def public_key(spki: bytes) -> EllipticCurvePublicKey:
    """A key of P-256 as SubjectPublicKeyInfo. BadRequest for anything else."""
    try:
        key = load_der_public_key(spki)
    except (ValueError, TypeError) as error:
        raise BadRequest from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise BadRequest
    return key


def sealed(copy: UUID, entries: Sequence[Entry], spki: bytes) -> list[Entry]:
    """Those whose seal holds."""
    key = public_key(spki)
    return [one for one in entries if _holds(key, one, copy)]


def _holds(key: EllipticCurvePublicKey, one: Entry, copy: UUID) -> bool:
    raw = bytes.fromhex(one.seal)
    seal = encode_dss_signature(int.from_bytes(raw[:_HALF]), int.from_bytes(raw[_HALF:]))
    try:
        key.verify(seal, one.text(copy), ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
