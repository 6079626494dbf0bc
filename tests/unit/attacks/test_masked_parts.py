"""Can what a clinician has masked of a row be read, searched, sorted or counted by whom the mask is for, by any door?"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from helhed.fhir.store.reindexing import reindex
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import connect
from helhed.foundation.errors import BadRequest, Gone, Unknown
from helhed.foundation.ids import key_of
from helhed.trust.acting.parts import MasksOfParts
from helhed.trust.acting.rights import ActingForOthers, Masking
from tests.generative.custom import put_custom
from tests.generative.twins import Call, Door, Reply
from tests.support.world import NOW, World, at

YEAR = NOW + timedelta(days=365)
SECRET = "Mistanke om vold i hjemmet"
#: an observation in which the secret stands in an element and, again, wherever an element can repeat it
TOLD: dict[str, Any] = {
    "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{SECRET}</div>'},
    "contained": [
        {"resourceType": "Practitioner", "id": "who", "name": [{"text": "Mette Test"}]},
        {"resourceType": "Specimen", "id": "why", "note": [{"text": SECRET}]},
    ],
    "extension": [{"url": "http://example.org/said", "valueString": f"Original: {SECRET.upper()}"}],
    "note": [{"text": SECRET, "authorReference": {"reference": "#who"}}],
    "interpretation": [{"text": f"Se note: {SECRET}"}],
    "valueQuantity": {"value": 7731.25, "unit": "U/L"},
    "component": [
        {"code": {"text": "Farve"}, "valueString": "blå mærker"},
        {"code": {"text": "Antal"}, "valueQuantity": {"value": 3, "unit": "stk"}},
    ],
    "specimen": {"reference": "#why"},
    "performer": [{"display": "Mette Test"}],
}
ELEMENTS = ("note", "value", "component.value", "specimen", "performer")
MARKS = (SECRET.casefold(), "7731", "mette test", "blå mærker", '"why"')


@dataclass
class Family:
    """A child with a masked observation, the child's mother, and the doctor of their ward."""

    world: World
    ward: UUID
    child: UUID
    mother: Ask
    doctor: Ask
    row: UUID
    hiding: MasksOfParts
    acting: ActingForOthers

    @property
    def own(self) -> Ask:
        return self.world.citizen(self.child)

    async def hide(self, *elements: str, row: UUID | None = None, **more: Any) -> UUID:
        """The doctor masks elements."""
        masking = Masking("Observation", row or self.row, **{"why": "Barnets sikkerhed", "until": YEAR, **more})
        return await self.hiding.hide(self.doctor, masking, elements or ELEMENTS)

    async def asked(self, path: str, query: str = "", ask: Ask | None = None, **more: Any) -> Reply:
        """A GET at the FHIR door, by the mother unless told otherwise."""
        return await Door(self.world, ask or self.mother).call(Call("GET", f"/fhir/{path}", query, **more))

    async def found(self, query: str, ask: Ask | None = None) -> int:
        """How many observations a search finds, and that its total agrees."""
        reply = await self.asked("Observation", f"{query}&_total=accurate&patient=Patient/{self.child}", ask)
        assert reply.status == 200, reply.body
        told = orjson.loads(reply.body)
        assert told["total"] == len(told.get("entry", ()))
        return int(told["total"])

    async def body(self, ask: Ask | None = None) -> dict[str, Any]:
        reply = await self.asked(f"Observation/{self.row}", ask=ask)
        assert reply.status == 200
        told: dict[str, Any] = orjson.loads(reply.body)
        return told


@pytest.fixture
async def family(world: World) -> Family:
    ward = await world.organisation("Børneafdelingen")
    child, mother = await world.patient(ward, "Barn", birthDate="2018-01-01"), await world.patient(ward, "Moder")
    await world.contact(child, ward)
    doctor = world.professional(await world.employee(ward), ward)
    await world.owner.execute("insert into registries.keeper values ($1)", key_of(ward))
    acting = ActingForOthers(world.store.pool)
    await acting.let_act(world.system(ward), key_of(child), key_of(mother), "custody", NOW, YEAR)
    row = await world.observation(child, ward, **TOLD)
    return Family(world, ward, child, world.citizen(mother), doctor, row, MasksOfParts(world.store), acting)


