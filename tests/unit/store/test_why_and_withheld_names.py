"""Asking why, names that are withheld at every door, and notices by choice."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Forbidden, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.portals.language import Words
from helhed.portals.ports.log_desk import LogWish
from helhed.portals.presenters.log import KINDS, log_days
from helhed.portals.presenters.log_export import as_csv, as_json
from helhed.portals.presenters.log_office import look_view
from helhed.portals.rooms.log import PortalLog
from helhed.registries.directory import Directory
from helhed.trust.audit_events import Deliveries
from helhed.trust.audit_events.shape import event_id
from helhed.trust.log.citizen_log import CitizenLog
from helhed.trust.log.follow_up import FollowUp
from helhed.trust.log.notices import Notices, notice_kinds
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.log.reader import LogReader
from helhed.trust.log.shielding import Shields
from helhed.trust.log.why import Whys
from helhed.trust.roles import put_roles
from tests.support.door import Door
from tests.support.world import NOW, at
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRETIVE = "Hemmelige"


class Office:
    """A ward whose doctor has a name of its own kind, its log keeper, and everything that reads the citizen's log."""

    def __init__(self, scene: Scene, doctor: Ask, keeper: Ask) -> None:
        self.scene, self.doctor, self.keeper = scene, doctor, keeper
        pool = scene.world.store.pool
        self.whys, self.shields, self.notices = Whys(pool), Shields(pool), Notices(pool)
        self.log = PortalLog(LogReader(pool, Pseudonyms(b"p" * 32)), CitizenLog(pool), Deliveries(pool))

    @property
    def citizen(self) -> Ask:
        return replace(self.scene.citizen, trace=uuid4())

    async def looked(self) -> int:
        """The doctor looks; answers the row."""
        assert await self.scene.reads(replace(self.doctor, trace=uuid4()))
        rows = [row for row in await self.scene.world.log(self.scene.patient) if row["actor"] == self.doctor.actor]
        return int(rows[-1]["id"])

    async def withhold(self, patient: UUID | None) -> UUID:
        return await self.shields.withhold(
            self.keeper, key_of(self.scene.ward), patient, "threats", "2026-7", NOW + timedelta(days=30)
        )


@pytest_asyncio.fixture(loop_scope="module")
async def office(library: Scene) -> Office:
    scene = await library.with_another()
    world = scene.world
    await put_roles(world.owner)
    scene.ward = await world.organisation("Afdeling Syv", scene.hospital)
    await world.contact(scene.patient, scene.ward)
    practitioner = await world.put(
        world.system(scene.ward), {"resourceType": "Practitioner", "name": [{"family": SECRETIVE, "given": ["Hedda"]}]}
    )
    job = {
        "resourceType": "PractitionerRole", "practitioner": {"reference": f"Practitioner/{practitioner}"},
        "organization": {"reference": f"Organization/{scene.ward}"},
        "code": [{"coding": [{"system": "urn:helhed:role", "code": "doctor"}]}],
    }  # fmt: skip
    from helhed.trust.projections import ROLE_SYSTEM

    job["code"] = [{"coding": [{"system": ROLE_SYSTEM, "code": "doctor"}]}]
    await world.put(world.system(scene.ward), job)
    keeper = await world.employee(scene.hospital, "log-keeper")
    return Office(
        scene, world.professional(practitioner, scene.ward), world.professional(keeper, scene.hospital, "log-keeper")
    )


def wish(**more: Any) -> LogWish:
    return LogWish(NOW - timedelta(days=30), NOW + timedelta(minutes=1), **more)


# --- asking why ------------------------------------------------------------------------------------------------------------------


