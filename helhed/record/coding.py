"""What a coded value is called: the sender's own words first, then the code system's, then the code."""

from collections.abc import Sequence
from dataclasses import dataclass
from re import compile as pattern

from helhed.record.facts import CODE_SYSTEMS
from helhed.record.paths import Json, objects

# SNOMED CT's fully specified names end with what kind of concept it is, which says nothing to a reader.
_KIND_OF_CONCEPT = pattern(
    r" \((?:disorder|finding|procedure|situation|regime/therapy|qualifier value|record artifact)\)$"
)


@dataclass(frozen=True, slots=True)
class Coded:
    """A concept for reading: its words and the first code behind them ("" when there is none)."""

    text: str
    code: str = ""
    system: str = ""  #: short name of the code system, e.g. "SKS"; "" when it has none here

    @property
    def shown_code(self) -> str:
        """The code when a reader gains from it: it is known here and not the text itself."""
        return self.code if self.code != self.text and self.system in ("SKS", "ICPC-2", "ATC", "FSIII") else ""


def coded(value: object) -> Coded | None:
    """The first CodeableConcept, Coding or CodeableReference in a value, or None when nothing in it can be shown."""
    for item in objects(value):
        codings = objects(item.get("coding")) or ([item] if "code" in item and "text" not in item else [])
        words = item.get("text") or _display(codings)
        if words:
            head = codings[0] if codings else {}
            return Coded(
                _KIND_OF_CONCEPT.sub("", str(words)),
                str(head.get("code", "")),
                CODE_SYSTEMS.get(str(head.get("system", "")), ""),
            )
    return None


def _display(codings: Sequence[Json]) -> str:
    """The first display, or the first code when no coding carries one."""
    named = (coding.get("display") for coding in codings)
    coded_only = (coding.get("code") for coding in codings)
    return str(next((d for d in named if d), None) or next((c for c in coded_only if c), ""))


def codes(value: object) -> frozenset[str]:
    """Every code in one or several CodeableConcepts or Codings, without its system."""
    found = {str(item["code"]) for item in objects(value) if "code" in item}
    return frozenset(found.union(*(codes(item.get("coding")) for item in objects(value) if "coding" in item)))


def tokens(value: object) -> tuple[str, ...]:
    """Every ``system|code`` of a CodeableConcept, in the sender's order."""
    return tuple(
        f"{coding.get('system', '')}|{coding['code']}"
        for item in objects(value)
        for coding in objects(item.get("coding"))
        if "code" in coding
    )