def shows(reply: Reply) -> list[str]:
    """What of the secret an answer shows."""
    text = reply.body.decode().casefold()
    return [mark for mark in MARKS if mark in text]


async def test_what_is_left_is_shown_to_whom_the_mask_is_for_and_the_whole_to_everybody_else(family):
    whole = await family.body()
    await family.hide()
    part = await family.body()
    assert await family.body(family.doctor) == await family.body(family.own) == whole
    assert set(whole) - set(part) == {
        "text",
        "contained",
        "extension",
        "note",
        "interpretation",
        "valueQuantity",
        "specimen",
        "performer",
    }
    assert part["component"] == [{"code": {"text": "Farve"}}, {"code": {"text": "Antal"}}]
    assert (part["status"], part["code"], part["effectiveDateTime"]) == tuple(
        whole[name] for name in ("status", "code", "effectiveDateTime")
    )


DOORS = (
    ("Observation/{row}", ""), ("Observation/{row}", "_summary=data"), ("Observation/{row}", "_elements=note,value,text"),
    ("Observation/{row}/_history", ""), ("Observation/{row}/_history/1", ""), ("Observation/{row}/_history/2", ""), ("Observation/_history", ""), ("_history", ""),
    ("Observation", "patient=Patient/{child}"), ("Observation", "_id={row}"), ("Patient/{child}/$everything", ""), ("Patient/{child}/Observation", ""),
    ("Patient", "_id={child}&_revinclude=Observation:patient"), ("DiagnosticReport", "_include=DiagnosticReport:result&patient=Patient/{child}"),
    ("Condition", "_include=Condition:evidence-detail&patient=Patient/{child}"), ("Patient/{child}/$summary", ""),
)  # fmt: skip


async def test_no_door_shows_it(family):
    world, named = family.world, {"row": family.row, "child": family.child}
    evidence = [{"detail": [{"reference": f"Observation/{family.row}"}]}]
    about = {"subject": {"reference": f"Patient/{family.child}"}, "code": {"text": "Blå"}}
    await world.put(world.system(family.ward), {"resourceType": "Condition", "evidence": evidence, **about})
    second = {"resourceType": "Observation", "status": "amended", **about, **TOLD}
    await world.change(world.system(family.ward), family.row, {"id": str(family.row), **second})
    seen = [await family.asked(path.format(**named), query.format(**named), family.doctor) for path, query in DOORS]
    assert sum(bool(shows(reply)) for reply in seen) > 10
    await family.hide()
    for path, query in DOORS:
        reply = await family.asked(path.format(**named), query.format(**named))
        assert reply.status == (410 if reply.status == 410 else 200), (path, reply.status)
        assert not shows(reply), (path, query, shows(reply))
    texts = [
        path
        for path, query in DOORS
        if str(family.row) in (await family.asked(path.format(**named), query.format(**named))).body.decode()
    ]
    assert len(texts) >= 12, texts


BY_VALUE = ("value-quantity=7731.25", "value-quantity=gt5000", "component-value-quantity=3", "combo-value-quantity=7731.25", "code-value-quantity=http://loinc.org|8867-4$7731.25",
            "_content=vold", "_text=vold", "_filter=value-quantity gt 5000", "performer.name=Mette", "specimen:missing=false",
            "_content=bl%C3%A5")  # fmt: skip


async def test_no_condition_finds_it(family):
    assert [one for one in BY_VALUE if await family.found(one)] == [
        one for one in BY_VALUE if "performer.name" not in one and "specimen" not in one
    ]
    await family.hide()
    assert [one for one in BY_VALUE if await family.found(one)] == []
    assert await family.found("value-quantity:missing=true") == 1
    assert await family.found("code=http://loinc.org|8867-4") == 1  # and what is left of it is found
    assert await family.found("value-quantity=7731.25", family.doctor) == 1


