"""The organisation an import comes from: found by its name, or registered."""

import re
from uuid import uuid4

import orjson

from helhed.exchange.foreign.identity import ForeignIds
from helhed.exchange.foreign.load import Source
from helhed.fhir.changes import Change
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import Clock
from helhed.foundation.ids import key_of

_REGISTER = "select trust.register_system($1)"
_IS_HERE = "select true from registries.organisation where key = $1"


def namespace_of(name: str) -> str:
    """The identifier system of a source's own ids."""
    return "urn:helhed:source:" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


async def register_source(sessions: Sessions, name: str, secret: bytes, clock: Clock) -> Source:
    """The source called ``name``, as an Organization of its own that is its own custodian."""
    namespace = namespace_of(name)
    identifier = ForeignIds(secret, namespace).id_of("Organization", "source", None)
    key = key_of(identifier)
    ask = Ask(ActorKind.SYSTEM, key, key, "system", Purpose.OPERATIONS, "helhed-import", None, None, clock(), uuid4())
    async with sessions.begin(ask) as session:
        await session.connection.execute(_REGISTER, key)
        if not await session.connection.fetchval(_IS_HERE, key):
            resource = {
                "resourceType": "Organization",
                "identifier": [{"system": namespace, "value": "source"}],
                "active": True,
                "name": name,
            }
            await session.write([Change("POST", "Organization", resource, orjson.dumps(resource), identifier)])
    return Source(key, namespace)
