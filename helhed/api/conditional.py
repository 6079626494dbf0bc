"""Changes of what a condition finds, and patches: http://hl7.org/fhir/R4/http.html#cond-update, #patch, #delete."""

from contextlib import suppress
from urllib.parse import parse_qsl

import orjson

from helhed.api.answers import ALWAYS, Answer, etag
from helhed.api.door import Door
from helhed.api.interactions import Interactions, if_match_of
from helhed.api.request import FHIR_TYPES, XML_TYPES, Request
from helhed.fhir.changes import Written
from helhed.fhir.parsing import parse_json
from helhed.fhir.patching import Patch
from helhed.fhir.transaction import Item, alone
from helhed.fhir.transaction.patches import JSON_PATCH, fhirpath_patch_of, json_patch_of
from helhed.foundation.aside import aside
from helhed.foundation.errors import BadRequest


class Conditional:
    """Beside ``Interactions``, on the same door."""

    def __init__(self, door: Door, interactions: Interactions) -> None:
        self._door = door
        self._plain = interactions

    async def update(self, request: Request, type_name: str) -> Answer:
        """An update of the one resource that the condition finds, or a create when it finds none."""
        condition = _condition(request)
        raw, resource = await self._plain.resource(request, type_name)
        item = _item(request, type_name, "", condition)
        item.resource, item.raw = resource, raw
        written = await self._done(request, item)
        return await self._plain.written(request, written, 201 if written.created else 200)

    async def delete(self, request: Request, type_name: str) -> Answer:
        """A delete of the one resource that the condition finds; nothing to delete is no failure, several are."""
        written = await self._done(request, _item(request, type_name, "", _condition(request)))
        headers = (*ALWAYS, (b"etag", etag(written.version))) if written.version else ALWAYS
        return Answer(204, b"", headers)

    async def patch(self, request: Request, type_name: str, name: str = "") -> Answer:
        """A patch of a resource, or of the one that the condition finds."""
        item = _item(request, type_name, name, "" if name else _condition(request))
        item.patch = await self._patch(request, type_name)
        return await self._plain.written(request, await self._done(request, item), 200)

    async def _patch(self, request: Request, type_name: str) -> Patch:
        media = request.check_type(FHIR_TYPES | XML_TYPES | {JSON_PATCH})
        if media != JSON_PATCH:
            raw = await request.json_body()
            parsed = await aside(len(raw), lambda: parse_json(raw, limits=self._door.limits))
            await self._plain.written_numbers.count(request.ask, type_name, parsed)
            return fhirpath_patch_of(raw)
        raw = await request.body()
        with suppress(orjson.JSONDecodeError):  # what is no patch is refused below
            await self._plain.written_numbers.count(request.ask, type_name, orjson.loads(raw))
        return await aside(len(raw), lambda: json_patch_of(raw, self._door.limits))

    async def _done(self, request: Request, item: Item) -> Written:
        return await alone(self._door.store, request.ask, item, self._door.root, most_elements=self._door.most_elements)


def _item(request: Request, type_name: str, target: str, condition: str) -> Item:
    pairs = parse_qsl(condition, keep_blank_values=True)
    item = Item(0, request.method, type_name, target, pairs, "", None, None, if_match_of(request), "")
    item.condition = condition
    return item


def _condition(request: Request) -> str:
    """The search that says which resource is meant. Raises BadRequest when there is none, or no good one."""
    if not request.pairs():
        raise BadRequest(f"{request.method} names a resource by its id, or by a search that finds it.")
    return request.query.decode("ascii")
