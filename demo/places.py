"""Places of the demo world: an invented region, its hospital, municipality, clinics, and the national registers."""

from collections.abc import Mapping
from dataclasses import dataclass

from demo.catalogue import load
from demo.datatypes import (
    GLN,
    HL7,
    PROVIDER_NUMBER,
    SHAK,
    SOR,
    Json,
    coding,
    compact,
    concept,
    identifier,
    phone,
    reference,
    urn,
)

#: clinics of the chosen-doctor scheme, whose patients give them a relation of class B
GENERAL_PRACTICE = "almen praksis"
_KINDS = {"govt": "Government", "prov": "Healthcare Provider", "dept": "Hospital Department"}


@dataclass(frozen=True, slots=True)
class Place:
    """One organisation of the demo."""

    handle: str
    name: str
    parent: str  #: handle, "" at the top
    level: str  #: code of HL7's organization-type: govt, prov, dept
    kind: str  #: what it is, in Danish
    sor: str
    phone: str
    address: str  #: "Havnegade 2, 6991 Vestfjord", "" for registers

    @property
    def url(self) -> str:
        """Where references point."""
        return urn("organisation", self.handle)

    @property
    def reference(self) -> Json:
        """A Reference to it, with its name."""
        return reference(self.url, self.name)

    @property
    def shak(self) -> str:
        """Four characters of a hospital, six of what stands beneath one; "" for everybody else."""
        if self.kind == "sygehus":
            return self.sor[:4]
        above = PLACES[self.parent] if self.parent else None
        return self.sor[:6] if above is not None and above.shak else ""

    @property
    def gln(self) -> str:
        """A location number (GS1: the last digit checks the others) of what stands at the top, and of hospitals; others inherit."""
        if not self.address or (self.parent and self.kind != "sygehus"):
            return ""
        digits = f"579000{self.sor[:6]}"
        weighed = sum(int(one) * (3 if n % 2 else 1) for n, one in enumerate(digits))
        return f"{digits}{-weighed % 10}"

    @property
    def inherited_gln(self) -> str:
        """Its location number, or that of the nearest place above it that has one."""
        return self.gln or (PLACES[self.parent].inherited_gln if self.parent else "")

    def resource(self) -> Json:
        """The Organization."""
        numbers = [identifier(SOR, self.sor)]
        if self.gln:
            numbers.append(identifier(GLN, self.gln, "secondary"))
        if self.shak:
            numbers.append(identifier(SHAK, self.shak, "secondary"))
        if self.kind == GENERAL_PRACTICE:
            numbers.append(identifier(PROVIDER_NUMBER, f"9{self.sor[3:6]}00"[:6], "secondary"))
        return compact(
            {
                "resourceType": "Organization",
                "identifier": numbers,
                "active": True,
                "type": [concept(self.kind, coding(HL7 + "organization-type", self.level, _KINDS[self.level]))],
                "name": self.name,
                "telecom": [phone(self.phone, "work")] if self.phone else None,
                "address": [_address(self.address)] if self.address else None,
                "partOf": PLACES[self.parent].reference if self.parent else None,
            }
        )


def _address(text: str) -> Json:
    line, _, town = text.partition(", ")
    post_code, _, city = town.partition(" ")
    return {"use": "work", "text": text, "line": [line], "city": city, "postalCode": post_code, "country": "DK"}


PLACES: Mapping[str, Place] = {row[0]: Place(*row) for row in load("places.json")["places"]}
CLINICS = tuple(place for place in PLACES.values() if place.kind == GENERAL_PRACTICE)
