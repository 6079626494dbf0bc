"""A citizen answers a piece that is theirs: by a page, by an app, and by who acts for them; both names in the log, and the unit sees it at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from helhed.api import FhirApi
from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Forbidden, MethodNotAllowed, PreconditionFailed, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.work.answering import SYSTEM, Answer, Answers, NotTaken, NotYours, Said
from helhed.work.escalating import Escalation
from helhed.work.queues import Queues, Wish
from tests.support.pages import Pages
from tests.support.world import NOW
from tests.unit.work.conftest import Desk, ref

WRITES = frozenset({"Task"})
REFUSALS = (NotYours, Unknown)


async def asked(desk: Desk, **more: Any) -> UUID:
    """The ward asks the citizen."""
    body = desk.body(kind="questionnaire-to-answer", description="Svar på skemaet om hoste", **more)
    return await desk.world.put(desk.scene.doctor, {**body, "owner": {"reference": f"Patient/{desk.scene.patient}"}})


async def answer(desk: Desk, task: UUID, said: Said, words: str = "", ask: Ask | None = None, version: int = 1) -> None:
    """As a page takes it."""
    ask = replace(ask or desk.scene.citizen, write_types=WRITES)
    await Answers(desk.world.store).answer(ask, task, version, Answer(said, words))


async def parent_of(desk: Desk) -> Ask:
    """Somebody with custody of the citizen, who is a child for the occasion."""
    parent = await desk.world.patient(desk.scene.hospital, "Forælder")
    await desk.world.owner.execute(
        "update registries.citizen set birth_date = '2020-01-01' where key = $1", key_of(desk.scene.patient)
    )
    await desk.world.owner.execute(
        "insert into trust.acting (id, citizen, actor, basis, types, scopes, obeys_blocks, valid_from, valid_to)"
        " values (gen_random_uuid(), $1, $2, 9, null, '{}', false, '2020-01-01', 'infinity')",
        key_of(desk.scene.patient), key_of(parent),
    )  # fmt: skip
    return desk.world.citizen(parent)


async def queue_of(desk: Desk, ask: Ask, view: str) -> list[UUID]:
    found = await Queues(desk.world.store.pool).page(ask, ask.organisation or 0, Wish(view=view))
    return [one.task for one in found]


async def looks(desk: Desk, task: UUID) -> list[tuple[int, bool]]:
    rows = await desk.world.owner.fetch("select * from foundation.access_log where action = $1 and $2 = any(resources) order by id", int(Action.ANSWER_WORK), task)  # fmt: skip
    assert all(row["citizen"] == key_of(desk.scene.patient) for row in rows)
    return [(row["actor"], row["permitted"]) for row in rows]


async def test_what_is_done_is_over_and_the_receipt_says_that_the_citizen_acted(desk: Desk) -> None:
    task = await asked(desk)
    await answer(desk, task, Said.DONE)
    piece = await desk.piece(task)
    assert (piece["status"], piece["over"], piece["next_at"]) == ("completed", True, None)
    assert await Escalation(desk.world.store.pool).round(NOW + timedelta(days=900)) == 0
    assert await queue_of(desk, desk.scene.doctor, "over") == [task]
    receipts = await Queues(desk.world.store.pool).receipts(desk.scene.doctor, task)
    assert [(one.what, one.unit) for one in receipts.moves] == [("asked", "Afdeling"), ("citizen-completed", "")]
    assert await looks(desk, task) == [(desk.scene.citizen.actor, True)]


@pytest.mark.parametrize(("said", "words"), [(Said.CANNOT, "Jeg har ingen vægt"), (Said.HELP, "")])
async def test_what_the_citizen_cannot_do_is_the_units_move_at_once_with_time_to_answer(desk: Desk, said: Said, words: str) -> None:  # fmt: skip
    task = await asked(desk, due=NOW + timedelta(hours=1))
    later = replace(desk.scene.citizen, at=NOW + timedelta(hours=9))
    assert await Escalation(desk.world.store.pool).round(later.at) == 1
    await answer(desk, task, said, words, ask=later)
    piece, stored = await desk.piece(task), await desk.stored(task)
    assert (piece["status"], piece["holder"], piece["asked"], piece["step"], piece["escalated_to"]) == (
        "rejected",
        "ward",
        "ward",
        0,
        None,
    )
    assert piece["deadline_at"] > later.at
    assert await Escalation(desk.world.store.pool).round(later.at) == 0
    assert stored["statusReason"] == {
        "coding": [{"system": SYSTEM, "code": said.value}],
        **({"text": words} if words else {}),
    }
    assert await queue_of(desk, desk.scene.doctor, "ours") == [task]


async def test_the_unit_may_ask_the_citizen_again_and_the_citizen_gives_back_what_a_unit_said_they_accepted(
    desk: Desk,
) -> None:
    task = await asked(desk)
    await answer(desk, task, Said.HELP)
    await desk.move(desk.scene.doctor, task, status="requested", statusReason=None)
    await desk.move(desk.scene.doctor, task, status="accepted")  # by telephone
    assert (await desk.piece(task))["holder_citizen"] == key_of(desk.scene.patient)
    await answer(desk, task, Said.CANNOT, "Alligevel ikke", version=4)
    assert (await desk.piece(task))["asked"] == "ward"


async def test_cannot_takes_a_reason_and_an_old_version_is_refused(desk: Desk) -> None:
    task = await asked(desk)
    for words in ("", " ", "x" * 1001):
        with pytest.raises(Unprocessable, match="Say why"):
            await answer(desk, task, Said.CANNOT, words)
    with pytest.raises(PreconditionFailed):
        await answer(desk, task, Said.DONE, version=2)
    assert (await desk.piece(task))["status"] == "requested"
    assert await desk.done(task) == ["asked"]
    assert [permitted for _, permitted in await looks(desk, task)] == [False] * 4


async def test_who_acts_for_the_citizen_answers_and_both_are_named(desk: Desk) -> None:
    task, parent = await asked(desk), await parent_of(desk)
    await answer(desk, task, Said.DONE, ask=parent)
    assert await looks(desk, task) == [(parent.actor, True)]
    whole = await Queues(desk.world.store.pool).one(desk.scene.doctor, task)
    assert [(one.what, one.person) for one in whole.moves] == [("asked", ""), ("citizen-completed", "Ane Forælder")]


async def test_nobody_answers_what_is_not_theirs_and_the_attempt_is_in_the_log(desk: Desk) -> None:
    theirs, units = await asked(desk), await desk.ask_for()
    stranger = desk.world.citizen(await desk.world.patient(desk.scene.hospital, "Fremmed"))
    for task, who, why in (
        (theirs, stranger, Unknown),
        (units, desk.scene.citizen, NotYours),
        (uuid4(), stranger, Unknown),
    ):
        with pytest.raises(why):
            await answer(desk, task, Said.DONE, ask=who)
    with pytest.raises(REFUSALS):
        await answer(desk, theirs, Said.DONE, ask=desk.scene.doctor)
    assert await looks(desk, theirs) == [(stranger.actor, False), (desk.scene.doctor.actor, False)]
    assert await looks(desk, units) == [(desk.scene.citizen.actor, False)]
    for task in (theirs, units):
        assert await desk.done(task) == ["asked"]


async def test_what_a_clinician_hid_from_a_parent_is_not_theirs_to_answer(desk: Desk) -> None:
    task, parent = await asked(desk), await parent_of(desk)
    await desk.world.owner.execute(
        "insert into trust.mask (id, citizen, resource, from_citizen, set_by, valid_from, valid_to) values (gen_random_uuid(), $1, $2, false, 1, $3, 'infinity')",
        key_of(desk.scene.patient), task, NOW - timedelta(days=1),
    )  # fmt: skip
    with pytest.raises(Unknown):
        await answer(desk, task, Said.DONE, ask=parent)
    await answer(desk, task, Said.DONE)


async def test_a_place_without_a_system_takes_no_answer_and_nothing_changes(desk: Desk) -> None:
    task = await asked(desk)
    await desk.world.owner.execute("update trust.system_client set ended_at = $1", NOW)
    with pytest.raises(NotTaken):
        await answer(desk, task, Said.DONE)
    assert await desk.done(task) == ["asked"]


async def put(desk: Desk, task: UUID, ask: Ask | None = None, if_match: int | None = 1, **changes: Any) -> None:
    """As an app writes it."""
    body = {name: value for name, value in {**await desk.stored(task), **changes}.items() if value is not None}
    ask = ask or replace(desk.scene.citizen, write_types=WRITES)
    await Answers(desk.world.store).put(ask, Change("PUT", "Task", body, orjson.dumps(body), task, if_match=if_match))


async def test_an_app_answers_with_leave_to_and_changes_nothing_else(desk: Desk) -> None:
    task = await asked(desk)
    for ask, changes, if_match, why in (
        (desk.scene.citizen, {"status": "completed"}, 1, Forbidden),  # its token writes nothing
        (None, {"status": "completed", "description": "Andet"}, 1, Unprocessable),
        (None, {"status": "completed", "owner": ref(desk.scene.ward)}, 1, Unprocessable),
        (None, {"status": "completed", "note": [{"text": "x"}]}, 1, Unprocessable),
        (None, {"status": "completed", "restriction": None}, 1, Unprocessable),
        (None, {"status": "accepted"}, 1, Unprocessable),
        (None, {"status": "cancelled"}, 1, Unprocessable),
        (None, {"status": "rejected"}, 1, Unprocessable),
        (None, {"status": "completed"}, None, PreconditionFailed),
        (None, {"status": "completed"}, 3, PreconditionFailed),
    ):
        with pytest.raises(why):
            await put(desk, task, ask, if_match, **changes)
    assert await desk.done(task) == ["asked"]
    await put(
        desk, task, status="rejected", statusReason={"text": "Kan ikke", "coding": [{"system": SYSTEM, "code": "help"}]}
    )
    assert await desk.done(task) == ["asked", "citizen-help"]
    assert TYPE_NUMBERS["Task"] in {row["type"] for row in await desk.world.log(desk.scene.patient)}


async def test_an_app_of_somebody_else_meets_nothing(desk: Desk) -> None:
    task = await asked(desk)
    stranger = desk.world.citizen(await desk.world.patient(desk.scene.hospital, "Fremmed"))
    with pytest.raises(MethodNotAllowed):
        await put(desk, task, replace(stranger, write_types=WRITES), status="completed")


async def test_the_page_takes_the_answer_and_the_unit_reads_it(desk: Desk) -> None:
    pages, task = Pages(desk.world), await asked(desk)
    citizen, doctor = await pages.person(desk.scene.citizen), await pages.person(desk.scene.doctor)
    assert "Din tur: 1 ting venter på dig" in await citizen.get("/borger/hvis-tur")
    await citizen.post("/borger/hvis-tur/svar", opgave=str(task), version="1", svar="cannot", besked=" ")
    assert (citizen.status, "Skriv hvorfor du ikke kan" in citizen.page) == (422, True)
    await citizen.post("/borger/hvis-tur/svar", opgave=str(task), version="1", svar="noget")
    assert (citizen.status, "Vælg et svar" in citizen.page) == (422, True)
    await citizen.post(
        "/borger/hvis-tur/svar", opgave=str(task), version="1", svar="help", besked="Jeg kan ikke læse skemaet"
    )
    assert "Nu er det stedets tur til at hjælpe" in citizen.page
    assert "Din tur" not in citizen.page
    page = await doctor.get("/opgaver")
    assert "Ane Ånæs beder om hjælp. Afdeling har opgaven" in page
    assert "Borgeren bad om hjælp" in await doctor.get(f"/opgaver/{task}")
    assert "Jeg kan ikke læse skemaet" in doctor.page
    await doctor.post(f"/opgaver/{task}", version="2", hvad="ask-again")
    await citizen.post("/borger/hvis-tur/svar", opgave=str(task), version="1", svar="done")
    assert (citizen.status, "Opgaven er ændret imens" in citizen.page) == (409, True)
    await citizen.post("/borger/hvis-tur/svar", opgave=str(task), version="3", svar="done")
    assert "det er gjort" in citizen.page


class Known:
    """A verifier to whom everybody is the asker."""

    def __init__(self, asker: Ask) -> None:
        self._asker = asker

    def ask(self, authorization: bytes | None) -> Ask:
        return self._asker


async def door(desk: Desk, asker: Ask, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """What the FHIR door answers."""
    api = FhirApi(desk.world.store, Known(asker), base_url="https://here.example/fhir", max_body_bytes=2**20)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps(body) if body else b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/fhir+json"), (b"if-match", b'W/"1"')]
    await api({"method": method, "path": f"/fhir/{path}", "query_string": b"", "headers": headers}, receive, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"])


async def test_the_fhir_door_takes_an_apps_answer_and_the_receipts_say_by_whom(desk: Desk) -> None:
    task, app = await asked(desk), replace(desk.scene.citizen, write_types=WRITES)
    _, body = await door(desk, app, "GET", f"Task/{task}")
    assert (await door(desk, desk.scene.citizen, "PUT", f"Task/{task}", {**body, "status": "completed"}))[0] == 403
    status, problem = await door(desk, app, "PUT", f"Task/{task}", {**body, "status": "completed", "priority": "stat"})
    assert (status, problem["issue"][0]["expression"]) == (422, ["Task.priority"])
    status, answered = await door(desk, app, "PUT", f"Task/{task}", {**body, "status": "completed"})
    assert (status, answered["status"], answered["meta"]["versionId"]) == (200, "completed", "2")
    _, receipts = await door(desk, desk.scene.doctor, "GET", f"Task/{task}/$receipts")
    last = {part["name"]: part.get("valueCode") for part in receipts["parameter"][-1]["part"]}
    assert (last["what"], last["by"], receipts["parameter"][0]["valueCode"]) == ("completed", "citizen", "completed")
