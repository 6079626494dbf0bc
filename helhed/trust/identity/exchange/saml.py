"""SAML 2.0 assertions, read strictly: only what a trusted certificate signed is looked at, and nothing that the document chooses.

The document is judged before any cryptography: one assertion, one signature that is its child and refers to it whole, no document
type, no comments, no transforms but the two that SAML allows (SAML 2.0 core, section 5.4). Certificates in it are not followed.
"""

import base64
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.exceptions import InvalidInput, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from helhed.trust.identity.exchange.policy import Profile, digest_algorithms, signature_methods
from helhed.trust.identity.jose import Unsound

LARGEST = 64 * 1024  #: bytes
_SAML, _DS = "urn:oasis:names:tc:SAML:2.0:assertion", "http://www.w3.org/2000/09/xmldsig#"
_NAMES = {"s": _SAML, "d": _DS}
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_TRANSFORMS = {_DS + "enveloped-signature", _EXCLUSIVE}
_IDS = {"ID", "Id", "id", "AssertionID"}
_BEARER, _HOLDER_OF_KEY = (f"urn:oasis:names:tc:SAML:2.0:cm:{one}" for one in ("bearer", "holder-of-key"))
_MOST_ELEMENTS = 2000


@dataclass(frozen=True, slots=True)
class Attribute:
    """What an assertion says under one name."""

    format: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assertion:
    """One whose signature held."""

    id: str
    issuer: str
    begins: datetime
    ends: datetime  #: the earlier of what its conditions and its subject's confirmation say
    audiences: frozenset[str]
    attributes: Mapping[str, Attribute]
    recipient: str | None  #: the address that it may be presented at; None where it says nothing
    holder: bytes | None  #: the public key (SubjectPublicKeyInfo, DER) of the only one who may present it


def issuer_of(document: bytes) -> str:
    """Who an assertion says it is from, unproven: to find the certificates by. Raises Unsound."""
    return _issuer(_parsed(document))


def read(document: bytes, profile: Profile, certificates: Sequence[str], moment: datetime) -> Assertion:
    """An assertion that one of the certificates (PEM) signed and that holds at ``moment``. Raises Unsound."""
    root = _parsed(document)
    _shape_or_raise(root, profile)
    signed = _signed(root, document, profile, _valid(certificates, moment), moment)
    try:
        assertion = _assertion(signed, profile)
    except (ValueError, TypeError, AttributeError, IndexError):
        raise Unsound from None
    if not assertion.begins <= moment < assertion.ends or assertion.ends - assertion.begins > profile.longest:
        raise Unsound
    return assertion


def _parsed(document: bytes) -> Any:
    if len(document) > LARGEST:
        raise Unsound
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unsound from None
    if root.getroottree().docinfo.doctype or root.tag != f"{{{_SAML}}}Assertion" or root.get("Version") != "2.0":
        raise Unsound
    return root


def _shape_or_raise(root: Any, profile: Profile) -> None:
    """One assertion, one signature: a second of either is how a signature is wrapped."""
    nodes = [root, *root.getroottree().xpath("//node()[not(self::text())]")]
    names = [node.tag for node in nodes]
    if len(nodes) > _MOST_ELEMENTS or not all(isinstance(name, str) for name in names):
        raise Unsound
    found = root.xpath("//s:Assertion", namespaces=_NAMES), root.xpath("//d:Signature", namespaces=_NAMES)
    if [len(one) for one in found] != [1, 1] or found[1][0].getparent() is not root:
        raise Unsound
    references = root.xpath("d:Signature/d:SignedInfo/d:Reference", namespaces=_NAMES)
    transforms = {one.get("Algorithm") for one in root.xpath("//d:Transform", namespaces=_NAMES)}
    whole = [one.get("URI") for one in references] == [f"#{root.get(profile.id_attribute)}"]
    if not whole or not transforms <= _TRANSFORMS or not _ids_differ(root):
        raise Unsound


def _ids_differ(root: Any) -> bool:
    ids = [value for node in root.iter() for name, value in node.attrib.items() if name in _IDS]
    return len(ids) == len(set(ids))


def _valid(certificates: Iterable[str], moment: datetime) -> list[x509.Certificate]:
    found = [x509.load_pem_x509_certificate(one.encode()) for one in certificates]
    return [one for one in found if one.not_valid_before_utc <= moment < one.not_valid_after_utc]


