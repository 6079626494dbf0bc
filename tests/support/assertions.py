"""A security token service as the old standards have it: it signs assertions, rightly or not."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.signer import XMLSigner

from tests.support.world import NOW

SAML, DS = "urn:oasis:names:tc:SAML:2.0:assertion", "http://www.w3.org/2000/09/xmldsig#"
STS = "https://sts.example"
_HOUR = timedelta(hours=1)


def certified(key: ECKey) -> x509.Certificate:
    """A certificate of a system's own key, for what is bound to it."""
    private: Any = key.get_op_key("sign")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EPJ (syntetisk)")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    built = (
        built.serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 24 * _HOUR)
        .not_valid_after(NOW + 24 * _HOUR)
    )
    return built.sign(private, hashes.SHA256())


class Sts:
    """One issuer with a key and a certificate."""

    def __init__(
        self, name: str = STS, *, begins: datetime = NOW - 24 * _HOUR, ends: datetime = NOW + 24 * _HOUR
    ) -> None:
        self.name = name
        self.key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "STS (syntetisk)")])
        built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(self.key.public_key())
        built = built.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
        self.certificate = built.sign(self.key, hashes.SHA256())

    @property
    def pem(self) -> str:
        """What an operator is given."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def sign(self, root: Any, id_attribute: str, **how: Any) -> bytes:
        """The assertion with its signature in it."""
        signer = XMLSigner(
            method=SignatureConstructionMethod.enveloped,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
            **how,
        )
        signed = signer.sign(
            root, key=self.key, cert=[self.certificate], reference_uri=root.get(id_attribute), id_attribute=id_attribute
        )
        return bytes(etree.tostring(signed))

    def idws(self, **told: Any) -> bytes:
        """An assertion of OIO IDWS."""
        return self.sign(idws(self.name, **told), "ID")

    def dgws(self, **told: Any) -> bytes:
        """An id card of Den Gode Webservice."""
        return self.sign(dgws(self.name, **told), "id")


def idws(issuer: str, *, audience: str | None = "https://here.example", begins: datetime = NOW - timedelta(minutes=1),
         ends: datetime = NOW + _HOUR, holder: x509.Certificate | None = None, method: str = "",
         confirmation: Mapping[str, str] | None = None, **attributes: str) -> Any:  # fmt: skip
    """Unsigned; ``attributes`` by a short word: cpr, authorisation, cvr, loa; ``confirmation`` is what SubjectConfirmationData says."""
    root = _root("ID", f"_{uuid4()}", issuer)
    _subject(root, holder, method, confirmation)
    condition = _child(root, "Conditions", NotBefore=_text(begins), NotOnOrAfter=_text(ends))
    if audience is not None:
        _child(_child(condition, "AudienceRestriction"), "Audience").text = audience
    names = {
        "cpr": "dk:gov:saml:attribute:CprNumberIdentifier", "cvr": "dk:gov:saml:attribute:CvrNumberIdentifier",
        "authorisation": "dk:healthcare:saml:attribute:UserAuthorizationCode",
        "loa": "https://data.gov.dk/concept/core/nsis/loa",
    }  # fmt: skip
    statement = _child(root, "AttributeStatement")
    for word, value in {"loa": "Substantial", **attributes}.items():
        _attribute(statement, names[word], value)
    return root


def dgws(issuer: str, *, cvr: str = "12345678", level: str = "4", begins: datetime = NOW - timedelta(minutes=1),
         ends: datetime = NOW + _HOUR, **user: str) -> Any:  # fmt: skip
    """Unsigned; ``user`` by the names of Den Gode Webservice without their prefix."""
    root = _root("id", "IDCard", issuer)
    _subject(root, None)
    _child(root, "Conditions", NotBefore=_text(begins), NotOnOrAfter=_text(ends))
    card = _child(root, "AttributeStatement", id="IDCardData")
    _attribute(card, "sosi:IDCardType", "user")
    _attribute(card, "sosi:AuthenticationLevel", level)
    log = _child(root, "AttributeStatement", id="UserLog")
    for name, value in user.items():
        _attribute(log, f"medcom:{name}", value)
    system = _child(root, "AttributeStatement", id="SystemLog")
    _attribute(system, "medcom:ITSystemName", "Prøve-EPJ")
    _attribute(system, "medcom:CareProviderID", cvr, NameFormat="medcom:cvrnumber")
    return root


def encoded(document: bytes) -> str:
    """As RFC 8693 sends it."""
    return base64.urlsafe_b64encode(document).rstrip(b"=").decode()


def _root(id_attribute: str, id: str, issuer: str) -> Any:
    root = etree.Element(f"{{{SAML}}}Assertion", {"Version": "2.0", id_attribute: id}, nsmap={"saml": SAML})
    root.set("IssueInstant", _text(NOW))
    _child(root, "Issuer").text = issuer
    return root


def _subject(
    root: Any, holder: x509.Certificate | None, method: str = "", told: Mapping[str, str] | None = None
) -> None:
    subject = _child(root, "Subject")
    _child(subject, "NameID").text = "somebody"
    method = method or ("bearer" if holder is None else "holder-of-key")
    confirmation = _child(subject, "SubjectConfirmation", Method=f"urn:oasis:names:tc:SAML:2.0:cm:{method}")
    data = (
        _child(confirmation, "SubjectConfirmationData", **(told or {}))
        if holder is not None or told is not None
        else None
    )
    if holder is not None:
        info = etree.SubElement(etree.SubElement(data, f"{{{DS}}}KeyInfo"), f"{{{DS}}}X509Data")
        text = base64.b64encode(holder.public_bytes(Encoding.DER)).decode()
        etree.SubElement(info, f"{{{DS}}}X509Certificate").text = text


def _attribute(statement: Any, name: str, value: str, **more: str) -> None:
    _child(_child(statement, "Attribute", Name=name, **more), "AttributeValue").text = value


def _child(parent: Any, name: str, **attributes: str) -> Any:
    return etree.SubElement(parent, f"{{{SAML}}}{name}", attributes)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