async def test_a_question_is_asked_answered_and_told_of(office: Office) -> None:
    look = await office.looked()
    question = await office.whys.ask(office.citizen, look, "Jeg var der ikke")
    assert await office.whys.ask(office.citizen, look, "igen") == question
    (waiting,) = [one for one in await office.whys.queue(office.keeper) if one.id == question]
    assert (waiting.words, waiting.answered_at) == ("Jeg var der ikke", None)
    opened = await office.whys.opened(office.keeper, question)
    assert SECRETIVE in (opened.actor_name or "")
    await office.whys.answer(office.keeper, question, "Lægen skulle godkende et svar.")
    (own,) = await office.whys.own(office.citizen)
    assert own.answer == "Lægen skulle godkende et svar."
    assert "why-answered" in {
        one.kind for one in await office.notices.page(office.citizen, NOW + timedelta(days=1), 50)
    }
    rows = await office.scene.world.log(office.scene.patient)
    assert [(row["action"], row["permitted"]) for row in rows if row["action"] in (92, 93, 96)] == [
        (92, True),
        (96, True),
        (93, True),
    ]


async def test_nobody_asks_about_a_row_of_somebody_else(office: Office) -> None:
    look = await office.looked()
    other = office.scene.world.citizen(await office.scene.world.patient(office.scene.hospital, "Anden"))
    for ask in (other, office.doctor, office.keeper):
        with pytest.raises(Unknown):
            await office.whys.ask(ask, look, "")


async def test_nobody_but_the_log_keeper_of_the_place_opens_or_answers_and_the_attempt_is_logged(
    office: Office,
) -> None:
    question = await office.whys.ask(office.citizen, await office.looked(), "")
    elsewhere = await office.scene.world.employee(office.scene.clinic, "log-keeper")
    other_keeper = office.scene.world.professional(elsewhere, office.scene.clinic, "log-keeper")
    for ask in (office.doctor, other_keeper, office.scene.custodian):
        asked = replace(ask, trace=uuid4())
        assert [one for one in await office.whys.queue(asked) if one.id == question] == []
        with pytest.raises(Unknown):
            await office.whys.opened(asked, question)
        with pytest.raises(Unknown):
            await office.whys.answer(asked, question, "Svar fra en fremmed")
        rows = await office.scene.world.owner.fetch(
            "select action, permitted from foundation.access_log where trace = $1 order by id", asked.trace
        )
        assert [(row["action"], row["permitted"]) for row in rows] == [(96, False), (93, False)]
    assert (await office.whys.own(office.citizen))[0].answer is None


async def test_a_question_past_its_deadline_is_told_of_once(office: Office) -> None:
    await office.whys.ask(office.citizen, await office.looked(), "")
    later = NOW + timedelta(days=15)
    await office.whys.escalate(later)
    await office.whys.escalate(later + timedelta(days=1))
    told = await office.notices.page(at(office.citizen, later), later + timedelta(days=1), 50)
    assert [one.kind for one in told].count("why-overdue") == 1
    assert (await office.whys.own(office.citizen))[0].overdue(later)


async def test_too_many_words_are_refused_and_nothing_is_asked(office: Office) -> None:
    with pytest.raises(Unprocessable):
        await office.whys.ask(office.citizen, await office.looked(), "x" * 1001)
    assert await office.whys.own(office.citizen) == []


# --- names that are withheld -----------------------------------------------------------------------------------------------------


async def doors(office: Office, ask: Ask) -> dict[str, str]:
    """Everything that a citizen can be shown of a log, as text."""
    world = office.scene.world
    page = await office.log.page(ask, wish(limit=500))
    entries = await office.log.entries(ask, NOW - timedelta(days=30), NOW + timedelta(minutes=1), None, 500)
    words = Words("da")
    patient = "" if ask.actor == key_of(office.scene.patient) else f"?patient=Patient/{office.scene.patient}"
    found = {
        "page": repr(log_days(page.entries, words)), "entries": repr(entries), "csv": as_csv(page.entries, words).decode(),
        "json": as_json(page.entries, words).decode(), "bundle": (await office.log.bundle(ask, wish(limit=500))).decode(),
        "met": repr(await office.log.met(ask, NOW - timedelta(days=30))),
        "notices": repr(await office.notices.page(ask, NOW + timedelta(days=1), 100)),
        "questions": repr(await office.whys.own(ask)),
        "AuditEvent": orjson.dumps(await Door(world, ask).get(f"/fhir/AuditEvent{patient}")).decode(),
    }  # fmt: skip
    proof = await world.owner.fetch("select * from trust.own_proof($1::fhir.ask)", ask_row(ask))
    found["proof"] = repr([tuple(row) for row in proof])
    for told in ("own_acting($1::fhir.ask)", "own_help($1::fhir.ask)", "own_tickets($1::fhir.ask)",
                 "own_purges($1::fhir.ask, array(select id from fhir.purge))"):  # fmt: skip
        rows = await world.owner.fetch(f"select * from trust.{told}", ask_row(ask))
        found[told] = repr([tuple(row) for row in rows])
    old = await CitizenLog(world.store.pool).entries(ask, NOW - timedelta(days=30), NOW + timedelta(minutes=1))
    found["older code"] = repr([(one.actor_name, one.principal_name) for one in old])
    return found


