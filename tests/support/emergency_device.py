"""A device that holds an emergency copy, as the page of the copy does it: openings are chained, sealed and told."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from helhed.trust.emergency.entries import Claim, Entry


@dataclass
class Device:
    """One browser, one copy."""

    copy: UUID = field(default_factory=uuid4)
    token: bytes = field(default_factory=lambda: token_bytes(32))
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = generate_private_key(SECP256R1())

    @property
    def seal_key(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def token_hash(self) -> bytes:
        """What the network keeps of the token."""
        return sha256(self.token).digest()

    @property
    def head(self) -> str:
        """Hash of the last opening, of the copy's id before the first."""
        last = self.entries[-1].text(self.copy) if self.entries else str(self.copy).encode()
        return sha256(last).hexdigest()

    def opens(self, patient: UUID, when: datetime, reason: str = "acute") -> Entry:
        """Writes an opening."""
        moment = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z"
        entry = self.sealed(len(self.entries) + 1, self.head, moment, str(patient), reason)
        self.entries.append(entry)
        return entry

    def sealed(self, n: int, prev: str, opened: str, patient: str, reason: str) -> Entry:
        """An entry with this device's seal, whatever it says."""
        bare = Entry(n, prev, opened, patient, reason, "")
        r, s = decode_dss_signature(self._key.sign(bare.text(self.copy), ECDSA(SHA256())))
        return Entry(n, prev, opened, patient, reason, f"{r:064x}{s:064x}")

    def claims(self, *, gone: bool = False) -> Claim:
        """What it says of its own list."""
        return Claim(len(self.entries), self.head, gone)
