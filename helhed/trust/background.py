"""By whose ask something that was ordered is done later: the system of the organisation that ordered it."""

from datetime import datetime
from uuid import uuid4

from helhed.foundation.ask import ActorKind, Ask, Purpose


def ordering_system(organisation: int, moment: datetime) -> Ask:
    """The system client of the organisation with this key, as it stands at ``moment``: what it may no longer do is refused then."""
    trace = uuid4()
    return Ask(
        ActorKind.SYSTEM, organisation, organisation, "system", Purpose.OPERATIONS, "helhed", None, None, moment, trace
    )