async def _everything_happened(office: Office) -> int:
    look = await office.looked()
    await office.whys.ask(office.citizen, look, "")
    await office.notices.choose(office.citizen, {"look-by-somebody-new": True})
    ticket = uuid4()
    await office.scene.world.owner.execute(
        "select trust.tell($1, $2, 'glass-broken', $3, $4, $5)", key_of(office.scene.patient), NOW, ticket, office.doctor.actor,
        key_of(office.scene.ward),
    )  # fmt: skip
    return look


async def _staff_did_much_beside_looking(office: Office) -> list[str]:
    """Somebody was let act, helped, and had rows removed, by the doctor; the doors that tell of it."""
    owner, ward = office.scene.world.owner, key_of(office.scene.ward)
    citizen, doctor = key_of(office.scene.patient), office.doctor.actor
    await owner.execute(
        "insert into trust.acting (id, actor, citizen, basis, obeys_blocks, valid_from, valid_to, given_kind, given_by, given_in, given_at) "
        "values ($1, 1, $2, 9, false, '-infinity', 'infinity', 2, $3, $4, $5)", uuid4(), citizen, doctor, ward, NOW,
    )  # fmt: skip
    await owner.execute(
        "insert into trust.help values ($1, $2, $3, $4, 'pas', $5, $6)", uuid4(), citizen, doctor, ward, NOW, NOW
    )
    await owner.execute(
        "insert into fhir.purge (id, citizen, owner, ground, case_number, apart, salt, seal, proposed_by, proposed_at, expires_at) "
        "values ($1, $2, $3, 'x', '2026-1', false, '', '', $4, $5, $6)", uuid4(), citizen, ward, doctor, NOW, NOW + timedelta(1),
    )  # fmt: skip
    return [
        "own_acting($1::fhir.ask)",
        "own_help($1::fhir.ask)",
        "own_purges($1::fhir.ask, array(select id from fhir.purge))",
    ]


async def test_a_withheld_name_is_in_nothing_else_that_staff_did_nor_in_a_letter(office: Office) -> None:
    told = await _staff_did_much_beside_looking(office)
    letter = (
        "select trust.write_down_help($1::fhir.ask, h, 'log', h.id, '{}', gen_random_uuid()) "
        "from trust.help h where h.citizen = $2"
    )
    shown = await doors(office, office.citizen)
    assert [name for name in told if SECRETIVE not in shown[name]] == []
    await office.withhold(office.scene.patient)
    shown = await doors(office, office.citizen)
    assert [name for name, text in shown.items() if SECRETIVE in text] == []
    assert "Afdeling Syv" in shown[told[0]], "the place says it"
    await office.scene.world.owner.execute(letter, ask_row(office.doctor), key_of(office.scene.patient))
    said = await office.scene.world.owner.fetch(
        "select said::text from trust.letter where citizen = $1", key_of(office.scene.patient)
    )
    assert said
    assert SECRETIVE not in repr([row["said"] for row in said])


@pytest.mark.parametrize("whole_department", [False, True])
async def test_a_withheld_name_is_at_no_door_and_at_every_one_before_and_after(
    office: Office, whole_department: bool
) -> None:
    await _everything_happened(office)
    practitioner = str(
        await office.scene.world.owner.fetchval(
            "select id from registries.professional where key = $1", office.doctor.actor
        )
    )
    shown = await doors(office, office.citizen)
    assert SECRETIVE in shown["page"]
    assert SECRETIVE in shown["AuditEvent"]
    shield = await office.withhold(None if whole_department else office.scene.patient)
    for name, text in (await doors(office, office.citizen)).items():
        for leak in (SECRETIVE, "Hedda", practitioner, str(office.doctor.actor)):
            assert leak not in text, (name, leak)
    await office.shields.end(office.keeper, shield)
    assert SECRETIVE in (await doors(office, office.citizen))["page"]


