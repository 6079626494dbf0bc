"""Who acts for whom when the demo begins: as if it had been registered and accepted before."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from helhed.foundation.clock import system_clock
from helhed.foundation.ids import key_of
from helhed.trust.acting.policy import acting_policy
from helhed.trust.policy import BASIS_NUMBERS

_PUT = """
insert into trust.acting (id, citizen, actor, basis, scopes, types, valid_from, valid_to, given_kind, given_by, given_at)
values ($1, $2, $3, $4, $5, $6, '-infinity', coalesce($7::timestamptz, 'infinity'), 1, $2, $8)
"""
_FOR = timedelta(days=365)


async def put_acting(addresses: Mapping[str, str], owner: Any) -> None:
    """Needs the owner's connection. ``addresses`` are those of everybody loaded."""
    from demo.personas import ACTING

    now = system_clock()
    for one in ACTING:
        citizen, actor = (key_of(UUID(addresses[url].partition("/")[2])) for url in (one.citizen_url, one.actor_url))
        scopes = list(one.scopes) or None
        types = acting_policy().types_of(scopes) if scopes else None
        until = now + _FOR if scopes else None
        await owner.execute(_PUT, uuid4(), citizen, actor, BASIS_NUMBERS[one.basis], scopes, types, until, now)