async def test_no_chain_and_no_reverse_chain_goes_through_it(family):
    world = family.world
    evidence = [{"detail": [{"reference": f"Observation/{family.row}"}]}]
    about = {"subject": {"reference": f"Patient/{family.child}"}, "code": {"text": "Blå"}}
    await world.put(world.system(family.ward), {"resourceType": "Condition", "evidence": evidence, **about})
    questions = (
        ("Condition", "evidence-detail:Observation.value-quantity=7731.25"),
        ("Patient", "_has:Observation:patient:value-quantity=7731.25"),
    )

    async def answers(condition: str = "value-quantity=7731.25") -> list[int]:
        replies = [
            await family.asked(place, query.replace("value-quantity=7731.25", condition)) for place, query in questions
        ]
        return [len(orjson.loads(reply.body).get("entry", ())) for reply in replies]

    assert await answers() == [1, 1]
    await family.hide()
    assert await answers() == [0, 0]
    assert await answers("code=8867-4") == [1, 1]


async def test_a_reference_that_is_masked_is_not_followed_by_a_parameter_of_one_s_own(family):
    await put_custom(family.world)
    await reindex(family.world.owner, lambda count: None)
    await family.world.store.note_index_work()
    earlier = await family.world.observation(family.child, family.ward)
    source = [{"reference": f"Observation/{earlier}"}]
    later = await family.world.observation(family.child, family.ward, derivedFrom=source)
    wanted = f"_id={later}&_include=Observation:around"

    async def brought() -> int:
        return len(orjson.loads((await family.asked("Observation", wanted)).body)["entry"])

    assert await brought() == 2
    await family.hide("derivedFrom", row=later)
    assert await brought() == 1


async def test_it_does_not_sort(family):
    for amount in (9000.0, 1.0):
        await family.world.observation(family.child, family.ward, valueQuantity={"value": amount, "unit": "U/L"})
    wanted = f"Observation?patient=Patient/{family.child}&_sort=-value-quantity"
    assert (await family.world.found(family.mother, wanted)).index(family.row) == 1
    await family.hide()
    assert (await family.world.found(family.mother, wanted)).index(family.row) == 2


async def test_the_entity_tag_is_of_what_is_shown_and_nothing_is_known_by_the_whole_s(family):
    whole = dict((await family.asked(f"Observation/{family.row}")).headers)[b"etag"]
    await family.hide()
    part = dict((await family.asked(f"Observation/{family.row}")).headers)[b"etag"]
    assert whole == b'W/"1"' != part
    known = await family.asked(f"Observation/{family.row}", headers={"if-none-match": part.decode()})
    unknown = await family.asked(f"Observation/{family.row}", headers={"if-none-match": whole.decode()})
    assert (known.status, unknown.status) == (304, 200)
    tag = part.decode()[3:-1]
    assert (await family.asked(f"Observation/{family.row}/_history/{tag}")).status == 200
    assert (await family.asked(f"Observation/{family.row}/_history/{tag}", ask=family.doctor)).status == 404
    assert (await family.asked(f"Observation/{family.row}/_history/1-00000000")).status == 404


async def test_a_new_version_is_masked_as_it_is_stored_whatever_type_the_value_takes(family):
    await family.hide("value", "note")
    fresh = {"resourceType": "Observation", "id": str(family.row), "status": "amended", "subject": {"reference": f"Patient/{family.child}"},
             "code": {"text": "x"}, "valueString": SECRET, "note": [{"text": "7731"}]}  # fmt: skip
    await family.world.change(family.world.system(family.ward), family.row, fresh)
    part = await family.body()
    assert (part["status"], part["meta"]["versionId"][:2]) == ("amended", "2-")
    assert not {"valueString", "note"} & set(part)
    history = orjson.loads((await family.asked(f"Observation/{family.row}/_history")).body)
    assert [one["resource"]["meta"]["versionId"][:2] for one in history["entry"]] == ["2-", "1-"]
    assert "valueString" in await family.body(family.doctor)


