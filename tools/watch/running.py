"""The town's weeks through the real SQL and the real job, and what came of it."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid5

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.database import Connection, Pool
from helhed.trust.watch.job import WatchJob
from tools.watch.snoopers import Planted
from tools.watch.town import Citizen, Staff, Town
from tools.watch.traffic import Look, Ordinary, relations_of

_CPR = "urn:oid:1.2.208.176.1.2"
_TRACE = UUID(int=0)
_LONG_AGO, _FOREVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_PUT_RESOURCE = """
insert into fhir.resource (bucket, type, ownership, version, id, citizen, origin, updated, tokens, digest, body)
select fhir.bucket(q.id), $4, $5, 1, q.id, q.citizen, 0, now(), '{}', '', q.body from unnest($1::uuid[], $2::bigint[], $3::bytea[]) q(id, citizen, body)
"""
_LOG = ("at", "kind", "actor", "organisation", "role", "client", "purpose", "action", "permitted", "basis", "citizen", "resources", "versions", "trace")  # fmt: skip
_CASES = """
select s.actor, c.opened_at, array(select g.signal from trust.watch_signal g where g.of_case = c.id order by g.points desc) as signals
from trust.watch_case c join trust.watch_subject s on s.id = c.subject where c.kind = 'person'
"""


@dataclass(slots=True)
class Result:
    """What the job found of what was planted, and what else."""

    planted: list[Planted]
    found: dict[str, list[timedelta | None]] = field(
        default_factory=lambda: defaultdict(list)
    )  #: delay; None is missed
    false_alarms: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    staff_weeks: int = 0
    rows: int = 0

    @property
    def precision(self) -> float:
        """The share of cases that were about somebody planted."""
        right = sum(delay is not None for delays in self.found.values() for delay in delays)
        return right / max(1, right + len(self.false_alarms))

    def recall(self, kinds: Sequence[str]) -> float:
        """The share of those planted, of these kinds, who were found."""
        delays = [delay for kind in kinds for delay in self.found.get(kind, ())]
        return sum(delay is not None for delay in delays) / max(1, len(delays))

    def delay(self, kinds: Sequence[str]) -> timedelta | None:
        """The middle one of the delays from the first look to the case."""
        known = [delay for kind in kinds for delay in self.found.get(kind, ()) if delay is not None]
        return _middle(known) if known else None

    @property
    def alarms_a_thousand(self) -> float:
        """False alarms in 1,000 weeks of staff."""
        return 1000 * len(self.false_alarms) / max(1, self.staff_weeks)


def _middle(delays: list[timedelta]) -> timedelta:
    return sorted(delays)[len(delays) // 2]


async def settle(owner: Connection, town: Town) -> None:
    """Everybody and everything that stands still, as the registers would have it."""
    organisations = [(p.key, p.id, p.name, "", None if p.above is None else next(o.key for o in town.places if o.id == p.above),
                      [p.key] if p.above is None else [p.key, next(o.key for o in town.places if o.id == p.above)], p.key)
                     for p in town.places]  # fmt: skip
    columns = ["key", "id", "name", "kind", "parent", "places", "registered_by"]
    await owner.copy_records_to_table("organisation", schema_name="registries", columns=columns, records=organisations)
    citizens = [(c.key, c.id, c.name, c.name.lower(), c.birth) for c in town.citizens]
    columns = ["key", "patient", "name", "sort_name", "birth_date"]
    await owner.copy_records_to_table("citizen", schema_name="registries", columns=columns, records=citizens)
    numbers = {(_CPR, c.number, c.key) for c in town.citizens}
    await owner.copy_records_to_table("citizen_identifier", schema_name="registries", records=sorted(numbers))
    staff = [(s.key, s.id, s.citizen.name if s.citizen else "Test Udenbys") for s in town.staff]
    await owner.copy_records_to_table("professional", schema_name="registries", records=staff)
    jobs = [(uuid5(s.id, "job"), s.key, s.place.key, s.role, _LONG_AGO, _FOREVER) for s in town.staff]
    await owner.copy_records_to_table("employment", schema_name="trust", records=jobs)
    await _resources(owner, "Patient", [(c.id, c.key, _patient(c)) for c in town.citizens])
    await _resources(owner, "Practitioner", [(s.id, None, _practitioner(s)) for s in town.staff])
    vips = [(c.key, "kendt person", 0, _LONG_AGO) for c in town.vips]
    await owner.copy_records_to_table("watch_vip", schema_name="trust", records=vips)


async def _resources(owner: Connection, kind: str, rows: list[tuple[UUID, int | None, dict[str, object]]]) -> None:
    ids, citizens, bodies = zip(*rows, strict=True)
    ownership = 1 if kind == "Patient" else 3
    encoded = [json.dumps(body).encode() for body in bodies]
    await owner.execute(_PUT_RESOURCE, list(ids), list(citizens), encoded, TYPE_NUMBERS[kind], ownership)


def _patient(citizen: Citizen) -> dict[str, object]:
    return {"address": [{"use": "home", "line": [f"{citizen.street} {citizen.house}"], "postalCode": "6991"}]}


def _practitioner(one: Staff) -> dict[str, object]:
    return {"identifier": [{"system": _CPR, "value": one.citizen.number}]} if one.citizen else {}


async def play(owner: Connection, pool: Pool, town: Town, planted: list[Planted], runs_a_day: int = 4) -> Result:
    """Day by day: the day's looks are logged, and the job runs as often as it is told."""
    ordinary, job = Ordinary(town), WatchJob(pool)
    days = {day: ordinary.day(day) for day in town.days}
    for one in planted:
        for look in one.looks:
            days.setdefault(look.at.date(), []).append(look)
    relations = [(uuid5(c.id, f"{p.key} {n}"), c.key, p.key, None, basis, "", begins or _LONG_AGO, ends or _FOREVER)
                 for n, (c, p, basis, begins, ends) in enumerate(relations_of(town, ordinary))]  # fmt: skip
    await owner.copy_records_to_table("relation", schema_name="trust", records=relations)
    await owner.execute("analyze")
    result = Result(planted)
    for day in town.days:
        midnight = datetime.combine(day, time(0), UTC)
        looks = sorted(days[day], key=lambda look: look.at)
        for n in range(1, runs_a_day + 1):
            until = midnight + timedelta(days=1) * n / runs_a_day
            now = [look for look in looks if until - timedelta(days=1) / runs_a_day <= look.at < until]
            now += [look for look in looks if n == runs_a_day and look.at >= until]
            now += [look for look in looks if n == 1 and look.at < midnight]
            await _write(owner, now)
            result.rows += len(now)
            await job.run(until)
    await _judge(owner, town, result)
    return result


