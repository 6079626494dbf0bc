"""A published register taken in: units that are new are registered, those that changed are changed, the others left alone.

A file is read through before anything of it is stored: one that is cut off, unsound, or much smaller than what is known is refused whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.fhir.validation import validate
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, HelhedError, InvalidResource
from helhed.foundation.ids import key_of, new_id
from helhed.foundation.lend import lend
from helhed.registries.identifiers import GLN, PROVIDER_NUMBER, SHAK, SOR
from helhed.registries.units.history import UnitHistory
from helhed.registries.units.offered import offered
from helhed.registries.units.planning import danish_day
from helhed.registries.units.sor_file import SorUnit
from helhed.registries.units.stating import PERIOD, what_is_said

_HELD = "select sor from registries.organisation where registered_by = $1 and sor is not null"
_KNOWN = "select sor, id from registries.organisation where sor = any($1::text[])"
_SNOMED = "http://snomed.info/sct"
_LEVELS = {"IO": "Ejer", "HI": "Sundhedsinstitution", "OU": "Organisatorisk enhed"}
_AT_A_TIME = 200
_NUMBERS = (("sor", SOR), ("shak", SHAK), ("provider", PROVIDER_NUMBER), ("gln", GLN))


@cache
def register_policy() -> Mapping[str, Any]:
    """What holds for files of registers (``register_files.json``)."""
    found: dict[str, Any] = orjson.loads((files("helhed.registries") / "register_files.json").read_bytes())
    return found


@dataclass(slots=True)
class TakenIn:
    """What became of a file: counts, and why units were left out."""

    new: int = 0
    changed: int = 0
    same: int = 0
    services: int = 0  #: units whose specialities are new, changed, or no longer there
    left_out: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  #: units that changed, and in what; as many as are named


class Register:
    """Takes published registers in, as the keeper of the directory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._history = UnitHistory(store.pool)

    async def take_in(self, ask: Ask, units: Iterable[SorUnit]) -> TakenIn:
        """A part at a time, each in one transaction. A part that cannot be stored is left out, unit by unit where that helps."""
        taken = TakenIn()
        rest = iter(units)
        while some := tuple(islice(rest, _AT_A_TIME)):
            try:
                await self._some(ask, some, taken)
            except HelhedError:
                for one in some:
                    await self._alone(ask, one, taken)
        return taken

    async def check(self, ask: Ask, units: Iterable[SorUnit], *, part: bool = False) -> list[str]:
        """The SOR codes of units known from before that a file does not hold: they stay as they are. ``part``: it need not hold all.

        Raises BadRequest for what is no register, for a code that stands twice, and for far fewer units than are known.
        """
        codes: set[str] = set()
        for one in units:
            if one.sor in codes:
                raise BadRequest(f"The unit {one.sor[:20]} stands in the file twice. Nothing is taken in.")
            codes.add(one.sor)
            _ = [one.day(name) for name in ("first", "since", "last")]
        async with lend(self._store.pool) as connection:
            known = [row["sor"] for row in await connection.fetch(_HELD, ask.organisation)]
        if not part and len(codes) < len(known) * register_policy()["least_share"]:
            raise BadRequest(
                f"The file holds {len(codes)} units, and {len(known)} are known from before. Nothing is taken in: it may have been "
                "cut off. If it is meant to hold a part of the register, say so."
            )
        return [] if part else sorted(set(known) - codes)

    async def _alone(self, ask: Ask, unit: SorUnit, taken: TakenIn) -> None:
        try:
            await self._some(ask, [unit], taken)
        except HelhedError as error:
            taken.left_out.append(f"{unit.sor} {unit.texts['name']}: {str(error) or type(error).__name__}")

    async def _some(self, ask: Ask, units: Sequence[SorUnit], taken: TakenIn) -> None:
        ids = await self._known({unit.sor for unit in units} | {unit.parent for unit in units if unit.parent})
        fresh = {unit.sor for unit in units if unit.sor not in ids}
        ids |= {sor: new_id() for sor in fresh}
        then = await self._history.as_of(
            [key_of(ids[unit.sor]) for unit in units], danish_day(ask.at), ask.at + timedelta(days=1)
        )
        changes, told = [], []
        for unit in units:
            resource = organization(unit, ids, danish_day(ask.at))
            if issues := validate(resource):
                raise InvalidResource(issues=issues)
            found = then.get(key_of(ids[unit.sor]))
            if unit.sor in fresh:
                changes.append(Change("POST", "Organization", resource, orjson.dumps(resource), ids[unit.sor]))
            elif found is None or found.said != what_is_said(resource):
                told.append(_told(unit, {} if found is None else found.said, what_is_said(resource)))
                resource = {**resource, "id": str(ids[unit.sor])}
                changes.append(Change("PUT", "Organization", resource, orjson.dumps(resource), ids[unit.sor]))
        services = await offered(self._store.pool, ask, units, ids)
        if changes or services:
            await self._store.commit(ask, [*changes, *services])
        taken.services += len(services)
        taken.told += told[: max(0, register_policy()["most_told"] - len(taken.told))]
        new = sum(change.method == "POST" for change in changes)
        taken.new, taken.changed, taken.same = (
            taken.new + new,
            taken.changed + len(changes) - new,
            taken.same + len(units) - len(changes),
        )

    async def _known(self, codes: set[str]) -> dict[str, UUID]:
        async with lend(self._store.pool) as connection:
            return {row["sor"]: row["id"] for row in await connection.fetch(_KNOWN, list(codes))}


