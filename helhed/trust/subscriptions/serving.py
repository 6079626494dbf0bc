"""Serves ``Subscription`` (``helhed.fhir.virtual``): to whoever made it and to the operator; for everybody else there is none."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from helhed.fhir.changes import Change, Version, Written
from helhed.fhir.splice import instant
from helhed.fhir.virtual import Found, Shown, VirtualShape, Wish, pick
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import BadRequest, Forbidden, HelhedError, PreconditionFailed, Unknown, Unprocessable
from helhed.foundation.seal import Seal
from helhed.trust.subscriptions.reading import Terms, Wanted, told, wanted_of
from helhed.trust.subscriptions.shape import SUBSCRIPTIONS, bounds
from helhed.trust.subscriptions.store import KEPT, Seen, Subscriptions

_FORMAT = "application/fhir+json"


class ServedSubscriptions:
    """Subscriptions over FHIR."""

    shape: VirtualShape = SUBSCRIPTIONS

    def __init__(self, pool: Pool, terms: Terms, seal: Seal) -> None:
        self._rows = Subscriptions(pool, demo=terms.demo)
        self._terms = terms
        self._seal = seal

    async def versions(self, ask: Ask, identifier: UUID) -> Sequence[Version]:
        """How one is now; how it was before is not kept."""
        return [version_of(one) for one in await self._rows.seen(ask, identifier, Action.READ)]

    async def search(self, ask: Ask, wish: Wish) -> Found | None:
        """Among one's own; the operator's are everybody's."""
        found = await self._rows.seen(ask, None, Action.SEARCH)
        return pick(wish, [_shown(one) for one in found])

    async def change(self, ask: Ask, changes: Sequence[Change]) -> Sequence[Written]:
        """Made, changed or ended, one at a time."""
        if len(changes) != 1:
            raise BadRequest("A transaction makes, changes or ends one Subscription.")
        (change,) = changes
        if ask.write_types is not None and "Subscription" not in ask.write_types:
            raise Forbidden
        assert change.id is not None
        if change.method == "DELETE":
            _raise(await self._rows.drop(ask, change.id, change.if_match))
            return [Written("Subscription", change.id, 0, ask.at, created=False, deleted=True)]
        return [await self._put(ask, change, change.id)]

    async def _put(self, ask: Ask, change: Change, identifier: UUID) -> Written:
        assert change.resource is not None
        created = change.method == "POST"
        wanted = wanted_of(change.resource, self._terms, ask.at)
        if created and wanted.status == "off":
            raise Unprocessable("A new Subscription is requested.")
        if ask.read_types is not None and wanted.criteria.type_name not in ask.read_types:
            raise Forbidden("The token's scopes do not let this type be read.")
        if wanted.keeps_headers:
            await self._keeps_or_raise(ask, identifier, wanted, created=created)
        named = wanted.criteria.query(self._terms.root).named_citizens
        kept = orjson.dumps(told(change.resource, wanted)), self._sealed(identifier, wanted)
        known = None if created else change.if_match or 0
        _raise(await self._rows.put(ask, identifier, wanted, named[0] if named else None, kept, known))
        version = version_of((await self._rows.seen(ask, identifier, None))[0])
        return Written("Subscription", identifier, version.version, version.updated, created, False, version.body)

    async def _keeps_or_raise(self, ask: Ask, identifier: UUID, wanted: Wanted, *, created: bool) -> None:
        """Headers whose values are hidden are kept only where they go to whom they went before."""
        before = [] if created else await self._rows.seen(ask, identifier, None)
        channel = orjson.loads(before[0].body)["channel"] if before else {}
        names = [line.partition(":")[0] for line in channel.get("header", [])]
        same = urlsplit(channel.get("endpoint", ""))[:2] == urlsplit(wanted.endpoint)[:2]
        if not (same and names == list(wanted.headers)):
            raise Unprocessable("Send the headers anew: they are told to nobody, and kept for the endpoint they were sent for.")  # fmt: skip

    def _sealed(self, identifier: UUID, wanted: Wanted) -> bytes | None:
        if not wanted.headers:
            return None
        return KEPT if wanted.keeps_headers else self._seal.close(orjson.dumps(wanted.headers), str(identifier))


def _raise(problem: str | None) -> None:
    if problem is None:
        return
    errors: dict[str, HelhedError] = {
        "unknown": Unknown(),
        "version": PreconditionFailed(),
        "many": Unprocessable(f"Nobody has more than {bounds().most_of_one_owner} subscriptions: end one first."),
    }
    raise errors.get(problem) or Forbidden(problem)


def version_of(one: Seen) -> Version:
    """A subscription as a resource."""
    kept: dict[str, Any] = orjson.loads(one.body)
    kept.pop("resourceType")
    head = {
        "resourceType": "Subscription",
        "id": str(one.id),
        "meta": {"versionId": str(one.version), "lastUpdated": instant(one.changed_at)},
        "status": one.status,
        **({"error": one.error} if one.error else {}),
    }
    return Version("Subscription", one.id, one.version, one.changed_at, orjson.dumps({**head, **kept}))


def _shown(one: Seen) -> Shown:
    version = version_of(one)
    resource = orjson.loads(version.body)
    channel = resource["channel"]
    values: dict[str, list[Any]] = {
        "_id": [("", str(one.id))],
        "_lastUpdated": [(one.changed_at, one.changed_at)],
        "status": [("http://hl7.org/fhir/subscription-status", one.status)],
        "type": [("http://hl7.org/fhir/subscription-channel-type", channel["type"])],
        "payload": [("", channel.get("payload", _FORMAT))],
        "url": [channel["endpoint"]],
        "criteria": [resource["criteria"]],
    }
    return Shown(version, values, (instant(one.changed_at), str(one.id)))