async def _write(owner: Connection, looks: list[Look]) -> None:
    rows: list[tuple[object, ...]] = [(k.at, 2, k.staff.key, k.staff.place.key, k.staff.role, "town", 1, k.action, k.permitted, k.basis,
             k.citizen.key if k.citizen else None, [], [], _TRACE) for k in looks]  # fmt: skip
    await owner.copy_records_to_table("access_log", schema_name="foundation", columns=_LOG, records=rows)


async def _judge(owner: Connection, town: Town, result: Result) -> None:
    cases = {
        row["actor"]: row for row in await owner.fetch(_CASES + " order by c.opened_at desc")
    }  # the earliest stays
    for one in result.planted:
        case = cases.get(one.staff.key)
        first = min(look.at for look in one.looks)
        late = None if case is None else case["opened_at"] - first
        if late is not None and late >= timedelta(0):  # a case from before is about something else: a false alarm
            cases.pop(one.staff.key)
            result.found[one.kind].append(late)
        else:
            result.found[one.kind].append(None)
    by_key = {one.key: one for one in town.staff}
    for actor, case in cases.items():
        who = by_key[actor]
        result.false_alarms.append((who.role, who.place.work, tuple(case["signals"])))
    result.staff_weeks = len(town.staff) * town.weeks


def told(result: Result) -> str:
    """The result in lines."""
    lines = [f"rows {result.rows:,}, staff-weeks {result.staff_weeks:,}"]
    for kind, delays in result.found.items():
        known = [delay for delay in delays if delay is not None]
        middle = f", middle delay {_middle(known)}" if known else ""
        lines.append(f"  {kind}: {len(known)} of {len(delays)} found{middle}")
    lines.append(f"precision {result.precision:.2f}; false alarms in 1,000 staff-weeks {result.alarms_a_thousand:.1f}")
    for (role, work, signals), many in Counter(result.false_alarms).most_common(12):
        lines.append(f"  false: {many} x {role}, {work}: {', '.join(signals)}")
    return "\n".join(lines)