async def test_code_that_knows_no_masks_leaves_nothing_to_be_seen(family):
    """An earlier release that serves beside this one stores whole rows only."""
    await family.hide()
    values = "null, null, array[]::bigint[], 'd'::bytea, convert_to($2, 'UTF8'), array[]::float8[], '{}', null, null, null, null"
    body = orjson.dumps({"resourceType": "Observation", "status": "final", "note": [{"text": SECRET}]}).decode()
    await family.world.owner.execute(
        f"select fhir.put_version((select type from fhir.resource where id = $1 limit 1), $1, 1, now(), 0::bigint, '-infinity', '-infinity', {values.partition('null, null, ')[2]})",
        family.row, body,
    )  # fmt: skip
    assert (await family.asked(f"Observation/{family.row}")).status == 404
    assert await family.found("status=final") == 0


async def test_who_sees_a_part_changes_nothing_and_learns_nothing_by_trying(family):
    bare = {
        "resourceType": "Observation",
        "id": str(family.row),
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{family.child}"},
    }
    plain = await family.world.observation(family.child, family.ward)
    for ask in (family.mother, replace(family.mother, write_types=None)):
        await _try_everything(family, ask, bare, plain)


async def _try_everything(family: Family, ask: Ask, bare: dict[str, Any], plain: UUID) -> None:
    door = Door(family.world, ask)
    test = [
        {"op": "test", "path": "/note/0/text", "value": SECRET},
        {"op": "add", "path": "/status", "value": "amended"},
    ]
    patch = {"content-type": "application/json-patch+json"}

    def calls(row: UUID) -> list[Call]:
        body = orjson.dumps({**bare, "id": str(row)})
        return [
            Call("PUT", f"/fhir/Observation/{row}", "", body),
            Call("PUT", f"/fhir/Observation/{row}", "", body, {"if-match": 'W/"1"'}),
            Call("DELETE", f"/fhir/Observation/{row}"),
            Call("PATCH", f"/fhir/Observation/{row}", "", orjson.dumps(test), {**patch, "if-match": 'W/"1"'}),
            Call("PATCH", "/fhir/Observation", f"_id={row}&value-quantity=7731.25", orjson.dumps(test), patch),
            Call("PUT", "/fhir/Observation", f"_id={row}&value-quantity=7731.25", orjson.dumps({**bare, "id": None} | {"id": str(row)})),
            Call("DELETE", "/fhir/Observation", f"_id={row}&value-quantity=7731.25"),
            Call("POST", "/fhir/Observation", "", orjson.dumps(bare), {"if-none-exist": f"_id={row}&value-quantity=7731.25"}),
        ]  # fmt: skip

    await family.hide()
    for masked, unmasked in zip(calls(family.row), calls(plain), strict=True):
        replies = await door.call(masked), await door.call(unmasked)
        told = [
            (one.status, one.body.replace(str(family.row).encode(), b"").replace(str(plain).encode(), b""))
            for one in replies
        ]
        assert told[0] == told[1], masked


async def test_an_attachment_behind_a_masked_part_is_gone_and_another_is_not(family):
    world, custodian = family.world, family.world.system(family.ward)
    about = {"subject": {"reference": f"Patient/{family.child}"}}
    files = [
        await world.put(custodian, {"resourceType": "Binary", "contentType": "text/plain", "data": "aGVq", "securityContext": about["subject"]})
        for _ in range(3)
    ]  # fmt: skip
    content = [{"attachment": {"url": f"Binary/{one}", "title": "Brev"}} for one in files[:2]]
    more = [{"url": "http://example.org/scan", "valueAttachment": {"url": f"Binary/{files[2]}"}}]
    letter = await world.put(
        custodian,
        {"resourceType": "DocumentReference", "status": "current", **about, "content": content, "extension": more},
    )

    async def shown() -> list[bool]:
        return [(await family.asked(f"Binary/{one}")).status == 200 for one in files]

    assert await shown() == [True, True, True]
    await family.hiding.hide(family.doctor, Masking("DocumentReference", letter, "x", YEAR), ["extension"])
    assert await shown() == [True, True, False]
    await family.hiding.hide(family.doctor, Masking("DocumentReference", letter, "x", YEAR), ["content.attachment.url"])
    assert await shown() == [False, False, True]


