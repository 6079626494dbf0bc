"""By whose ask something is written that nobody in person writes: the system of the organisation that ordered it, or that keeps it."""

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.database import Pool
from helhed.foundation.errors import NotSupported
from helhed.foundation.lend import lend

_KEEPER = "select registries.national_keeper($1)"


def ordering_system(organisation: int, moment: datetime) -> Ask:
    """The system client of the organisation with this key, as it stands at ``moment``: what it may no longer do is refused then."""
    trace = uuid4()
    return Ask(
        ActorKind.SYSTEM, organisation, organisation, "system", Purpose.OPERATIONS, "helhed", None, None, moment, trace
    )


async def national_system(pool: Pool, ask: Ask) -> Ask:
    """The system that keeps the national registers, in the moment and under the trace of ``ask``. Raises NotSupported without one."""
    async with lend(pool) as connection:
        key = await connection.fetchval(_KEEPER, ask.at)
    if key is None:
        raise NotSupported(
            "Nobody keeps the national registers here: the operator names an organisation (helhed keeper add)."
        )
    return replace(ordering_system(key, ask.at), trace=ask.trace)
