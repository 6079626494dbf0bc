"""What a source's references mean here: its own ids become ours, and an address of the source stands in no row.

A reference that nobody here can resolve is kept as the source's identifier and words. If it may mean a professional, the row names an
author whom nobody knows; if it may mean another citizen, the row concerns somebody whose block could not be held: it is not used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_PEOPLE = ("Practitioner", "PractitionerRole")
_EXTENSIONS = frozenset({"extension", "modifierExtension"})


class NamesSomebodyElse(Exception):
    """A row names a citizen other than its own."""


@dataclass
class References:
    """Turns the references of one resource."""

    base: str
    known: Mapping[str, str]  #: Type/id, or an address of an entry, at the source -> Type/id here
    address_of: Callable[[int], str]  #: how the body names its attachment of this number
    unknown_people: bool = False
    addresses: list[str] = field(default_factory=list)  #: of attachments, at the source

    def turned(self, value: Any, name: str = "") -> Any:
        """``value`` with every reference turned. Raises NamesSomebodyElse."""
        if isinstance(value, list):
            return [self.turned(one, name) for one in value]
        if not isinstance(value, dict):
            return value
        if value.get("resourceType") == "Patient" and name == "contained":
            raise NamesSomebodyElse
        told = {key: self.turned(one, key) for key, one in value.items()}
        if isinstance(told.get("reference"), str):
            told = self._reference(told)
        if isinstance(told.get("url"), str) and name not in _EXTENSIONS:
            self.addresses.append(told["url"])
            told["url"] = self.address_of(len(self.addresses) - 1)
        return told

    def _reference(self, said: dict[str, Any]) -> dict[str, Any]:
        text: str = said["reference"]
        if text.startswith("#"):
            return said
        local = text.removeprefix(self.base + "/").partition("/_history/")[0]
        if (ours := self.known.get(local) or self.known.get(text)) is not None:
            return {**said, "reference": ours}
        if "Patient/" in text or said.get("type") == "Patient":
            raise NamesSomebodyElse
        if text.startswith("urn:") or any(f"{one}/" in text for one in _PEOPLE):
            self.unknown_people = True
        kept = {key: one for key, one in said.items() if key != "reference"}
        if "identifier" not in kept:
            kept["identifier"] = {"system": self.base, "value": local}
        return kept
