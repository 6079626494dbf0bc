"""What may be asked of ``Consent``, and the words of its mapping (``docs/reference/consent.md``)."""

from helhed.fhir.virtual import VirtualShape

CONSENTS = VirtualShape(
    "Consent",
    {
        "patient": "reference", "status": "token", "scope": "token", "category": "token", "date": "date", "period": "date",
        "actor": "reference", "data": "reference",
    },
    frozenset({"POST", "PUT", "DELETE"}),
)  # fmt: skip

SCOPE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]}
CATEGORY = {"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
RULES = {"deny": "OPTOUT", "permit": "OPTIN"}
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
READER, CUSTODIAN, AUTHOR = "IRCP", "CST", "AUT"
ALONE = "urn:helhed:extension:without-units-beneath"
SHOWN = "urn:helhed:extension:existence-may-be-shown"
INSTANCE = "instance"
