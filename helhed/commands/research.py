"""Research permits from the command line: entered and ended by the operator; an extract is made by the researcher's own token."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import date, datetime, time
from uuid import UUID, uuid4

from helhed.commands.holders import holder_of
from helhed.foundation.clock import DANISH_TIME, Clock, system_clock
from helhed.foundation.database import Connection, Target, create_pool
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of, parse_id
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.settings import Settings
from helhed.foundation.spreadsheets import plain
from helhed.insight.research import GRIDS, Permit, Research, Subject, end_permit, put_permit

_FEWEST = 3
_LIST = "select id, project, approval, valid_from, valid_to, ended_at from insight.permit order by valid_to desc, id"


async def enter_permit(
    connection: Connection, *, project: str, purpose: str, approval: str, who: str, at: str, role: str, holds: Sequence[str],
    groups: Sequence[str], alike: int, until: str, clock: Clock = system_clock,
) -> UUID:  # fmt: skip
    """Enter what an authority permitted, from now until the end of a day. Raises BadRequest."""
    if not all(text.strip() for text in (project, purpose, approval, role)):
        raise BadRequest("A permit says the project, the purpose, who approved it and in which role it is used.")
    if unknown := set(holds) - set(GRIDS):
        raise BadRequest(f"A data set holds {', '.join(GRIDS)}; not {', '.join(sorted(unknown))}.")
    if alike < _FEWEST:
        raise BadRequest(f"At least {_FEWEST} must share what somebody could be recognised by.")
    now, ends = clock(), _end_of(until)
    if ends <= now:
        raise BadRequest("The last day has been.")
    permit = Permit(
        uuid4(), project, purpose, approval, _key(who, "Practitioner"), _key(at, "Organization"), role, tuple(holds),
        tuple(groups) or None, alike, now, ends,
    )  # fmt: skip
    await put_permit(connection, permit)
    return permit.id


async def stop_permit(connection: Connection, permit: str, clock: Clock = system_clock) -> None:
    """It holds no longer, from the next request on. Raises Unknown."""
    await end_permit(connection, _permit(permit), clock())


async def permits(connection: Connection) -> list[str]:
    """A line each, the latest to end first."""
    return [
        f"{row['id']}  {row['valid_from']:%Y-%m-%d} to {row['ended_at'] or row['valid_to']:%Y-%m-%d}  {row['project']} ({row['approval']})"
        for row in await connection.fetch(_LIST)
    ]


async def draw_extract(settings: Settings, target: Target, token: str, permit: str) -> bytes:
    """The extract as CSV. Raises NotAuthenticated, and Unknown when the permit lets the token's holder see nothing."""
    keys = KeysInUse(settings.data_dir)
    ask = holder_of(settings, token)
    pool = await create_pool(target, size=1, statement_timeout_ms=settings.statement_timeout_ms)
    try:
        found = await Research(pool, keys.secrets(KeyPurpose.PSEUDONYMS)[0]).extract(ask, _permit(permit))
    finally:
        await pool.close()
    return as_csv(found)


def as_csv(subjects: Sequence[Subject]) -> bytes:
    """RFC 4180 in UTF-8, a citizen a line. What the permit does not hold is an empty column."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([one.name for one in fields(Subject)])
    writer.writerows([plain(cell or "") for cell in astuple(one)] for one in subjects)
    return out.getvalue().encode("utf-8-sig")


def _key(text: str, type_name: str) -> int:
    identifier = parse_id(text.removeprefix(f"{type_name}/"))
    if identifier is None:
        raise BadRequest(f"Name it as {type_name}/ and its id here.")
    return key_of(identifier)


def _permit(text: str) -> UUID:
    identifier = parse_id(text)
    if identifier is None:
        raise Unknown("There is no such permit.")
    return identifier


def _end_of(day: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), time.max, DANISH_TIME)
    except ValueError:
        raise BadRequest("The last day is written as 2027-12-31.") from None
