"""Danish identifier systems (HL7 Denmark, DK Core) and the replacement CPR number (e-CPR)."""

import secrets
from datetime import date

CPR = "urn:oid:1.2.208.176.1.2"
REPLACEMENT_CPR = "urn:oid:1.2.208.176.1.6.1.1"  # X-eCPR, DK Core DkCoreXeCPRIdentifier
SOR = "urn:oid:1.2.208.176.1.1"
GLN = "http://www.gs1.org/gln"  # location number (EAN), DK Core DkCoreGLNIdentifier
PROVIDER_NUMBER = "urn:oid:1.2.208.176.1.4"  # ydernummer, DK Core DkCoreOrganization
SHAK = "urn:helhed:shak"  # ours: no published profile gives the hospital classification a URI
AUTHORISATION = "https://autregweb.sst.dk"  # the state's register of authorised health professionals
URI = "urn:ietf:rfc:3986"
#: letters of a replacement number; the easily confused I and O are left out
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_FEMALE, _MALE = "02468", "13579"


#: what a replacement number says of somebody whose birth date nobody knows
UNKNOWN_BIRTH_DATE = date(2000, 1, 1)


def replacement_cpr(born: date, sex: str) -> str:
    """A candidate replacement number: DDMMYY, 1 or 7, two letters, a digit that is odd for men (DK Core X-eCPR).

    Nineteen-hundreds carry 1, later years 7. The pool decides whether a candidate is free.
    """
    century = "1" if born.year < 2000 else "7"
    digits = _MALE if sex == "male" else _FEMALE if sex == "female" else _MALE + _FEMALE
    letters = secrets.choice(_LETTERS) + secrets.choice(_LETTERS)
    return f"{born:%d%m%y}{century}{letters}{secrets.choice(digits)}"


def normal_cpr(text: str) -> str:
    """A CPR or replacement number as it is stored: no hyphen, no spaces, capitals."""
    return text.replace("-", "").replace(" ", "").upper()