async def test_whoever_acts_for_the_citizen_is_shown_no_more(office: Office) -> None:
    parent = await office.scene.world.patient(office.scene.hospital, "Forælder")
    await office.scene.world.owner.execute(
        "insert into trust.acting (id, actor, citizen, basis, types, obeys_blocks, valid_from, valid_to) "
        "values ($1, $2, $3, 10, null, false, '-infinity', 'infinity')", uuid4(), key_of(parent), key_of(office.scene.patient),
    )  # fmt: skip
    await office.looked()
    asked = f"/fhir/AuditEvent?patient=Patient/{office.scene.patient}"
    door = Door(office.scene.world, office.scene.world.citizen(parent))
    assert SECRETIVE in orjson.dumps(await door.get(asked)).decode()
    await office.withhold(office.scene.patient)
    assert SECRETIVE not in orjson.dumps(await door.get(asked)).decode()


async def test_the_pseudonym_is_one_for_each_person_and_another_with_each_citizen() -> None:
    names = Pseudonyms(b"p" * 32)
    assert names.of(1, 7) == Pseudonyms(b"p" * 32).of(1, 7)
    assert len({names.of(1, 7), names.of(1, 8), names.of(2, 7), Pseudonyms(b"q" * 32).of(1, 7)}) == 4
    assert not any(letter.isdigit() for letter in names.of(1, 7))


async def test_a_withheld_person_is_not_found_by_key_name_or_practitioner_but_by_the_pseudonym(office: Office) -> None:
    await office.looked()
    practitioner = await office.scene.world.owner.fetchval(
        "select id from registries.professional where key = $1", office.doctor.actor
    )
    await office.withhold(office.scene.patient)
    by_key = await office.log.page(office.citizen, wish(person=f"2:{office.doctor.actor}"))
    by_name = await office.log.page(
        office.citizen, wish(text={"like": "%hemmelige%", "roles": [], "types": [], "actions": []})
    )
    _, by_agent = await Door(office.scene.world, office.citizen).get(
        f"/fhir/AuditEvent?agent=Practitioner/{practitioner}"
    )
    assert (by_key.entries, by_name.entries, by_agent.get("entry")) == ([], [], None)
    page = await office.log.page(office.citizen, wish())
    code = next(entry.pseudonym for entry in page.entries if entry.pseudonym)
    found = await office.log.page(office.citizen, wish(person=f"w:{code}"))
    assert {entry.pseudonym for entry in found.entries} == {code}


async def test_a_name_is_told_for_a_case_only_and_each_attempt_is_in_the_citizens_log(office: Office) -> None:
    look = await office.looked()
    await office.withhold(office.scene.patient)
    elsewhere = await office.scene.world.employee(office.scene.clinic, "log-keeper")
    other_keeper = office.scene.world.professional(elsewhere, office.scene.clinic, "log-keeper")
    attempts = [
        (office.citizen, "1", "x"),
        (office.doctor, "1", "x"),
        (other_keeper, "1", "x"),
        (office.keeper, "", "x"),
        (office.keeper, "1", " "),
    ]
    for ask, case, why in attempts:
        with pytest.raises(Unknown):
            await office.shields.name(ask, look, case, why, uuid4())
    assert SECRETIVE in await office.shields.name(office.keeper, look, "2026-9", "personalesag", uuid4())
    rows = [row for row in await office.scene.world.log(office.scene.patient) if row["action"] == 90]
    assert [row["permitted"] for row in rows] == [False] * len(attempts) + [True]


