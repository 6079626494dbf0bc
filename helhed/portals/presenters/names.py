"""The names behind keys, as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from helhed.portals.ports import Organisation
from helhed.record.reading import reference_key


@dataclass(frozen=True, slots=True)
class Names:
    """Organisations and professionals a page speaks of."""

    organisations: Mapping[int, Organisation] = field(default_factory=dict)
    professionals: Mapping[int, str] = field(default_factory=dict)

    def organisation(self, key: int | None) -> str:
        """The name, "" when unknown."""
        found = self.organisations.get(key) if key is not None else None
        return found.name if found else ""

    def place(self, reference: object) -> str:
        """The name behind a Reference to an Organization: the register's, else the sender's."""
        return self.organisation(reference_key(reference, "Organization")) or _display(reference)

    def professional(self, reference: object) -> str:
        """The name behind a Reference to a Practitioner: the sender's, else the register's."""
        key = reference_key(reference, "Practitioner")
        return _display(reference) or (self.professionals.get(key, "") if key is not None else "")

    def all(self) -> dict[int, str]:
        """Organisation names by key."""
        return {key: organisation.name for key, organisation in self.organisations.items()}


def _display(reference: object) -> str:
    shown = reference.get("display") if isinstance(reference, dict) else None
    return shown if isinstance(shown, str) else ""