def _told(unit: SorUnit, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which elements of a unit changed."""
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return f"{unit.sor} {unit.texts['name']}: {', '.join(changed)}"


def organization(unit: SorUnit, ids: dict[str, UUID], today: date) -> dict[str, Any]:
    """The Organization of a unit, by DK Core. ``ids``: of SOR codes that are known here."""
    texts = unit.texts
    first, last = unit.day("first") or unit.day("since"), unit.day("last")
    days = {name: day.isoformat() for name, day in (("start", first), ("end", last)) if day is not None}
    told = {
        "resourceType": "Organization",
        "extension": [{"url": PERIOD, "valuePeriod": days}] if days else None,
        "identifier": [{"system": system, "value": texts[name]} for name, system in _NUMBERS if name in texts],
        "active": last is None or last >= today,
        "type": [_type(unit)],
        "name": texts["name"],
        "telecom": list(_telecom(texts)) or None,
        "address": _address(texts),
        "partOf": _above(unit, ids),
    }
    return {name: value for name, value in told.items() if value is not None}


def _type(unit: SorUnit) -> dict[str, Any]:
    """By the register's own codes, which are of SNOMED CT (DK Core, value set *DK SOR Organization Type*)."""
    told: dict[str, Any] = {"text": _LEVELS[unit.level]}
    if "type" in unit.texts:
        told["coding"] = [{"system": _SNOMED, "code": unit.texts["type"]}]
    return told


def _telecom(texts: dict[str, str]) -> Iterator[dict[str, str]]:
    for name in ("phone", "email"):
        if name in texts:
            yield {"system": name, "value": texts[name], "use": "work"}


def _address(texts: dict[str, str]) -> list[dict[str, Any]] | None:
    line = " ".join(texts[name] for name in ("street", "building") if name in texts)
    told = {
        "use": "work",
        "line": [line] if line else None,
        "city": texts.get("town"),
        "postalCode": texts.get("post_code"),
    }
    told = {name: value for name, value in told.items() if value is not None}
    return [told] if len(told) > 1 else None


def _above(unit: SorUnit, ids: dict[str, UUID]) -> dict[str, Any] | None:
    if unit.parent is None:
        return None
    if unit.parent in ids:
        return {"reference": f"Organization/{ids[unit.parent]}"}
    return {"identifier": {"system": SOR, "value": unit.parent}}