@pytest.mark.parametrize("who", ["citizen", "doctor"])
async def test_nobody_but_a_log_keeper_withholds_names(office: Office, who: str) -> None:
    with pytest.raises(Forbidden):
        await office.shields.withhold(
            getattr(office, who), key_of(office.scene.ward), None, "threats", "1-1", NOW + timedelta(days=1)
        )
    with pytest.raises(Forbidden):
        await office.shields.withhold(
            office.keeper, key_of(office.scene.clinic), None, "threats", "1-1", NOW + timedelta(days=1)
        )


# --- an organisation looks at its own ----------------------------------------------------------------------------------------------


async def test_a_log_keeper_sees_what_the_own_staff_did_and_nothing_of_others(office: Office) -> None:
    await office.looked()
    await office.scene.reads(replace(office.scene.gp, trace=uuid4()))
    asked = replace(office.keeper, trace=uuid4())
    _, bundle = await Door(office.scene.world, asked).get(
        f"/fhir/AuditEvent?patient=Patient/{office.scene.patient}&_count=100"
    )
    names = orjson.dumps(bundle).decode()
    assert f"Organization/{office.scene.ward}" in names
    assert f"Organization/{office.scene.clinic}" not in names
    rows = [row for row in await office.scene.world.log(office.scene.patient) if row["trace"] == asked.trace]
    assert [(row["action"], row["permitted"]) for row in rows] == [(96, True)]


async def test_a_log_keeper_follows_up_on_the_own_staff_without_seeing_at_whom_they_looked(office: Office) -> None:
    await office.looked()
    follow_up = FollowUp(office.scene.world.store.pool, Pseudonyms(b"p" * 32))
    found = await follow_up.looks(
        office.keeper, NOW - timedelta(hours=1), NOW + timedelta(hours=1), "alle", office.doctor.actor
    )
    assert {SECRETIVE in (one.actor_name or "") for one in found} == {True}
    assert str(key_of(office.scene.patient)) not in repr(found)
    elsewhere = await office.scene.world.employee(office.scene.clinic, "log-keeper")
    other = office.scene.world.professional(elsewhere, office.scene.clinic, "log-keeper")
    for ask in (office.doctor, office.citizen, office.scene.custodian, other):
        assert (
            await follow_up.looks(ask, NOW - timedelta(hours=1), NOW + timedelta(hours=1), "alle", office.doctor.actor)
            == []
        )


async def test_a_look_up_of_a_number_is_nobodys_emergency(office: Office) -> None:
    identifiers = (await Door(office.scene.world, office.citizen).get(f"/fhir/Patient/{office.scene.patient}"))[1]
    (number, *_) = identifiers["identifier"]
    directory = Directory(office.scene.world.store.pool)
    assert await directory.find_citizen(replace(office.doctor, trace=uuid4()), number["system"], number["value"])
    follow_up = FollowUp(office.scene.world.store.pool, Pseudonyms(b"p" * 32))
    hours = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    found = {
        which: await follow_up.looks(office.keeper, *hours, which, office.doctor.actor) for which in ("alle", "noed")
    }
    (seen,) = [one for one in found["alle"] if one.action == Action.LOOKUP]
    told = look_view(seen, Words("da"))
    assert (found["noed"], told.did, told.why) == ([], "slog navn og CPR-nummer op", "")
    assert (await office.log.page(office.citizen, wish(kind="noed"))).entries == []


async def test_a_name_is_asked_for_over_fhir_and_refused_as_what_is_not_there(office: Office) -> None:
    look = await office.looked()
    await office.withhold(office.scene.patient)
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "case-number", "valueString": "2026-1"},
            {"name": "reason", "valueString": "personalesag"},
        ],
    }
    path = f"/fhir/AuditEvent/{event_id(look)}/$name-staff"
    status, told = await Door(office.scene.world, office.keeper).post(path, body)
    assert (status, SECRETIVE in told["parameter"][0]["valueString"]) == (200, True)
    for ask in (office.citizen, office.doctor):
        hidden = await Door(office.scene.world, ask).post(path, body)
        assert hidden == await Door(office.scene.world, ask).post(
            f"/fhir/AuditEvent/{event_id(2**61)}/$name-staff", body
        )
        assert hidden[0] == 404


# --- notices -------------------------------------------------------------------------------------------------------------------


