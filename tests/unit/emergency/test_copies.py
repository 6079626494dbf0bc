"""An emergency copy: who is in it, what every opening leaves, and what ends it."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from helhed.foundation.ask import Ask
from helhed.foundation.errors import Forbidden, Unknown
from helhed.foundation.ids import key_of
from helhed.trust.emergency.copies import Copied, EmergencyCopies, Issued
from helhed.trust.emergency.rules import emergency_rules
from tests.support.emergency_device import Device
from tests.support.world import NOW, World

HOUR = timedelta(hours=1)
COPIED, OPENED, TAKEN_OUT, UNACCOUNTED = 130, 131, 132, 134


class Ward:
    """A ward with a doctor on duty and patients."""

    place: UUID
    doctor: Ask
    patients: list[UUID]

    def __init__(self, world: World) -> None:
        self.world = world
        self.copies = EmergencyCopies(world.store.pool)
        self.device = Device()

    @classmethod
    async def built(cls, world: World, patients: int = 2) -> "Ward":
        ward = cls(world)
        ward.place = await world.organisation("Medicinsk afdeling")
        ward.doctor = world.professional(await world.employee(ward.place), ward.place)
        ward.patients = [await world.patient(ward.place, f"P{number}") for number in range(patients)]
        for one in ward.patients:
            await world.contact(one, ward.place)
            await world.observation(one, ward.place)
        return ward

    async def rows(self, patient: UUID) -> list[UUID]:
        rows = await self.world.store.citizen_rows(self.doctor, key_of(patient), emergency_rules().types, 200)
        return [row.version.id for row in rows]

    async def issue(self, patients: list[UUID] | None = None) -> Issued:
        wanted = [
            Copied(key_of(one), await self.rows(one), ("identity",), sha256(b"x").digest())
            for one in patients or self.patients
        ]
        device = self.device
        return await self.copies.issue(self.doctor, device.copy, device.seal_key, device.token_hash, wanted)

    async def tells(self, *entries, gone=False, at=NOW + 3 * HOUR, claim=None, device=None):
        device = device or self.device
        return await self.copies.tell(device.copy, device.token, entries, claim or device.claims(gone=gone), at)

    async def actions(self, patient: UUID) -> list[int]:
        return [row["action"] for row in await self.world.log(patient) if row["action"] >= COPIED]

    async def notices(self, patient: UUID) -> list[str]:
        found = await self.world.owner.fetch(
            "select kind from trust.notice where citizen = $1 and kind like 'emergency%' order by at, kind",
            key_of(patient),
        )
        return [row["kind"] for row in found]


@pytest.fixture
async def ward(world: World) -> Ward:
    return await Ward.built(world)


async def test_only_patients_of_the_unit_whom_the_professional_sees_are_in_it(world):
    ward = await Ward.built(world, 3)
    elsewhere = await world.organisation("Andet sted")
    await world.contact(await world.patient(elsewhere), elsewhere)
    await world.block(ward.patients[1])
    assert set(await ward.copies.patients(ward.doctor)) == {key_of(ward.patients[0]), key_of(ward.patients[2])}


@pytest.mark.parametrize("role", ["secretary", "social-care-assistant", "log-keeper", "operator"])
async def test_a_role_that_may_not_gets_none(world, role):
    ward = await Ward.built(world, 1)
    ward.doctor = world.professional(await world.employee(ward.place, role), ward.place, role)
    assert await ward.copies.patients(ward.doctor) == []
    with pytest.raises(Forbidden):
        await ward.issue()
    assert await ward.actions(ward.patients[0]) == []


async def test_each_citizen_sees_that_a_copy_was_made_and_of_what(ward):
    issued = await ward.issue()
    assert set(issued.people) == {key_of(one) for one in ward.patients}
    for one in ward.patients:
        assert await ward.actions(one) == [COPIED]
        assert await ward.notices(one) == ["emergency-copied"]
    (told,) = await ward.copies.own(ward.world.citizen(ward.patients[0]))
    assert (told.sections, told.rows, told.openings) == (("identity",), len(await ward.rows(ward.patients[0])), ())
    assert told.holds_until == NOW + emergency_rules().holds


async def test_nobody_is_handed_out_with_a_row_that_is_not_seen(ward):
    first, second = ward.patients
    rows = [*await ward.rows(first), *await ward.rows(second)]
    hidden = await ward.world.observation(first, other := await ward.world.organisation("B"))
    await ward.world.block(first, what=other)
    wanted = [
        Copied(key_of(first), [*rows, hidden], (), b"x"),
        Copied(key_of(second), await ward.rows(second), (), b"x"),
    ]
    device = ward.device
    issued = await ward.copies.issue(ward.doctor, device.copy, device.seal_key, device.token_hash, wanted)
    assert set(issued.people) == {key_of(second)}
    assert await ward.actions(first) == []


async def test_an_opening_becomes_one_row_by_when_it_happened_however_often_it_is_told(ward):
    await ward.issue()
    entries = [ward.device.opens(ward.patients[turn % 2], NOW + (turn + 1) * HOUR) for turn in range(3)]
    await ward.tells(*entries[:2])
    await ward.tells(*reversed(entries))
    told = await ward.tells(*entries)
    assert (told.told, told.whole, told.state) == (3, True, "holds")
    rows = [row for row in await ward.world.log(ward.patients[0]) if row["action"] == OPENED]
    assert [row["occurred_at"] for row in rows] == [NOW + HOUR, NOW + 3 * HOUR]
    assert {row["at"] for row in rows} == {NOW + 3 * HOUR}
    assert await ward.notices(ward.patients[1]) == ["emergency-copied", "emergency-opened"]


async def test_a_gap_waits_until_it_is_filled(ward):
    await ward.issue()
    first, second = (ward.device.opens(ward.patients[0], NOW + HOUR) for _ in range(2))
    told = await ward.tells(second)
    assert (told.told, told.whole, told.outcomes[0]["outcome"]) == (0, False, "gap")
    assert (await ward.tells(first, second)).whole


@pytest.mark.parametrize(
    "forgery", ["another seal", "another patient", "another reason", "earlier", "stranger", "rewritten"]
)
async def test_a_forged_entry_never_comes_into_the_log_and_is_held_against_the_copy(ward, forgery):
    await ward.issue()
    device, patient = ward.device, ward.patients[0]
    good = device.opens(patient, NOW + HOUR)
    await ward.tells(good)
    fits = (2, device.head, "2026-11-23T09:30:00.000Z", str(patient), "acute")
    forged = {
        "another seal": lambda: Device(copy=device.copy).sealed(*fits),
        "another patient": lambda: replace(device.sealed(*fits), patient=str(ward.patients[1])),
        "another reason": lambda: replace(device.sealed(*fits), reason="ward"),
        "earlier": lambda: replace(device.sealed(*fits), opened="2026-11-23T08:30:00.000Z"),
        "stranger": lambda: device.sealed(*fits[:3], str(uuid4()), "acute"),
        "rewritten": lambda: device.sealed(1, good.prev, good.opened, good.patient, "ward"),
    }[forgery]()
    await ward.tells(forged)
    assert (await ward.actions(patient)).count(OPENED) == 1
    assert await ward.actions(ward.patients[1]) == [COPIED]
    assert (await ward.copies.all(replace(ward.doctor, at=NOW + 4 * HOUR)))[0].odd_at == NOW + 3 * HOUR


async def test_a_list_that_got_shorter_is_held_against_the_copy_and_does_not_close_it(ward):
    await ward.issue()
    entries = [ward.device.opens(ward.patients[0], NOW + HOUR) for _ in range(2)]
    await ward.tells(*entries)
    del ward.device.entries[1:]
    told = await ward.tells(entries[0], gone=True)
    assert told.state == "holds"
    assert (await ward.copies.all(ward.doctor))[0].odd_at


async def test_whoever_has_not_the_token_is_told_nothing_as_of_a_copy_that_is_not_there(ward):
    await ward.issue()
    entry = ward.device.opens(ward.patients[0], NOW + HOUR)
    for device in (Device(copy=ward.device.copy), Device()):
        with pytest.raises(Unknown):
            await ward.copies.tell(device.copy, device.token, [entry], ward.device.claims(), NOW)
    assert await ward.actions(ward.patients[0]) == [COPIED]


async def test_a_block_takes_the_citizen_out_at_the_next_contact_and_tells_that_it_was_out(ward):
    await ward.issue()
    first, second = ward.patients
    await ward.world.block(first)
    told = await ward.tells()
    assert (told.state, told.take_out) == ("holds", (str(first),))
    assert await ward.actions(first) == [COPIED, TAKEN_OUT]
    await ward.tells()
    assert await ward.actions(first) == [COPIED, TAKEN_OUT]
    assert await ward.actions(second) == [COPIED]


async def test_a_block_on_a_part_of_what_was_copied_takes_the_citizen_out(world):
    ward = await Ward.built(world, 1)
    other = await world.organisation("Laboratoriet")
    await world.observation(ward.patients[0], other)
    await ward.issue()
    assert (await ward.tells()).take_out == ()
    await world.block(ward.patients[0], what=other)
    told = await ward.tells()
    assert (told.state, told.take_out) == ("ended", (str(ward.patients[0]),))


async def test_dismissal_ends_the_whole_copy(ward):
    await ward.issue()
    await ward.world.owner.execute("delete from trust.employment where professional = $1", ward.doctor.actor)
    told = await ward.tells()
    assert (told.state, len(told.take_out)) == ("ended", 2)


async def test_the_holder_ends_a_copy_and_nobody_else(ward):
    await ward.issue()
    colleague = ward.world.professional(await ward.world.employee(ward.place), ward.place)
    with pytest.raises(Unknown):
        await ward.copies.end(colleague, ward.device.copy)
    await ward.copies.end(ward.doctor, ward.device.copy)
    assert (await ward.tells()).state == "ended"
    keeper = ward.world.professional(await ward.world.employee(ward.place, "log-keeper"), ward.place, "log-keeper")
    assert [one.own for one in await ward.copies.all(keeper)] == [False]


async def test_what_was_opened_after_it_ended_still_comes_into_the_log_and_is_marked(ward):
    await ward.issue()
    await ward.copies.end(replace(ward.doctor, at=NOW + HOUR), ward.device.copy)
    await ward.tells(ward.device.opens(ward.patients[0], NOW + 2 * HOUR))
    (told,) = await ward.copies.own(ward.world.citizen(ward.patients[0]))
    assert [one.mark for one in told.openings] == ["after-end"]


async def test_a_copy_that_is_told_to_be_gone_is_closed_and_nothing_is_asked_of_it(ward):
    issued = await ward.issue()
    entry = ward.device.opens(ward.patients[0], NOW + HOUR)
    assert (await ward.tells(entry, gone=True, at=issued.holds_until)).state == "closed"
    assert await ward.copies.follow_up(issued.report_by + HOUR) == (0, 0)


async def test_a_copy_of_which_nothing_comes_is_told_of_once_to_citizens_and_to_the_place(ward):
    issued = await ward.issue()
    assert await ward.copies.follow_up(issued.report_by - HOUR) == (0, 0)
    assert await ward.copies.follow_up(issued.report_by) == (0, 1)
    assert await ward.copies.follow_up(issued.report_by + HOUR) == (0, 0)
    for one in ward.patients:
        assert await ward.actions(one) == [COPIED, UNACCOUNTED]
        assert (await ward.notices(one))[-1] == "emergency-unaccounted"
    (case,) = await ward.world.owner.fetch(
        "select c.organisation, s.signal from trust.watch_case c join trust.watch_signal s on s.of_case = c.id"
    )
    assert tuple(case) == (key_of(ward.place), "emergency-copy")


async def test_openings_that_come_after_the_deadline_are_taken_in_all_the_same(ward):
    issued = await ward.issue()
    entry = ward.device.opens(ward.patients[0], NOW + HOUR)
    await ward.copies.follow_up(issued.report_by)
    await ward.tells(entry, at=issued.report_by + HOUR, gone=True)
    assert await ward.actions(ward.patients[0]) == [COPIED, UNACCOUNTED, OPENED]


async def test_a_round_takes_out_who_may_no_longer_be_seen_though_the_device_is_away(ward):
    await ward.issue()
    await ward.world.block(ward.patients[0])
    assert await ward.copies.follow_up(NOW + HOUR) == (1, 0)
    assert await ward.notices(ward.patients[0]) == ["emergency-copied", "emergency-ended"]


async def test_a_clock_that_cannot_be_right_is_marked_and_never_dates_a_row_into_the_future(ward):
    await ward.issue()
    await ward.tells(ward.device.opens(ward.patients[0], NOW + 50 * HOUR))
    (row,) = [row for row in await ward.world.log(ward.patients[0]) if row["action"] == OPENED]
    assert row["occurred_at"] == NOW + 3 * HOUR
    (told,) = await ward.copies.own(ward.world.citizen(ward.patients[0]))
    assert told.openings[0].mark == "clock"


async def test_the_citizen_is_not_told_how_many_rows_there_are_of_which_some_are_hidden_from_them(ward):
    patient = ward.patients[0]
    citizen = ward.world.citizen(patient)
    await ward.issue()
    (told,) = await ward.copies.own(citizen)
    hidden = await ward.world.observation(patient, ward.place)
    ward.device = Device()
    await ward.issue()
    assert sorted(one.rows for one in await ward.copies.own(citizen)) == [told.rows, told.rows + 1]
    await ward.world.owner.execute(
        "insert into trust.mask (id, citizen, resource, from_citizen, valid_from, valid_to, set_by) values ($1, $2, $3, true, $4, $5, $6)",
        uuid4(), key_of(patient), hidden, NOW - HOUR, NOW + HOUR, ward.doctor.actor,
    )  # fmt: skip
    assert [one.rows for one in await ward.copies.own(citizen)] == [told.rows, told.rows]
