"""`helhed log audit`: every leaf computed anew from its row, and the tree compared with what was signed.

What an operator runs after a restore, or when somebody has doubts. Rows that the law no longer lets be kept are told apart from
rows that are gone.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helhed.commands.files import bytes_of
from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError
from helhed.trust.evidence.public import HEADS, TreeReader
from helhed.trust.keeping.retention import retention_policy

_WRONG = """
with place as materialized (
  select r.tile * 256 + o.nth - 1 as place, o.event, substring(t.hashes from (32 * (o.nth - 1) + 1)::int for 32) as had
  from foundation.log_rows r join foundation.log_tile t on t.level = 0 and t.number = r.tile
  cross join lateral unnest(r.events) with ordinality o(event, nth)
), computed as (
  select p.place, p.event, p.had, l.id is null as gone, sha256('\\x00'::bytea || convert_to(foundation.log_event(l, s.salts), 'UTF8')) as leaf
  from place p left join foundation.access_log l on l.id = p.event
  cross join lateral (select foundation.log_salts((
    select x.secret from foundation.log_secret x where x.first <= p.place order by x.first desc limit 1), p.event) as salts offset 0) s
)
select place, event, gone from computed where gone or leaf is distinct from had order by place"""
_EXPIRED = f"""
{HEADS} where at <= (select (extract(epoch from now() - $1::text::interval) * 1000000)::bigint) order by number desc limit 1"""


class NotWhole(HelhedError):
    """The log is not what it was."""

    def __init__(self, told: str) -> None:
        super().__init__(told)


async def audit(connection: Connection, witnesses: Sequence[Path]) -> list[str]:
    """What was found right. Raises NotWhole with what was found wrong."""
    async with connection.transaction():
        newest = await connection.fetchrow(f"{HEADS} order by number desc limit 1")
        if newest is None:
            return ["Nothing has been sequenced yet."]
        gone = await _check_rows(connection)
        await _check_root(connection, newest)
        seen = [await _check_witnessed(connection, newest, json.loads(bytes_of(path))) for path in witnesses]
    return [f"{newest['size']} leaves are those of their rows; {gone} rows are gone because of their age.", *seen]


async def _check_rows(connection: Connection) -> int:
    """Every row against its leaf; how many are gone by their age."""
    expired = await connection.fetchrow(_EXPIRED, retention_policy().kinds["access-log"].keep)
    before = expired["size"] if expired else 0
    wrong = await connection.fetch(_WRONG)
    bad = [row for row in wrong if not row["gone"] or row["place"] >= before]
    if bad:
        named = ", ".join(f"{row['event']} ({'gone' if row['gone'] else 'changed'})" for row in bad[:10])
        raise NotWhole(f"{len(bad)} rows of the log are not what they were: {named}")
    return len(wrong)


async def _check_root(connection: Connection, newest: Any) -> None:
    tree = TreeReader(connection, newest["size"])
    if (await tree.root()).hex() != json.loads(newest["body"])["root"]:
        raise NotWhole("The tree is not the one whose root was signed.")


async def _check_witnessed(connection: Connection, newest: Any, signed: Any) -> str:
    """That a head which a witness signed is one of ours."""
    said = json.loads(signed["body"])
    row = await connection.fetchrow(f"{HEADS} where number = $1", said["number"])
    if row is None:
        raise NotWhole(
            f"The log ends at head {newest['number']}, and a witness signed head {said['number']}: "
            f"{said['size'] - newest['size']} events or more are lost."
        )
    if row["body"] != signed["body"]:
        raise NotWhole(f"The log has another head {said['number']} than the one that a witness signed.")
    return f"Head {said['number']} is the one that the witness signed; there are {newest['number'] - said['number']} since."
