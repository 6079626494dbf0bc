"""Roles as the database decides by them: brought up to date from the dated policy when the server is prepared."""

from typing import Any

import orjson

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.database import Connection
from helhed.trust.acting.policy import put_duties
from helhed.trust.emergency.rules import put_emergency_rules
from helhed.trust.policy import BASIS_NUMBERS, document, policy

_PUT_DEADLINES = "select trust.put_deadlines($1::smallint[], $2::int[], $3::int[])"
_PUT_OFFICES = "select trust.put_log_offices($1::text[])"
_PUT_AGES = "select trust.put_age_limits($1::smallint[], $2::smallint[])"


def roles() -> list[dict[str, Any]]:
    """The roles of ``trust/policy/roles.json``."""
    found: list[dict[str, Any]] = document("roles.json")["roles"]
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
            "authorised": role["authorised"],
            "assists": role.get("assists", False),
            "may_override": role.get("may_override", False),
            "may_purge": role.get("may_purge", False),
            "may_review": role.get("may_review", False),
        }
        for role in roles()
    ]
    await connection.execute("select trust.put_roles($1::jsonb)", orjson.dumps(rows).decode())
    await connection.execute(_PUT_OFFICES, [role["role"] for role in roles() if role.get("keeps_log")])
    ages = policy().ends_at_age
    await connection.execute(_PUT_AGES, [BASIS_NUMBERS[basis] for basis in ages], list(ages.values()))
    after = policy().deadlines
    in_days, in_months = [one.days for one in after.values()], [one.months for one in after.values()]
    await connection.execute(_PUT_DEADLINES, [BASIS_NUMBERS[basis] for basis in after], in_days, in_months)
    await put_duties(connection)
    await put_emergency_rules(connection)
