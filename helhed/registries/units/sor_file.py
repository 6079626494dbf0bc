"""The register as it is published in XML (SOR, schema 2.0.0): owners, institutions and units within each other.

``https://sor-filer.sundhedsdata.dk/sor_produktion/docs/sorxml/V_2_0_0/SorXmlDocumentationV2.html`` describes it. Addresses and location
numbers that stand only higher up are inherited, and are not repeated here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import IO
from xml.parsers import expat

from helhed.foundation.errors import BadRequest

_LEVELS = {"InstitutionOwner": "IO", "HealthInstitution": "HI", "OrganizationalUnit": "OU"}
#: elements whose text is taken, and where in a record it goes
_TEXTS = {
    "SorIdentifier": "sor",
    "EntityName": "name",
    "InstitutionType": "type",
    "UnitType": "type",
    "ShakIdentifier": "shak",
    "ProviderIdentifier": "provider",
    "EanLocationCode": "gln",
    "StreetName": "street",
    "StreetBuildingIdentifier": "building",
    "PostCodeIdentifier": "post_code",
    "DistrictName": "town",
    "TelephoneNumberIdentifier": "phone",
    "EmailAddressIdentifier": "email",
    "FirstFromDate": "first",
    "FromDate": "since",
    "ToDate": "last",
}
#: elements that hold others of these names which are not the unit's own
_OTHERS = frozenset(
    {
        "GeographicalParent",
        "ReplacesEntityCollection",
        "VisitingAddressInformation",
        "ActivityAddressInformation",
        "SystemSupplier",
        "ClinicalSpecialityCollection",
    }
)
_REPLACED = "ReplacedByEntityCollection"
_SPECIALITIES = "ClinicalSpecialityCollection"  #: each a code of SNOMED CT, or a name, in an element of its own
_DEEPEST, _LONGEST = 64, 500
_PIECE = 1 << 16


@dataclass(slots=True)
class SorUnit:
    """One unit as the file has it. ``level`` is IO (owner), HI (institution) or OU (unit)."""

    level: str
    parent: str | None  #: SOR code of the unit that holds it
    texts: dict[str, str] = field(default_factory=dict)
    successors: list[str] = field(default_factory=list)
    specialities: list[str] = field(default_factory=list)  #: codes of SNOMED CT, or names

    @property
    def sor(self) -> str:
        """Its SOR code."""
        return self.texts.get("sor", "")

    def day(self, name: str) -> date | None:
        """The first (``first``, ``since``) or last (``last``) day; None when there is none."""
        text = self.texts.get(name, "")
        try:
            return date.fromisoformat(text[:10]) if text else None
        except ValueError:
            raise BadRequest(f"The unit {self.sor[:20]} has no real date where one should be.") from None


class _Reader:
    """Puts units together while the file is read; a unit is done when its own element ends, before what is beneath it begins."""

    def __init__(self) -> None:
        self.done: list[SorUnit] = []
        self._open: list[SorUnit] = []  #: the unit of each entity that is open
        self._path: list[str] = []
        self._text: list[str] = []

    def start(self, name: str, _: dict[str, str]) -> None:
        if len(self._path) >= _DEEPEST:
            raise BadRequest("The file is deeper than the register can be.")
        name = name.rsplit(":", 1)[-1]
        self._path.append(name)
        self._text = []
        if name in _LEVELS:
            self._open.append(SorUnit(_LEVELS[name], self._open[-1].sor if self._open else None))

    def text(self, text: str) -> None:
        if sum(map(len, self._text)) < _LONGEST:
            self._text.append(text)

    def end(self, name: str) -> None:
        name = name.rsplit(":", 1)[-1]
        self._path.pop()
        if name in _LEVELS:
            self.done.append(self._open[-1])
        elif name.endswith("Entity") and name.removesuffix("Entity") in _LEVELS and self._open:
            self._open.pop()
        elif _SPECIALITIES in self._path and name.startswith("ClinicalSpecial") and self._open:
            self._specialises("".join(self._text).strip()[:_LONGEST])
        elif name in _TEXTS and self._open:
            self._take(name, "".join(self._text).strip()[:_LONGEST])
        self._text = []

    def _take(self, name: str, text: str) -> None:
        unit, within = self._open[-1], self._path[self._own() :]
        if _REPLACED in within:
            if name == "SorIdentifier" and text:
                unit.successors.append(text)
        elif not _OTHERS.intersection(within) and _TEXTS[name] not in unit.texts and text:
            unit.texts[_TEXTS[name]] = text

    def _specialises(self, text: str) -> None:
        """An element that holds others has no text of its own."""
        if text and text not in self._open[-1].specialities:
            self._open[-1].specialities.append(text)

    def _own(self) -> int:
        """Where in the path the unit's own element stands."""
        return max((n for n, name in enumerate(self._path) if name in _LEVELS), default=0)


def read_sor(stream: IO[bytes]) -> Iterator[SorUnit]:
    """Every unit of the file, those above before those beneath. Raises BadRequest; declarations of entities are refused."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = (
        reader.start,
        reader.end,
        reader.text,
    )
    parser.StartDoctypeDeclHandler = _refuse
    try:
        while piece := stream.read(_PIECE):
            parser.Parse(piece, False)
            yield from _taken(reader)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise BadRequest(f"The file is not sound XML (line {error.lineno}).") from None
    yield from _taken(reader)


def _taken(reader: _Reader) -> list[SorUnit]:
    units, reader.done = reader.done, []
    for unit in units:
        if not (unit.sor.isdigit() and unit.texts.get("name")):
            raise BadRequest("A unit of the file has no SOR code or no name.")
    return units


def _refuse(*_: object) -> None:
    raise BadRequest("The file declares a document type; the register has none.")
