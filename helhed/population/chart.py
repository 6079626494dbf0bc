"""One citizen's record as it is written: every resource belongs to the source that made it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from helhed.population.country import Unit
from helhed.population.facts import Json

_PATIENT_IN = {"AllergyIntolerance": "patient", "Immunization": "patient", "RelatedPerson": "patient"}


class Written(NamedTuple):
    """A resource, and the unit whose system delivers it."""

    source: Unit
    resource: Json


@dataclass(slots=True)
class Chart:
    """Gives ids, joins resources to the citizen, and keeps the order."""

    prefix: str  #: what the ids of this citizen begin with
    subject: Json = field(init=False)
    written: list[Written] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        """References to the citizen share one dictionary."""
        self.subject = {"reference": f"Patient/{self.prefix}"}

    def patient(self, source: Unit, content: Json) -> None:
        """The citizen. Comes first."""
        self.written.append(Written(source, {"resourceType": "Patient", "id": self.prefix, **content}))

    def add(self, source: Unit, kind: str, content: Json) -> str:
        """Write a resource; returns a reference to it."""
        self._count += 1
        name = f"{self.prefix}.{self._count}"
        resource = {"resourceType": kind, "id": name}
        if kind != "Appointment":
            resource[_PATIENT_IN.get(kind, "subject")] = self.subject  # type: ignore[assignment]
        resource.update(content)
        self.written.append(Written(source, resource))
        return f"{kind}/{name}"
