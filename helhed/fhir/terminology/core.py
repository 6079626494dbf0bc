"""The terminologies of FHIR itself, compiled by ``tools/compile_definitions.py``, put into the database of each release."""

import hashlib
from collections.abc import Iterator
from importlib import resources
from typing import Any

import orjson

from helhed.fhir.terminology.model import CodeSystem, Concept, Json
from helhed.fhir.terminology.origins import CORE
from helhed.fhir.terminology.storing import count_change, lock, store
from helhed.foundation.database import Connection

_FILE = resources.files(__package__) / "core.jsonl"
_ABSTRACT, _INACTIVE = 1, 2


async def put_core(connection: Connection) -> None:
    """Bring FHIR's own terminologies up to date; nothing is done when they are."""
    raw = _FILE.read_bytes()
    digest = hashlib.sha256(raw).digest()
    if await connection.fetchval("select core from fhir.terminology_state") == digest:
        return
    async with connection.transaction():
        await lock(connection)
        await store(connection, map(_terminology, raw.splitlines()[1:]), CORE)
        await connection.execute("update fhir.terminology_state set core = $1", digest)
        await count_change(connection)


def _terminology(line: bytes) -> CodeSystem | Json:
    record: Json = orjson.loads(line)
    return record if "resourceType" in record else _system(record)


def _system(record: dict[str, Any]) -> CodeSystem:
    return CodeSystem(
        record["url"], record["version"], _concepts(record["concepts"]), record["title"], record["content"],
        case_sensitive=record["case"], language="en",
    )  # fmt: skip


def _concepts(rows: list[list[Any]]) -> Iterator[Concept]:
    """Each row is [code, display, places of its parents, flags]; what is missing at its end is empty."""
    for row in rows:
        code, display, parents, flags = row + ["", [], 0][len(row) - 1 :]
        yield Concept(
            code, display, parents=[rows[place][0] for place in parents], active=not flags & _INACTIVE,
            abstract=bool(flags & _ABSTRACT),
        )  # fmt: skip
