"""Those who look without a reason, of several kinds. Some are planted though nothing here can find them: what is missed is told."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from tools.watch.town import Citizen, Staff, Town, moment
from tools.watch.traffic import DECLARE, DIRECTORY, GLASS, LOOKUP, OVERRIDE, OVERVIEW, A, C, D, Look, Ordinary


class Planted(NamedTuple):
    """A snooper with everything they looked at without a reason."""

    kind: str
    staff: Staff
    looks: tuple[Look, ...]


class Scene(NamedTuple):
    """What a snooper is drawn from."""

    town: Town
    ordinary: Ordinary
    dice: Random
    staff: Staff
    start: date

    def day(self, n: int) -> date:
        """So many days after the start."""
        return self.start + timedelta(days=n)

    def at_work(self) -> float:
        """An hour within a day shift."""
        return self.dice.uniform(8, 14.5)

    def unknown(self, citizen: Citizen) -> bool:
        """Whether the place has nothing to do with somebody in these weeks."""
        own = self.staff.place.key
        known = {stay.citizen for stay in self.town.stays.get(own, ())} | set(self.town.lists.get(own, ()))
        return citizen not in known

    def stranger(self) -> Citizen:
        """Somebody whom nothing ties to the place."""
        return next(one for one in self.dice.sample(self.town.citizens, 400) if self.unknown(one))


def opened(scene: Scene, citizen: Citizen, n: int, hour: float) -> Iterator[Look]:
    """Found by number, declared as a patient, and read."""
    at = moment(scene.day(n), hour)
    yield Look(at, scene.staff, LOOKUP, True, DIRECTORY, citizen)
    yield Look(at + timedelta(seconds=15), scene.staff, DECLARE, True, D, citizen)
    yield Look(at + timedelta(seconds=40), scene.staff, OVERVIEW, True, D, citizen)


def vip(scene: Scene) -> Iterator[Look]:
    """A well-known person was in the news: one look."""
    whom = next((one for one in scene.town.vips if scene.unknown(one)), scene.town.vips[0])
    yield from opened(scene, whom, 2, scene.at_work())


def former_partner(scene: Scene) -> Iterator[Look]:
    """The same person twice a week, half of the times at night."""
    whom = scene.stranger()
    for week in range(4):
        yield from opened(scene, whom, 7 * week + 1, scene.at_work())
        yield from opened(scene, whom, 7 * week + 4, scene.dice.uniform(20, 23))


def drip(scene: Scene) -> Iterator[Look]:
    """The same person once a week."""
    whom = scene.stranger()
    for week in range(5):
        yield from opened(scene, whom, 7 * week + scene.dice.randrange(5), scene.at_work())


def enumerator(scene: Scene) -> Iterator[Look]:
    """Numbers of one birthday tried one by one in an evening; most are nobody's."""
    birth = scene.stranger().birth
    there = [citizen for citizen in scene.town.citizens if citizen.birth == birth]
    begins = moment(scene.day(1), 19)
    for n in range(55):
        yield Look(begins + timedelta(seconds=70 * n), scene.staff, LOOKUP, False, None, None)
    for n, citizen in enumerate(there):
        yield Look(begins + timedelta(seconds=70 * n + 30), scene.staff, LOOKUP, True, DIRECTORY, citizen)


def stolen_token(scene: Scene) -> Iterator[Look]:
    """At night, through somebody's token: many, fast."""
    for n, citizen in enumerate(scene.dice.sample(scene.town.citizens, 60)):
        yield from opened(scene, citizen, 1, 26 + n / 60)


def glass_breaker(scene: Scene) -> Iterator[Look]:
    """Breaks the glass two or three times a week, on people who are not there."""
    for n in (1, 3, 5, 8, 10, 12, 15, 17):
        at, whom = moment(scene.day(n), scene.at_work()), scene.stranger()
        yield Look(at, scene.staff, GLASS, True, OVERRIDE, whom)
        yield Look(at + timedelta(seconds=30), scene.staff, OVERVIEW, True, OVERRIDE, whom)


def colleague(scene: Scene) -> Iterator[Look]:
    """Two colleagues of the same place, once each."""
    known = [one.citizen for one in scene.town.of(scene.staff.place) if one.citizen and one is not scene.staff]
    for n, whom in enumerate(scene.dice.sample(known, min(2, len(known)))):
        yield from opened(scene, whom, 1 + 5 * n, scene.at_work())


