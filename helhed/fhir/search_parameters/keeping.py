"""The search parameters that are in use: in the database, and in each process that serves it.

Whoever writes notes, as the last thing in the transaction, which set its rows were indexed by (the SQL function
``hold_search_parameters``); a set that is out of date undoes the write. So from the moment at which a parameter is taken
into use, every row that is stored is indexed by it, and what was stored before is left for ``helhed reindex``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from helhed.fhir.definitions import TYPE_NUMBERS, Custom, ParameterSet, parameters_in_use, use_parameters
from helhed.fhir.search_parameters.reading import Definition
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Conflict, Overloaded
from helhed.foundation.lend import lend

#: each costs something at every write
MOST = 50
#: the error with which the database refuses rows that were indexed by another set
OUTDATED = "HS001"
_WORK = "search parameter "
#: the work that migration 0024 left: places
NEAR = "near"
#: the work that migration 0040 left: references to what is no citizen where a citizen could stand
SUBJECTS = "subjects"
_EDITION = "select version from fhir.search_parameter_edition"
_IN_USE = "select number, url, code, kind, bases, targets, expression from fhir.search_parameter where retired is null order by number"
_TAKE = """insert into fhir.search_parameter (url, version, code, kind, bases, targets, expression, body, begun)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning number"""
_NOTE = """insert into fhir.index_work (name, done_at) select $1::text,
  case when not exists (select from fhir.resource r where r.type = any($2::smallint[])) then clock_timestamp() end"""
_RETIRE = "update fhir.search_parameter set retired = $2 where url = $1 and retired is null returning number"
_LISTED = """select p.number, p.url, p.version, p.code, p.kind, p.bases, p.begun, p.retired, w.done_at is not null as ready
  from fhir.search_parameter p left join fhir.index_work w on w.name = $1::text || p.number order by p.number"""
_UNREADY = """select p.number is null or p.retired is not null as gone
  from unnest($1::smallint[]) n left join fhir.search_parameter p on p.number = n
  left join fhir.index_work w on w.name = $2::text || n
  where p.number is null or p.retired is not null or w.done_at is null order by 1 desc limit 1"""


class SetChanged(Overloaded):
    """The network has just learned what else to search by. Send this again."""


class Listed(NamedTuple):
    """One search parameter that is or was in use."""

    number: int
    url: str
    version: str
    code: str
    kind: str
    bases: Sequence[str]
    begun: datetime
    retired: datetime | None
    ready: bool  #: whether everything that is stored is indexed by it


async def take_up(connection: Connection, definition: Definition, body: bytes, at: datetime) -> int:
    """Take a search parameter into use, in place of an earlier version of it; returns its number. Raises Conflict."""
    async with connection.transaction():
        await _alone(connection)
        await _end(connection, definition.url, at)
        _check_room(await in_use(connection), definition)
        number = await connection.fetchval(
            _TAKE, definition.url, definition.version, definition.code, definition.kind, list(definition.bases),
            list(definition.targets), definition.expression, body, at,
        )  # fmt: skip
        await connection.execute(_NOTE, f"{_WORK}{number}", [TYPE_NUMBERS[name] for name in definition.bases])
        await _tell(connection)
    return int(number)


async def retire(connection: Connection, url: str, at: datetime) -> bool:
    """Let a search parameter be used no more; whether it was."""
    async with connection.transaction():
        await _alone(connection)
        ended = await _end(connection, url, at)
        if ended:
            await _tell(connection)
    return ended


async def _end(connection: Connection, url: str, at: datetime) -> bool:
    number = await connection.fetchval(_RETIRE, url, at)
    if number is not None:
        await connection.execute("delete from fhir.index_work where name = $1", f"{_WORK}{number}")
    return number is not None


async def _alone(connection: Connection) -> None:
    """Wait for the writes that are ending, and let the next ones wait: they meet the new set."""
    await connection.execute("select fhir.change_search_parameters()")


async def _tell(connection: Connection) -> None:
    await connection.execute("update fhir.search_parameter_edition set version = version + 1")


def _check_room(there: ParameterSet, definition: Definition) -> None:
    if len(there.parameters) >= MOST:
        raise Conflict(f"{MOST} search parameters are in use, and each costs at every write: retire one first.")
    for one in there.parameters:
        both = [name for name in definition.bases if name in one.bases]
        if one.code == definition.code and both:
            raise Conflict(f"{both[0]} has the search parameter {one.code} of {one.url}: retire that first.")


async def in_use(connection: Connection) -> ParameterSet:
    """The set that is in use."""
    edition = int(await connection.fetchval(_EDITION))
    return ParameterSet(edition, [_custom(row) for row in await connection.fetch(_IN_USE)])


def _custom(row: Any) -> Custom:
    return Custom(
        row["number"],
        row["url"],
        row["code"],
        row["kind"],
        tuple(row["bases"]),
        tuple(row["targets"]),
        row["expression"],
    )


async def listed(connection: Connection) -> list[Listed]:
    """Every one that is or was in use."""
    return [Listed(**row) for row in await connection.fetch(_LISTED, _WORK)]


async def unready(connection: Connection, numbers: Sequence[int]) -> str:
    """Why these cannot all be searched by now: ``gone``, ``waiting``, or nothing."""
    row = await connection.fetchrow(_UNREADY, list(numbers), _WORK)
    return "" if row is None else "gone" if row["gone"] else "waiting"


async def types_waiting(connection: Connection, works: Sequence[str]) -> list[int] | None:
    """Numbers of the types whose rows such works are about; None for rows of every type."""
    numbers = [int(name.removeprefix(_WORK)) for name in works if name.startswith(_WORK)]
    known = {NEAR: ("Location",)}
    if len(numbers) + sum(name in known for name in works) < len(works):
        return None
    bases = {name for work in works for name in known.get(work, ())}
    for row in await connection.fetch(
        "select bases from fhir.search_parameter where number = any($1::smallint[])", numbers
    ):
        bases |= set(row["bases"])
    return sorted(TYPE_NUMBERS[name] for name in bases)


class Keeper:
    """Keeps the set of this process like the database's."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._mine: ParameterSet | None = None

    async def learn(self) -> None:
        """Read the set, unless this keeper has: what writes without serving, such as an import, begins by it."""
        if self._mine is None:
            await self.refresh()

    async def refresh(self) -> None:
        """Read again when something changed."""
        async with lend(self._pool) as connection:
            await self.refresh_by(connection)

    async def refresh_by(self, connection: Connection) -> None:
        """The same on a connection of the caller's."""
        current = parameters_in_use()
        if current is self._mine and int(await connection.fetchval(_EDITION)) == current.edition:
            return
        self._mine = await in_use(connection)
        use_parameters(self._mine)


__all__ = [
    "MOST",
    "NEAR",
    "OUTDATED",
    "Keeper",
    "Listed",
    "SetChanged",
    "in_use",
    "listed",
    "retire",
    "take_up",
    "types_waiting",
    "unready",
]
