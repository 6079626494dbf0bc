"""What everything at the FHIR door shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from helhed.api.lookups import Watch
from helhed.exchange.messages.intake import Intake
from helhed.fhir.parsing import Limits
from helhed.fhir.store import Store
from helhed.fhir.virtual import Served
from helhed.record.live.gathering import LiveSources


@dataclass(frozen=True, slots=True)
class Door:
    """One FHIR door on one store."""

    store: Store
    root: str  #: the absolute URL of the server
    watch: Watch
    limits: Limits
    most_elements: int
    virtual: Mapping[str, Served] = field(default_factory=dict)  #: who serves what the store does not hold, by type
    live: LiveSources | None = None  #: sources that are asked when somebody looks
    base: str = field(init=False)  #: the absolute URL of ``/fhir``
    intake: Intake = field(init=False)  #: of messages: those that come at the same time are taken together

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", self.root + "/fhir")
        object.__setattr__(self, "intake", Intake(self.store, limits=self.limits, most_elements=self.most_elements))