async def test_what_presents_a_row_that_is_masked_in_part_is_hidden_since_it_may_repeat_it(family):
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/{family.child}"},
              "result": [{"reference": f"Observation/{family.row}"}], "conclusion": SECRET}  # fmt: skip
    written = await family.world.put(family.world.system(family.ward), report)
    assert (await family.asked(f"DiagnosticReport/{written}")).status == 200
    await family.hide()
    assert (await family.asked(f"DiagnosticReport/{written}")).status == 404
    assert (await family.asked(f"DiagnosticReport/{written}", ask=family.doctor)).status == 200


async def test_a_mask_is_for_the_citizen_too_when_it_says_so_and_until_it_ends(family):
    mask = await family.hide(from_citizen=True, until=NOW + timedelta(days=1))
    assert "note" not in await family.body(family.own)
    later = at(family.own, NOW + timedelta(days=1))
    assert "note" in await family.body(later)
    await family.acting.unmask(family.doctor, mask)
    assert "note" in await family.body(family.own)
    assert await family.world.owner.fetchval("select count(*) from fhir.resource where bucket >= 1024") == 0


async def test_another_mask_takes_the_place_of_one_and_a_mask_of_the_whole_row_of_both(family):
    await family.hide("note")
    await family.hide("value")
    part = await family.body()
    assert "valueQuantity" not in part
    assert "note" in part
    await family.acting.mask(family.doctor, "Observation", family.row)
    assert (await family.asked(f"Observation/{family.row}")).status == 404


async def test_a_deleted_row_is_gone_for_everybody(family):
    await family.hide()
    await family.world.delete(family.world.system(family.ward), "Observation", family.row)
    with pytest.raises(Gone):
        await family.world.store.read(family.mother, "Observation", family.row)
    assert not shows(await family.asked(f"Observation/{family.row}/_history"))


async def test_a_clinician_masks_and_shows_again_at_the_fhir_door(family):
    def parameters(**more: Any) -> bytes:
        listed = [
            {"name": name, ("valueBoolean" if value is True else "valueString"): value} for name, value in more.items()
        ]
        return orjson.dumps({"resourceType": "Parameters", "parameter": listed})

    async def posted(path: str, body: bytes, ask: Ask) -> Reply:
        return await Door(family.world, ask).call(Call("POST", f"/fhir/{path}", "", body))

    path = f"Observation/{family.row}/$mask"
    for body in (
        parameters(element="note"),
        parameters(element="status", reason="x"),
        parameters(element="note", reason="x", **{"from-citizen": True}),
    ):
        assert (await posted(path, body, family.doctor)).status == 400
    for ask in (family.mother, family.own, family.world.system(family.ward)):
        assert (await posted(path, parameters(element="note", reason="x"), ask)).status == 404
    done = await posted(path, parameters(element="note", reason="x", until="2026-12-01"), family.doctor)
    assert (done.status, "note" in await family.body()) == (200, False)
    mask = orjson.loads(done.body)["parameter"][0]["valueId"]
    assert (await posted("$unmask", parameters(mask=mask), family.mother)).status == 404
    assert (await posted("$unmask", parameters(mask=mask), family.doctor)).status == 200
    assert "note" in await family.body()
    assert (await posted(path, parameters(reason="x"), family.doctor)).status == 200  # all of it
    assert (await family.asked(f"Observation/{family.row}")).status == 404