def follower(scene: Scene) -> Iterator[Look]:
    """A patient who went home is followed for three weeks, by the relation that lasts a month."""
    stays = [s for s in scene.town.stays.get(scene.staff.place.key, ()) if s.ends.date() <= scene.start]
    whom = stays[-1].citizen if stays else scene.stranger()
    for n in (1, 3, 5, 8, 10, 12, 15, 17, 19):
        yield Look(moment(scene.day(n), scene.at_work()), scene.staff, OVERVIEW, True, C, whom)


def neighbours(scene: Scene) -> Iterator[Look]:
    """Everybody in the street, one a week."""
    own = scene.staff.citizen
    near = [
        c
        for c in scene.town.citizens
        if own and c.street == own.street and c is not own and abs(c.house - own.house) <= 6
    ]
    for n, whom in enumerate(near[:3] or [scene.stranger()]):
        yield from opened(scene, whom, 1 + 7 * n, scene.at_work())


def trier(scene: Scene) -> Iterator[Look]:
    """Tries records without saying why, and is refused each time."""
    begins = moment(scene.day(1), scene.at_work())
    for n, whom in enumerate(scene.dice.sample(scene.town.citizens, 12)):
        yield Look(begins + timedelta(minutes=2 * n), scene.staff, OVERVIEW, False, None, whom)


def own_ward(scene: Scene) -> Iterator[Look]:
    """Reads about patients of the own ward who are somebody else's: within the relation, and not to be told from work."""
    for n in range(1, 20, 2):
        here = [
            s
            for s in scene.town.stays.get(scene.staff.place.key, ())
            if s.begins.date() <= scene.day(n) <= s.ends.date()
        ]
        for stay in scene.dice.sample(here, min(2, len(here))):
            yield Look(moment(scene.day(n), scene.at_work()), scene.staff, OVERVIEW, True, A, stay.citizen)


def once(scene: Scene) -> Iterator[Look]:
    """One look at one acquaintance whom no register ties to them."""
    yield from opened(scene, scene.stranger(), 1, scene.at_work())


Kind = Callable[[Scene], Iterator[Look]]
#: kinds that were looked at when the thresholds were tried
TRIED: Mapping[str, Kind] = MappingProxyType({
    "curious about a well-known person": vip, "former partner": former_partner, "slow drip, once a week": drip,
    "tries numbers": enumerator, "stolen token": stolen_token, "breaks the glass": glass_breaker,
})  # fmt: skip
#: kinds that were held out: run once, when the thresholds stood
HELD_OUT: Mapping[str, Kind] = MappingProxyType({
    "colleagues": colleague, "follows a discharged patient": follower, "neighbours": neighbours, "is refused and goes on": trier,
})  # fmt: skip
#: kinds that stay below what can be seen here, planted to be honest
HIDDEN: Mapping[str, Kind] = MappingProxyType({"within the own ward": own_ward, "one single look": once})
_NEEDS_WARD = frozenset({"follows a discharged patient", "within the own ward"})
_NEEDS_HOME = frozenset({"neighbours"})


def plant(town: Town, ordinary: Ordinary, kinds: Mapping[str, Kind], each: int, after_days: int) -> list[Planted]:
    """So many of each kind, among the staff; nobody is two of them."""
    dice = Random(f"snoopers {town.seed}")
    free = [one for one in town.staff if one.role in {"doctor", "nurse"}]
    dice.shuffle(free)
    found = []
    for name, kind in kinds.items():
        for _ in range(each):
            one = next((s for s in free if _fits(town, name, s)), None)
            if one is None:
                continue
            free.remove(one)
            start = town.days[0] + timedelta(days=after_days + dice.randrange(7))
            looks = tuple(kind(Scene(town, ordinary, dice, one, start)))
            found.append(Planted(name, one, looks))
    return found


def _fits(town: Town, name: str, one: Staff) -> bool:
    if name in _NEEDS_WARD and one.place.work != "ward":
        return False
    if name in _NEEDS_HOME:
        own = one.citizen
        return own is not None and any(
            c.street == own.street and c is not own and abs(c.house - own.house) <= 6 for c in town.citizens
        )
    return True
