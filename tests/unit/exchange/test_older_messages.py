"""A letter of MedCom's older families, handed in as a file, goes the way of every message."""

from typing import Any

import orjson
import pytest

from helhed.exchange.legacy import Legacy, decode, encode, families, from_fhir, to_fhir
from helhed.fhir import exact
from helhed.portals.language import Words
from helhed.registries.identifiers import CPR, GLN, SOR
from tests.support.door import Door
from tests.support.pages import Pages
from tests.unit.exchange.legacy.samples import sample
from tests.unit.exchange.letters import CLINIC, HOSPITAL, NUMBER, TOWN, Post, unit
from tests.unit.exchange.test_message_pages import opened

pytestmark = pytest.mark.asyncio
SENDER, RECEIVER = "5790001234567", "5790007654321"
EDIFACT = "application/edifact"


@pytest.fixture
async def post(world):
    """Everybody in place, with the numbers that the letters have."""
    hospital = await unit(world, "Sygehus", HOSPITAL, identifier=_numbers(HOSPITAL, SENDER))
    clinic = await unit(world, "Klinik", CLINIC, identifier=_numbers(CLINIC, RECEIVER))
    town = await unit(world, "Kommune", TOWN)
    await world.owner.execute(
        "update registries.unit_fact set valid_from = '2020-01-01'"
    )  # the clock of the world stands
    patient = await world.patient(hospital, identifier=[{"system": CPR, "value": NUMBER}])
    return Post(world, hospital, clinic, town, patient)


def _numbers(sor: str, gln: str) -> list[dict[str, str]]:
    return [{"system": SOR, "value": sor}, {"system": GLN, "value": gln}]


def file(name: str) -> bytes:
    """A sample about the citizen who is here."""
    return sample(name).replace(b"0101809876", NUMBER.encode())


async def send(post: Post, raw: bytes, media: str = EDIFACT, by: Any = None) -> tuple[int, Any]:
    """Status and answer: a letter, or what it was refused with."""
    door = Door(post.world, post.world.system(by or post.hospital))
    start, body = await door._sent("POST", "/fhir/$process-message", "", raw, {"content-type": media})
    answer = body["body"]
    return start["status"], answer if dict(start["headers"])[b"content-type"] == media.encode() else orjson.loads(
        answer
    )


def receipt_of(answer: Any) -> tuple[str, str]:
    """The code of a receipt, and what it answers."""
    header = to_fhir(decode(answer)).bundle["entry"][0]["resource"]
    return header["response"]["code"], header["response"]["identifier"]


async def rows(post: Post, type_name: str) -> list[Any]:
    """What stands in the record, as the citizen sees it."""
    page = await post.world.search(post.world.citizen(post.patient), f"{type_name}?patient=Patient/{post.patient}")
    return [orjson.loads(one.body) for one in page.matches]


async def kept(post: Post) -> list[Any]:
    """What the network keeps of messages."""
    return list(await post.world.owner.fetch("select * from exchange.message order by number"))


@pytest.mark.parametrize(("name", "media"), [("DIS01.edi", EDIFACT), ("DIS01.xml", "text/xml")])
async def test_a_discharge_letter_is_taken_shared_and_what_it_asks_for_is_a_piece_of_work(post, name, media):
    status, answer = await send(post, file(name), media)
    assert (status, receipt_of(answer)) == (200, ("ok", "Kuvert0001"))
    (composition,) = await rows(post, "Composition")
    assert "Indlagt akut" in composition["section"][0]["text"]["div"]
    assert composition["subject"]["reference"] == f"Patient/{post.patient}"
    assert composition["author"][0]["reference"] == f"Organization/{post.hospital}"
    assert len(await rows(post, "Condition")) == 3
    (task,) = await rows(post, "Task")
    assert task["description"].startswith("blodprøver (levertal)")
    assert task["owner"]["reference"] == f"Organization/{post.clinic}"
    assert task["focus"]["reference"] == f"Composition/{composition['id']}"
    (message,) = await kept(post)
    assert (message["type"], message["code"]) == ("DIS01", "ok")
    assert message["messaged"] == message["shared"] is not None


async def test_the_letter_comes_back_word_for_word_from_what_is_kept(post):
    await send(post, file("DIS01.edi"))
    (message,) = await kept(post)
    assert encode(from_fhir(exact.loads(message["body"]))) == file("DIS01.edi")


async def test_a_stay_that_a_letter_tells_of_opens_no_record(post):
    await send(post, file("DIS20.edi"))
    await send(post, file("DIS91.edi"))
    assert await rows(post, "Encounter") == []
    assert await post.world.owner.fetchval("select count(*) from exchange.message") == 2