def _signed(
    root: Any, document: bytes, profile: Profile, certificates: Sequence[x509.Certificate], moment: datetime
) -> Any:
    """What was signed, as it was signed: nothing else of the document is looked at."""
    expected = SignatureConfiguration(
        location="./",
        signature_methods=signature_methods(),
        digest_algorithms=digest_algorithms(),
        ignore_ambiguous_key_info=True,  # the key is the trusted certificate's, whatever stands there
        verification_time=moment,
        default_reference_c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    for certificate in certificates:
        with contextlib.suppress(SignXMLException, InvalidInput, ValueError, TypeError, KeyError, etree.LxmlError):
            result: Any = XMLVerifier().verify(
                document, x509_cert=certificate, id_attribute=profile.id_attribute, expect_config=expected
            )
            if _is_same(result.signed_xml, root, profile):
                return result.signed_xml
    raise Unsound


def _is_same(signed: Any, root: Any, profile: Profile) -> bool:
    name = profile.id_attribute
    return signed is not None and signed.tag == root.tag and signed.get(name) == root.get(name)


def _assertion(signed: Any, profile: Profile) -> Assertion:
    conditions = signed.xpath("s:Conditions", namespaces=_NAMES)
    (condition,) = conditions
    (confirmation,) = signed.xpath("s:Subject/s:SubjectConfirmation", namespaces=_NAMES)
    told = _confirmation_data(confirmation)
    ends = [
        _moment(one.get("NotOnOrAfter"))
        for one in (condition, *told)
        if one is condition or "NotOnOrAfter" in one.attrib
    ]
    return Assertion(
        signed.get(profile.id_attribute),
        _issuer(signed),
        _moment(condition.get("NotBefore")),
        min(ends),
        frozenset(_text(one) for one in condition.xpath("s:AudienceRestriction/s:Audience", namespaces=_NAMES)),
        _attributes(signed),
        told[0].get("Recipient") if told else None,
        _holder(confirmation),
    )


def _issuer(root: Any) -> str:
    several = root.xpath("s:Issuer", namespaces=_NAMES)
    if len(several) != 1 or not (issuer := _text(several[0])):
        raise Unsound
    return issuer


def _attributes(signed: Any) -> dict[str, Attribute]:
    """By name. The same name twice is refused: two readers would not agree on which counts."""
    found: dict[str, Attribute] = {}
    for one in signed.xpath("s:AttributeStatement/s:Attribute", namespaces=_NAMES):
        values = tuple(_text(value) for value in one.xpath("s:AttributeValue", namespaces=_NAMES))
        if one.get("Name") in found:
            raise Unsound
        found[one.get("Name")] = Attribute(one.get("NameFormat", ""), values)
    return found


def _confirmation_data(confirmation: Any) -> list[Any]:
    """What the confirmation of the subject says beside its method: at most one element. A bearer's, when it is there, says where and
    until when (SAML 2.0 profiles, 4.1.4.2; RFC 7522, section 3); and nothing answers a request of ours, as we sent none. Raises Unsound.
    """
    told: list[Any] = confirmation.xpath("s:SubjectConfirmationData", namespaces=_NAMES)
    bearer = confirmation.get("Method") == _BEARER
    for one in told:
        if "InResponseTo" in one.attrib or "NotBefore" in one.attrib:
            raise Unsound
        if bearer and not {"Recipient", "NotOnOrAfter"} <= set(one.attrib):
            raise Unsound
    if len(told) > 1:
        raise Unsound
    return told


def _holder(confirmation: Any) -> bytes | None:
    """The key that its holder proves to have; None for a bearer's. Raises Unsound for every other method."""
    if confirmation.get("Method") == _BEARER:
        return None
    if confirmation.get("Method") != _HOLDER_OF_KEY:
        raise Unsound
    (certificate,) = confirmation.xpath(".//d:X509Certificate", namespaces=_NAMES)
    loaded = x509.load_der_x509_certificate(base64.b64decode("".join(_text(certificate).split()), validate=True))
    return loaded.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _text(node: Any) -> str:
    return "".join(node.itertext()).strip()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise Unsound
    return moment