async def test_only_a_clinician_who_sees_the_row_masks_a_part_of_it(family):
    world = family.world
    elsewhere = await world.organisation("Et andet sted")
    strangers = [
        world.professional(await world.employee(elsewhere), elsewhere),
        world.professional(await world.employee(family.ward, "secretary"), family.ward, "secretary"),
        family.mother, family.own, world.system(family.ward),
    ]  # fmt: skip
    for stranger in strangers:
        with pytest.raises(Unknown):
            await family.hiding.hide(stranger, Masking("Observation", family.row, "x", YEAR), ["note"])
    for more in (
        {"why": " "},
        {"until": NOW},
        {"from_citizen": True, "until": at(family.own, NOW).at.max.replace(tzinfo=NOW.tzinfo)},
    ):
        with pytest.raises(Unknown):
            await family.hide("note", **more)
    assert await world.owner.fetchval("select count(*) from trust.mask") == 0


@pytest.mark.parametrize(
    "element",
    [
        "status",
        "subject",
        "code",
        "meta",
        "text",
        "id",
        "component.code",
        "nothing",
        "component.nothing",
        "modifierExtension",
        "note.text",
    ],
)
async def test_what_makes_the_row_what_it_is_cannot_be_masked(family, element):
    with pytest.raises(BadRequest):
        await family.hide(element)


async def test_the_citizen_reads_in_the_log_who_masked_a_part_and_who_showed_it_again_and_still_every_look(family):
    mask = await family.hide(from_citizen=True)
    await family.body(family.doctor)
    await family.acting.unmask(family.doctor, mask)
    actions = [row["action"] for row in await family.world.log(family.child)]
    assert (actions.count(120), actions.count(121)) == (1, 1)


async def test_a_stolen_connection_learns_of_no_mask_and_puts_no_part_in_place_of_another(family):
    await family.hide()
    values = "0::bigint, '-infinity', '-infinity', array[]::bigint[], 'd'::bytea, 'x'::bytea, array[]::float8[], '{}', '{}', '{}', '{}', '{}', '{}', null"
    number = await family.world.owner.fetchval("select type from fhir.resource where id = $1 limit 1", family.row)
    thief = await connect(family.world.target.application)
    try:
        assert await thief.fetch("select * from fhir.to_be_masked($1, now())", [family.row]) == []
        for statement in (
            f"select fhir.put_part({number}::smallint, '{family.row}', 1, {values})",
            f"select fhir.put_past_parts({number}::smallint, '{family.row}', array[1], array['x'::bytea], array['x'::bytea])",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await thief.execute(statement)
    finally:
        await thief.close()


async def test_when_a_row_is_purged_nothing_of_what_was_left_of_it_stays(family):
    await family.hide()
    await family.world.owner.execute("delete from fhir.resource where id = $1 and bucket < 1024", family.row)
    for table in ("resource", "version", "resource_string", "resource_date"):
        assert await family.world.owner.fetchval(f"select count(*) from fhir.{table} where bucket >= 1024") == 0


async def test_what_is_left_is_indexed_again_by_what_is_left(family):
    await family.hide()
    await family.world.owner.execute("update fhir.index_work set done_at = null, bucket = -1")
    await family.world.owner.execute("update fhir.resource set tokens = '{}', numbers = '{}' where bucket >= 1024")
    assert await reindex(family.world.owner, lambda count: None) > 1
    assert await family.found("code=http://loinc.org|8867-4") == 1
    assert await family.found("value-quantity=7731.25") == 0
    assert await family.found("value-quantity=7731.25", family.doctor) == 1


async def test_a_citizen_who_tries_a_block_meets_the_row_once_and_as_the_doctor_would(family):
    await family.hide(from_citizen=True)
    simulated = await family.world.owner.fetchval(
        "select trust.decided_for($1::fhir.ask, $2::fhir.ask, $3, array[(select type from fhir.resource where id = $4 limit 1)])",
        ask_row(family.own), ask_row(family.doctor), key_of(family.child), family.row,
    )  # fmt: skip
    assert orjson.loads(simulated) == {str(family.row): 2}
