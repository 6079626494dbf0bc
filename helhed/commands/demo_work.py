"""The pieces of work of the demo: each asked for and moved by the systems of its places, at the moments that the demo says."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.clock import system_clock
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.trust.background import ordering_system
from helhed.work.moving import Act, moved
from helhed.work.tasks import task


async def put_work(sessions: Sessions, addresses: Mapping[str, str]) -> int:
    """How many resources were stored. ``addresses`` are those of everybody loaded."""
    from demo.work import WORK

    now, stored = system_clock(), 0
    for one in WORK:
        patient, (by, to) = addresses[one.citizen_url], (addresses[url] for url in one.urls)
        at = now - timedelta(hours=one.hours_ago)
        due = now + timedelta(hours=one.due_in_hours)
        body = task(
            kind=one.kind, patient=patient, requester=by, owner=to, authored=at, due=due, description=one.words, urgent=one.urgent
        )  # fmt: skip
        own = new_id(bucket_of(_id(patient)))
        await _write(sessions, by, at, Change("POST", "Task", body, orjson.dumps(body), own))
        for step in one.steps:
            at = now - timedelta(hours=step.hours_ago)
            act = Act(step.act, step.reason, unit=_id(addresses[step.to_url]) if step.to_url else None)
            body = moved({**body, "id": str(own)}, act, at)
            place = addresses[step.place_url]
            body = await _write(sessions, place, at, Change("PUT", "Task", body, orjson.dumps(body), own))
        stored += 1
    return stored


async def _write(sessions: Sessions, place: str, at: datetime, change: Change) -> dict[str, Any]:
    """The resource as it stands afterwards: a Task that was handed on says who has it still."""
    ask = ordering_system(key_of(_id(place)), at)
    async with sessions.begin(ask) as session:
        await session.connection.execute("select trust.register_system($1)", ask.organisation)
        await session.connection.execute("update trust.system_client set registered_at = least(registered_at, $2) where organisation = $1", ask.organisation, at)  # fmt: skip
        written = await session.write([change])
    body: dict[str, Any] = orjson.loads(written[0].body)
    return {name: value for name, value in body.items() if name != "meta"}


def _id(address: str) -> UUID:
    return UUID(address.partition("/")[2])
