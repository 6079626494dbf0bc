"""Units looked up among thirty thousand: by half a name, by a name with a letter wrong, by each number they have.

The country is made up, in the shape of the real register: regions with hospitals, departments and their wards; municipalities with
homes and teams; practices, pharmacies. It is taken in as the published file is, so that the figure counts what a register brings along.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote
from uuid import UUID

import orjson

from bench.load import Request, Result, get
from bench.world import system_ask
from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.fhir.store.cursor import CursorSigner
from helhed.foundation.database import Connection, Target, read_secret
from helhed.foundation.ids import key_of, new_id
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.registries.units.sor_file import SorUnit
from helhed.registries.units.taking_in import Register

COUNT = 30_000
_MARK = "9000016"  #: how the SOR codes of this country end
_REGIONS = ("Nordjylland", "Midtjylland", "Syddanmark", "Sjælland", "Hovedstaden")
_TOWNS = ("Aalborg", "Thisted", "Aarhus", "Viborg", "Horsens", "Odense", "Kolding", "Esbjerg", "Køge", "Slagelse", "Næstved", "Hillerød", "Herlev", "Hvidovre", "Gentofte", "Svendborg", "Sønderborg", "Randers", "Hjørring", "Holbæk")  # fmt: skip
_FIELDS = ("Lungemedicinsk", "Hjertemedicinsk", "Ortopædkirurgisk", "Organkirurgisk", "Neurologisk", "Geriatrisk", "Gynækologisk", "Infektionsmedicinsk", "Nyremedicinsk", "Onkologisk", "Hæmatologisk", "Børne- og Ungdomspsykiatrisk", "Øre-Næse-Halskirurgisk", "Billeddiagnostisk", "Klinisk Biokemisk")  # fmt: skip
_WARDS = ("Sengeafsnit", "Ambulatorium", "Dagafsnit", "Modtagelse", "Operationsafsnit", "Sekretariat")
_HOMES = ("Plejecenter", "Hjemmesygepleje", "Træningscenter", "Rehabilitering", "Bosted")
_DEPARTMENTS, _WARDS_EACH = 15, 14
_EACH = 1500
_NUMBERS = {"SOR": "sor", "SHAK": "shak", "GLN": "gln"}
KINDS = ("half a name", "a name and a place", "a letter wrong", *_NUMBERS)
_KEEPERS_NAME = "Bench, the register of organisations"
_KEEPER = (
    "select o.id from registries.keeper k join registries.organisation o on o.key = k.organisation where o.name = $1"
)


def country(count: int = COUNT, seed: int = 20261130) -> Iterator[SorUnit]:
    """``count`` units, those above before those beneath; the same country for the same seed."""
    rng, made = random.Random(seed), _Numbered()
    regions = [made.unit("IO", None, f"Region {one}") for one in _REGIONS]
    yield from regions
    while made.count < count * 0.7:
        town = rng.choice(_TOWNS)
        hospital = made.unit("HI", rng.choice(regions).sor, f"{town} Sygehus {made.count}")
        yield hospital
        for field in rng.sample(_FIELDS, _DEPARTMENTS):
            department = made.unit("OU", hospital.sor, f"{field} Afdeling, {town}")
            yield department
            for ward in range(_WARDS_EACH):
                yield made.unit("OU", department.sor, f"{field} {rng.choice(_WARDS)} {'ABCDEFGH'[ward % 8]}{rng.randrange(10, 99)}")  # fmt: skip
    while made.count < count * 0.85:
        owner = made.unit("IO", None, f"{rng.choice(_TOWNS)} Kommune {made.count}")
        yield owner
        for one in range(30):
            yield made.unit("HI", owner.sor, f"{rng.choice(_HOMES)} {rng.choice(_TOWNS)} {one}")
    while made.count < count:
        yield made.unit("IO", None, f"Lægerne {rng.choice(_TOWNS)} {rng.choice(('Torv', 'Havn', 'Bymidte', 'Nord'))} {made.count}")  # fmt: skip


class _Numbered:
    """Units with numbers of their own."""

    def __init__(self) -> None:
        self.count = 0

    def unit(self, level: str, parent: str | None, name: str) -> SorUnit:
        """The next one."""
        self.count += 1
        texts = {"sor": f"{self.count}{_MARK}", "name": name, "first": "2015-01-01", "shak": f"{self.count:07}", "gln": f"57{self.count:011}"}  # fmt: skip
        return SorUnit(level, parent, texts)


async def settled(settings: Settings, target: Target, owner: Connection) -> str:
    """Take the country in where it is not here yet; how quickly it went, for the conditions of a figure."""
    store = await Store.open(target, settings, CursorSigner(read_secret(settings.data_dir)), HOOKS)
    try:
        ask, begun = system_ask(await _keeper(store, owner)), time.perf_counter()
        done = await Register(store).take_in(ask, country())
    finally:
        await store.close()
    if done.left_out:
        raise RuntimeError(f"units were left out: {done.left_out[:2]}")
    rate, what = COUNT / (time.perf_counter() - begun), "new" if done.new else "known already"
    for table in ("registries.organisation", "registries.unit_fact", "registries.unit_name"):
        await owner.execute(f"analyze {table}")
    return f"the register taken in with {rate:.0f} units a second, {what}"


async def _keeper(store: Store, owner: Connection) -> UUID:
    """The organisation on whose behalf registers are taken in."""
    found: UUID | None = await owner.fetchval(_KEEPER, _KEEPERS_NAME)
    if found is None:
        found = new_id()
        await owner.execute("select trust.register_system($1)", key_of(found))
        resource = {"resourceType": "Organization", "name": _KEEPERS_NAME}
        await store.commit(system_ask(found), [Change("POST", "Organization", resource, orjson.dumps(resource), found)])
        await owner.execute("insert into registries.keeper values ($1)", key_of(found))
    return found


def lookups(tokens: Sequence[str], rng: random.Random) -> list[Request]:
    """Requests of each kind; whoever asks by a number, or by a name and a place, must find the very unit."""
    units = list(country())
    names = {one.sor: one.texts["name"] for one in units}
    return [_lookup(rng.choice(units), kind, names, rng, rng.choice(tokens)) for _ in range(_EACH) for kind in KINDS]


def _lookup(unit: SorUnit, kind: str, names: Mapping[str, str], rng: random.Random, token: str) -> Request:
    words = unit.texts["name"].replace(",", "").split()
    sor, holds = f'"value":"{unit.sor}"'.encode(), b'"Bundle"'
    if kind in _NUMBERS:
        wanted, holds = f"identifier={unit.texts[_NUMBERS[kind]]}", sor
    elif kind == "half a name":
        wanted = "text=" + " ".join(one[: rng.randrange(2, 8)] for one in words[:2])
    elif kind == "a name and a place":
        wanted, holds = f"text={' '.join(words)} {names.get(unit.parent or '', '').split(' ')[-1]}"[:180], sor
    else:
        longest = max(words, key=len)
        at = rng.randrange(len(longest))
        wanted = f"text={longest[:at]}{rng.choice('aeiknrst')}{longest[at + 1 :]}"
    return get(f"/fhir/Organization/$unit-find?count=20&{quote(wanted, safe='=')}", token, holds=holds, label=kind)


def each(result: Result) -> str:
    """Milliseconds for each kind of look-up."""
    return ", ".join(
        f"{kind} {result.percentile(0.5, kind):.1f} / {result.percentile(0.99, kind):.1f}" for kind in KINDS
    )