async def test_a_citizen_chooses_what_to_be_told_of_and_not_what_is_always_told(office: Office) -> None:
    with pytest.raises(Unprocessable):
        await office.notices.choose(office.citizen, {"glass-broken": False})
    await office.notices.choose(office.citizen, {"look-by-somebody-new": True, "look-refused": True})
    await office.looked()
    await office.looked()
    await office.scene.reads(replace(office.scene.stranger, trace=uuid4()))
    told = [
        one.kind
        for one in await office.notices.page(
            at(office.citizen, NOW + timedelta(minutes=5)), NOW + timedelta(days=1), 50
        )
    ]
    assert sorted(told) == ["look-by-somebody-new", "look-refused"]


async def test_read_notices_stay_and_are_read(office: Office) -> None:
    await office.scene.world.owner.execute(
        "select trust.tell($1, $2, 'glass-broken', $3, null, null)", key_of(office.scene.patient), NOW, uuid4()
    )
    assert await office.notices.unread(office.citizen) == 1
    await office.notices.read(office.citizen, NOW)
    assert await office.notices.unread(office.citizen) == 0
    other = office.scene.world.citizen(await office.scene.world.patient(office.scene.hospital, "Anden"))
    assert await office.notices.page(other, NOW + timedelta(days=1), 50) == []


async def test_every_kind_that_is_told_of_has_words_that_say_nothing_of_health(office: Office) -> None:
    told = await office.scene.world.owner.fetch(
        "select distinct prosrc from pg_proc where prosrc like '%trust.tell(%' or prosrc like '%tell(%'"
    )
    import re

    for row in told:
        for kind in re.findall(r"tell\([^;]*?'([a-z]+-[a-z-]+)'", row["prosrc"]):
            assert kind in notice_kinds(), kind


# --- the page and the files say the same ---------------------------------------------------------------------------------------


async def test_every_choice_of_the_page_lets_through_what_it_says(office: Office) -> None:
    await office.looked()
    await office.scene.reads(replace(office.scene.stranger, trace=uuid4()))
    found = {kind: (await office.log.page(office.citizen, wish(kind=kind))).entries for kind in KINDS}
    assert {entry.permitted for entry in found["afvist"]} == {False}
    assert {entry.kind for entry in found["systemer"]} == {3}
    assert found["noed"] == found["afleveret"] == []
    assert not {entry.id for entry in found["andre"]} & {entry.id for entry in found["egne"]}
    assert {entry.action for entry in found["rettelser"]} == {5}


async def test_the_file_has_every_row_of_the_log_and_no_cell_is_a_formula(office: Office) -> None:
    for _ in range(3):
        await office.looked()
    await office.scene.world.owner.execute(
        "update registries.professional set name = '=cmd|'' /C calc''!A1' where key = $1", office.doctor.actor
    )
    page = await office.log.page(office.citizen, wish(limit=500))
    rows = list(csv.reader(io.StringIO(as_csv(page.entries, Words("en")).decode("utf-8-sig"))))
    assert len(rows) == len(page.entries) + 1
    assert {row[-1] for row in rows[1:]} == {str(entry.id) for entry in page.entries}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert any(cell.startswith("'=cmd") for row in rows for cell in row)
    bundle = orjson.loads(await office.log.bundle(office.citizen, wish(limit=500)))
    assert {str(event_id(entry.id)) for entry in page.entries} <= {entry["resource"]["id"] for entry in bundle["entry"]}


async def test_pages_part_no_day_and_lose_no_row(office: Office) -> None:
    for day in range(5):
        for _ in range(4):
            ask = replace(at(office.doctor, NOW - timedelta(days=day)), trace=uuid4())
            await office.scene.reads(ask)
    whole = await office.log.page(office.citizen, wish(limit=500, kind="andre"))
    seen, cursor, days = [], None, []
    while True:
        page = await office.log.page(office.citizen, wish(limit=3, kind="andre", cursor=cursor))
        seen += [entry.id for entry in page.entries]
        days += [day.machine for day in log_days(page.entries, Words("da"))]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [entry.id for entry in whole.entries]
    assert len(days) == len(set(days))
