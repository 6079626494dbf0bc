"""Numbers of people in what somebody writes over a Patient are look-ups: that a number is taken is told by the refusal (409).

They are counted with the numbers that are searched for, before anything is done. One too many is refused, whoever has it, and
stands in the log of whoever has it.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import orjson

from helhed.api.lookups import Watch
from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import TooMany
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr

#: a string that is a CPR number or a replacement number and nothing else, as canonical JSON holds it
_NUMBER = re.compile(rb'"(\d{6}[- ]?\d(?:\d{3}|[A-Za-z]{2}\d))"')
_PATIENT = "Patient"


class WrittenNumbers:
    """Counts them."""

    def __init__(self, store: Store, watch: Watch) -> None:
        self._store = store
        self._watch = watch

    async def count(self, ask: Ask, type_name: str, written: Any) -> None:
        """``written`` is the parsed body of a change of a resource: itself, or a patch of it. Raises TooMany."""
        if type_name == _PATIENT and ask.kind is not ActorKind.SYSTEM:
            await self._count(ask, _numbers(written))

    async def count_in_bundle(self, ask: Ask, bundle: dict[str, Any]) -> None:
        """The same for all entries of a Bundle together."""
        if ask.kind is not ActorKind.SYSTEM:
            await self._count(ask, {number for one in _of_patients(bundle) for number in _numbers(one)})

    async def _count(self, ask: Ask, numbers: set[str]) -> None:
        if numbers and await self._watch.over_written(ask, sorted(numbers)):
            attempt = Change("PUT", _PATIENT, _holder(numbers), b"", None)
            async with self._store.session(ask) as session:
                await session.log_refusal(session.connection, [attempt])
            raise TooMany


def _numbers(written: Any) -> set[str]:
    return {normal_cpr(found.decode()) for found in _NUMBER.findall(orjson.dumps(written))}


def _of_patients(bundle: dict[str, Any]) -> Iterator[Any]:
    """What the entries write over Patients."""
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        request = entry.get("request") if isinstance(entry, dict) else None
        if isinstance(request, dict) and _changes_a_patient(request):
            yield _opened(entry.get("resource"))


def _changes_a_patient(request: dict[str, Any]) -> bool:
    return request.get("method") not in {"GET", "HEAD"} and str(request.get("url")).lstrip("/").startswith(_PATIENT)


def _opened(resource: Any) -> Any:
    """The resource; of a JSON Patch, which comes as a Binary, what it holds."""
    if not isinstance(resource, dict) or resource.get("resourceType") != "Binary":
        return resource
    try:
        return orjson.loads(b64decode(str(resource.get("data")), validate=True))
    except ValueError:  # it is refused in its place
        return None


def _holder(numbers: set[str]) -> dict[str, Any]:
    """Whoever has one of these."""
    systems = [CPR if number.isdigit() else REPLACEMENT_CPR for number in numbers]
    named = [{"system": system, "value": number} for system, number in zip(systems, numbers, strict=True)]
    return {"resourceType": _PATIENT, "identifier": named}
