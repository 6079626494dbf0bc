"""Which authenticators make passkeys here (W3C Web Authentication Level 3, section 6.5): by the policy, and by the operator's list.

Without a list a passkey attests nothing, and the policy says whether it is taken all the same. With one, a passkey is kept only when its
maker signed for it, up to a root that the list gives for that very model (AAGUID).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fido2.attestation.apple import AppleAttestation
from fido2.attestation.base import (
    Attestation,
    AttestationResult,
    AttestationVerifier,
    InvalidAttestation,
    InvalidData,
    UntrustedAttestation,
)
from fido2.attestation.packed import PackedAttestation
from fido2.attestation.tpm import TpmAttestation
from fido2.attestation.u2f import FidoU2FAttestation
from fido2.webauthn import AttestationConveyancePreference, AttestationObject, AuthenticatorData

from helhed.foundation.errors import HelhedError
from helhed.trust.policy import document

_FORMATS: Mapping[str, Callable[[], Attestation]] = {
    "packed": PackedAttestation,
    "tpm": TpmAttestation,
    "apple": AppleAttestation,
    "fido-u2f": FidoU2FAttestation,
}
_LONGEST_PATH = 5


class AuthenticatorsWrong(HelhedError):
    """The list of authenticators cannot be used."""


class AuthenticatorRefused(HelhedError):
    """Passkeys of this kind are not made here."""


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model, as the FIDO Metadata Service has it: its AAGUID, and the certificates (PEM) that its attestations lead to."""

    aaguid: UUID
    name: str
    roots: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    date: str
    source: str
    authenticators: tuple[Model, ...]


@cache
def attestation_policy() -> dict[str, Any]:
    """What holds without a list, which formats are read, and which models are taken nowhere."""
    found: dict[str, Any] = document("passkeys.json")["attestation"]
    return found


@dataclass
class Authenticators(AttestationVerifier):
    """Who may make passkeys. ``roots`` by model; None where the operator has no list."""

    roots: Mapping[UUID, tuple[x509.Certificate, ...]] | None = None
    policy: Mapping[str, Any] = field(default_factory=attestation_policy)

    def __post_init__(self) -> None:
        super().__init__([_FORMATS[name]() for name in self.policy["formats"]])

    @property
    def asked(self) -> AttestationConveyancePreference:
        """What browsers are asked: nothing that could tell one key from another, unless a list needs it."""
        return AttestationConveyancePreference("none" if self.roots is None else "direct")

    def judge(self, told: AttestationObject, client_data_hash: bytes) -> None:
        """Raises AuthenticatorRefused for what may not make a passkey here."""
        model = _model_of(told.auth_data)
        refused = {UUID(one["aaguid"]) for one in self.policy["refused"]}
        if model in refused or (self.roots is None and self.policy["without_a_list"] != "any"):
            raise AuthenticatorRefused
        if self.roots is None:
            return
        try:
            self.verify_attestation(told, client_data_hash)
        except (
            InvalidAttestation,
            NotImplementedError,
            AssertionError,
            AttributeError,
            TypeError,
            ValueError,
            KeyError,
            IndexError,
        ):
            raise AuthenticatorRefused from None

    def ca_lookup(self, attestation_result: AttestationResult, auth_data: AuthenticatorData) -> bytes:
        """The root that an attestation leads to. What signs for itself leads nowhere, whichever model it says that it is."""
        path = attestation_result.trust_path
        if not 0 < len(path) <= _LONGEST_PATH:
            raise UntrustedAttestation("Nobody signed for it.")
        certificates = [x509.load_der_x509_certificate(one) for one in path]
        if not all(map(_may_sign, certificates[1:])):
            raise InvalidData("A certificate in the path may sign for nobody.")
        roots = (self.roots or {}).get(_model_of(auth_data), ())
        for root in roots:
            if certificates[-1].issuer == root.subject or certificates[-1] == root:
                return root.public_bytes(Encoding.DER)
        raise UntrustedAttestation("No root of that model signed for it.")


def read_authenticators(name: str) -> Authenticators:
    """The operator's list, "" for none. Raises AuthenticatorsWrong, which says what is wrong and where."""
    if not name:
        return Authenticators()
    path = Path(name)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File, strict=True).authenticators
    except OSError as error:
        raise AuthenticatorsWrong(f"{path} cannot be read: {error.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AuthenticatorsWrong(f"{path}: {error}.") from None
    if len({one.aaguid for one in found}) != len(found) or not found:
        raise AuthenticatorsWrong(f"{path} names no authenticator, or one twice.")
    return Authenticators({one.aaguid: tuple(_root(path, one, text) for text in one.roots) for one in found})


def _root(path: Path, model: Model, text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise AuthenticatorsWrong(f"{path}: a root of {model.name[:40]!r} is no certificate in PEM.") from None


def _may_sign(certificate: x509.Certificate) -> bool:
    """Whether it is one of an authority: a batch key that signs in its own name does not make further makers."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _model_of(data: AuthenticatorData) -> UUID:
    if data.credential_data is None:
        raise AuthenticatorRefused
    return UUID(bytes=bytes(data.credential_data.aaguid))
