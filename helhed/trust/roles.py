"""Roles as the database decides by them: brought up to date from the dated policy when the server is prepared."""

import json
from importlib import resources
from typing import Any

import orjson

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.database import Connection


def roles() -> list[dict[str, Any]]:
    """The roles of ``trust/policy/roles.json``."""
    text = (resources.files("helhed.trust") / "policy" / "roles.json").read_text("utf-8")
    found: list[dict[str, Any]] = json.loads(text)["roles"]
    return found


def _numbers(types: Any) -> list[int] | None:
    return None if types == "*" else sorted(TYPE_NUMBERS[name] for name in types)


async def put_roles(connection: Connection) -> None:
    """Keep every role as the policy has it today."""
    rows = [
        {
            "role": role["role"],
            "read_types": _numbers(role["read"]),
            "write_types": _numbers(role["write"]),
            "may_declare": role["may_declare"],
        }
        for role in roles()
    ]
    await connection.execute("select trust.put_roles($1::jsonb)", orjson.dumps(rows).decode())
