"""Old replacement numbers that regions gave each for itself (D-eCPR): aliases that several people may share, never an identity."""

import json
import re
from functools import cache
from importlib import resources

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.registries.directory import CitizenIdentity, identity
from helhed.registries.identifiers import normal_cpr
from helhed.registries.regional_systems import is_regional, regional_systems

_FIND = "select * from registries.find_by_regional_number($1::fhir.ask, $2::text[], $3, $4)"


@cache
def _pattern() -> "re.Pattern[str]":
    return re.compile(
        json.loads((resources.files("helhed.registries") / "regional_numbers.json").read_text("utf-8"))["pattern"]
    )


def looks_regional(text: str) -> bool:
    """Whether a number, however it is written, has the form of an old regional one."""
    return _pattern().fullmatch(normal_cpr(text)) is not None


def is_alias(system: str | None, value: str) -> bool:
    """Whether this number is of a region's own system, or, where no system is said, has the form of one."""
    return looks_regional(value) if system is None else is_regional(system)


async def find_by_regional_number(pool: Pool, ask: Ask, text: str, limit: int) -> list[CitizenIdentity]:
    """Everybody who has it, by the directory basis, each logged; nobody for who may not look people up."""
    async with lend(pool) as connection:
        rows = await connection.fetch(_FIND, ask_row(ask), list(regional_systems()), normal_cpr(text), limit)
    return [identity(row) for row in rows]