async def test_the_same_file_twice_is_one_message_and_gets_the_same_receipt(post):
    first = await send(post, file("RPT01.edi"))
    assert await send(post, file("RPT01.edi")) == first
    assert len(await kept(post)) == 1
    assert len(await rows(post, "Observation")) == 4


async def test_a_referral_asks_its_receiver_to_accept_it(post):
    await send(post, file("REF01.xml"), "application/xml")
    (task,) = await rows(post, "Task")
    assert task["code"]["coding"][0]["code"] == "referral-to-accept"
    (request,) = await rows(post, "ServiceRequest")
    assert task["focus"]["reference"] == f"ServiceRequest/{request['id']}"


async def test_a_letter_to_nobody_here_is_refused_by_a_receipt_and_kept(post):
    raw = file("DIS91.edi").replace(RECEIVER.encode(), b"5790009999999").replace(b"012345:YNR:SFU", b"999999:YNR:SFU")
    status, answer = await send(post, raw)
    assert (status, receipt_of(answer)) == (200, ("fatal-error", "Kuvert0001"))
    outcome = to_fhir(decode(answer)).bundle["entry"][1]["resource"]
    assert "receiver" in outcome["issue"][0]["diagnostics"].lower()
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "problem_med_modtagerID"
    assert await rows(post, "Communication") == []


async def test_nobody_sends_a_letter_as_somebody_else(post):
    status, _ = await send(post, file("DIS01.edi"), by=post.town)
    assert status == 403
    assert await rows(post, "Composition") == []
    assert [row["reason"] for row in await post.world.owner.fetch("select reason from exchange.parked")] == ["forged"]


async def test_a_broken_file_is_refused_with_its_place_and_kept(post):
    status, answer = await send(post, file("DIS01.edi").replace(b"UNT+", b"UNT+9"))
    assert status == 400
    assert "segment" in answer["issue"][0]["expression"][0]
    assert await kept(post) == []
    assert [row["reason"] for row in await post.world.owner.fetch("select reason from exchange.parked")] == [
        "unreadable"
    ]


@pytest.mark.parametrize("name", ["CTL01.edi", "CTL02.xml", "CTL03.edi"])
async def test_a_receipt_of_what_never_went_from_here_is_kept_and_shown_and_is_no_letter(post, name):
    assert (await send(post, file(name)))[0] == 404
    assert await kept(post) == []
    row = await post.world.owner.fetchrow("select reason, body from exchange.parked")
    assert (row["reason"], row["body"]) == ("unknown-receipt", file(name))


async def test_a_letter_about_somebody_not_known_yet_is_taken_when_they_are(post):
    raw = sample("DIS91.edi")
    assert receipt_of((await send(post, raw))[1])[0] == "fatal-error"  # a receipt knows no other no
    await post.world.patient(post.hospital, identifier=[{"system": CPR, "value": "0101809876"}])
    assert receipt_of((await send(post, raw))[1])[0] == "ok"
    assert len(await kept(post)) == 1


async def test_several_letters_in_one_envelope_are_several_messages(post):
    raw = file("DIS91.edi")
    begin, end = raw.index(b"UNH"), raw.index(b"UNZ")
    both = raw[:end] + raw[begin:end].replace(b"Brev0001", b"Brev0002") + b"UNZ+2+Kuvert0001'\n"
    status, answer = await send(post, both)
    assert status == 200
    assert len(await kept(post)) == 2
    answered: Legacy = decode(answer)
    assert encode(answered).count(b"UCM+") == 2


async def test_a_receiver_whom_the_citizen_blocks_gets_no_letter(post):
    await post.world.block(post.patient, who=post.clinic)
    status, answer = await send(post, file("DIS01.edi"))
    assert (status, receipt_of(answer)[0]) == (200, "fatal-error")
    assert await rows(post, "Composition") == []
    assert await rows(post, "Task") == []


async def test_a_letter_stands_in_the_citizen_s_log(post):
    await send(post, file("DIS01.edi"))
    log = await post.world.log(post.patient)
    assert [row["permitted"] for row in log if row["action"] == 190] == [True]


async def test_pages_call_a_letter_by_its_kind(post):
    for name in ("DIS01.edi", "DIS91.edi"):
        await send(post, file(name))
    pages = Pages(post.world)
    citizen = await pages.person(post.world.citizen(post.patient))
    await citizen.ask("GET", "/borger/breve")
    assert citizen.status == 200
    assert "Epikrise" in citizen.page
    assert "Korrespondancemeddelelse" in citizen.page
    doctor, base = await opened(post, pages, post.clinic)
    await doctor.ask("GET", base)
    assert doctor.status == 200
    assert "Sårpleje efter udskrivelse" in doctor.page


async def test_every_family_that_is_taken_has_its_words_in_both_languages():
    for language in ("da", "en"):
        words = Words(language)
        assert all(words(f"message.type.{code}") for code in families.codes() if not code.startswith("CTL"))
