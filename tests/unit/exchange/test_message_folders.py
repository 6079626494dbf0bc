"""Messages by files: out to the receiver's folder, in from the sender's; each once, whoever is killed in between."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.exchange.messages.acknowledging import acknowledgement
from helhed.exchange.messages.delivering import Carrier
from helhed.exchange.messages.dropping import Drops
from helhed.exchange.messages.folders import Folder, Folders
from helhed.exchange.messages.following import Messages
from helhed.exchange.messages.intake import Intake
from helhed.exchange.messages.lettering import rendered
from helhed.exchange.messages.modes import Mode, Modes
from helhed.exchange.messages.older import Letters
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR, GLN, SOR
from tests.support.world import NOW
from tests.unit.exchange.legacy.samples import sample
from tests.unit.exchange.letters import CLINIC, HOSPITAL, NUMBER, Post, letter, raw, unit
from tests.unit.exchange.test_following import LATER, sent, steps, system_of, tasks

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def post(world):
    """Everybody in place; the clinic takes messages as files."""
    hospital = await unit(world, "Sygehus", HOSPITAL, identifier=_numbers(HOSPITAL, "5790001234567"))
    clinic = await unit(world, "Klinik", CLINIC, identifier=_numbers(CLINIC, "5790007654321"))
    await world.owner.execute("update registries.unit_fact set valid_from = '2020-01-01'")
    patient = await world.patient(hospital, identifier=[{"system": CPR, "value": NUMBER}])
    await Modes(world.store).set(world.system(clinic), key_of(clinic), Mode.of("", "both", "file", None))
    return Post(world, hospital, clinic, clinic, patient)


def _numbers(sor: str, gln: str) -> list[dict[str, str]]:
    return [{"system": SOR, "value": sor}, {"system": GLN, "value": gln}]


@pytest.fixture
def root(tmp_path, post):
    """The folders that whoever runs the network made."""
    for one in (post.hospital, post.clinic):
        (tmp_path / str(one) / "in").mkdir(parents=True)
    return tmp_path


def carrying(post: Post, root: Path | None, moment: Any = NOW) -> Carrier:
    """What carries copies."""
    return Carrier(post.world.store, lambda: moment, system_of, folders=Folders(root) if root else None)


def dropping(post: Post, root: Path) -> Drops:
    """What takes drops."""
    return Drops(post.world.store, lambda: NOW, system_of, Folders(root))


def files(root: Path, own: UUID, name: str) -> list[Path]:
    """What is in one of the folders of an organisation."""
    folder = root / str(own) / name
    return sorted(folder.iterdir()) if folder.is_dir() else []


def drop(root: Path, own: UUID, content: bytes, name: str = "besked.json") -> Path:
    """A file from the organisation's system."""
    path = root / str(own) / "in" / name
    path.write_bytes(content)
    return path


async def kept(post: Post) -> int:
    """How many messages the network keeps."""
    return int(await post.world.owner.fetchval("select count(*) from exchange.message"))


async def parked(post: Post) -> list[str]:
    """Why what was put aside was."""
    return [row["reason"] for row in await post.world.owner.fetch("select reason from exchange.parked")]


async def test_a_copy_is_a_file_of_the_receivers_folder_and_its_answer_comes_by_one(post, root):
    message = await sent(post)
    assert await carrying(post, root).round() == 1
    assert await carrying(post, root).round() == 0
    (file,) = files(root, post.clinic, "out")
    copy = orjson.loads(file.read_bytes())
    assert (copy["entry"], copy["id"]) == (message["entry"], file.stem)
    assert (await steps(post))[-1] == "delivered"
    read = Intake(post.world.store).read(file.read_bytes())
    drop(root, post.clinic, orjson.dumps(acknowledgement(read, UUID(int=5), UUID(int=6), NOW, "ok")))
    assert await dropping(post, root).round() == 1
    assert (await steps(post))[-1] == "receiver-acknowledged"
    assert [len(files(root, post.clinic, name)) for name in ("in", "work", "done", "parked", "out")] == [0, 0, 1, 0, 1]


async def test_a_file_that_cannot_be_done_with_stays_and_hinders_no_other(post, root, monkeypatch):
    wrong, right = raw(letter()), raw(letter())
    drop(root, post.hospital, wrong, "a.json")
    drop(root, post.hospital, right, "b.json")
    real = Intake.read

    def fails(intake, sent):
        if sent == wrong:
            raise KeyError("x")
        return real(intake, sent)

    with monkeypatch.context() as patch:
        patch.setattr(Intake, "read", fails)
        assert await dropping(post, root).round() == 1
    assert await kept(post) == 1
    assert [len(files(root, post.hospital, name)) for name in ("in", "work", "done", "parked")] == [0, 1, 1, 0]
    assert await dropping(post, root).round() == 1
    assert await kept(post) == 2


async def test_a_copy_that_cannot_be_written_hinders_no_other(post, root, monkeypatch):
    await sent(post)
    await sent(post)
    tried = list[Any]()

    def fails(*given):
        tried.append(given)
        if len(tried) == 1:
            raise KeyError("x")
        return rendered(*given)

    monkeypatch.setattr("helhed.exchange.messages.delivering.rendered", fails)
    await carrying(post, root).round()
    assert len(files(root, post.clinic, "out")) == 1
    reasons = await post.world.owner.fetch("select reason from exchange.delivery where reason is not null")
    assert [row["reason"] for row in reasons] == ["cannot-be-said"]


async def test_what_is_not_on_the_disk_does_not_count_as_handed_over(post, root, monkeypatch):
    await sent(post)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            await carrying(post, root).round()
    assert files(root, post.clinic, "out") == []
    assert "delivered" not in await steps(post)
    assert await carrying(post, root).round() == 1
    assert len(files(root, post.clinic, "out")) == 1


@pytest.mark.parametrize("there", ["no folders", "no folder of its own", "a link"])
async def test_a_receiver_without_a_folder_is_in_the_end_the_senders_move(post, root, there, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    if there != "no folders":
        (root / str(post.clinic) / "in").rmdir()
        (root / str(post.clinic)).rmdir()
    if there == "a link":
        (root / str(post.clinic)).symlink_to(elsewhere)
    await sent(post)
    for times in range(5):
        await carrying(post, None if there == "no folders" else root, NOW + times * LATER).round()
    assert list(elsewhere.iterdir()) == []
    assert [one["code"]["coding"][0]["code"] for one in await tasks(post)].count("undeliverable-message") == 1


async def test_an_out_that_is_a_link_is_not_followed(post, root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (root / str(post.clinic) / "out").symlink_to(elsewhere)
    await sent(post)
    await carrying(post, root).round()
    assert list(elsewhere.iterdir()) == []


async def test_nothing_is_written_over(root, post):
    with Folders(root).of(post.clinic) as folder:
        folder.put("a.json", b"first")
        folder.put("a.json", b"second")
    assert [one.read_bytes() for one in files(root, post.clinic, "out")] == [b"first"]


@pytest.mark.parametrize("step", ["put", "move"])
async def test_who_is_killed_between_two_steps_takes_it_once_and_answers_the_same(post, root, monkeypatch, step):
    drop(root, post.hospital, raw(letter()))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, step, killed)
        with pytest.raises(KeyboardInterrupt):
            await dropping(post, root).round()
    before = [one.read_bytes() for one in files(root, post.hospital, "out")]
    assert await dropping(post, root).round() == 1
    (answer,) = files(root, post.hospital, "out")
    assert before in ([], [answer.read_bytes()])
    assert orjson.loads(answer.read_bytes())["entry"][0]["resource"]["response"]["code"] == "ok"
    assert (await kept(post), len(files(root, post.hospital, "done"))) == (1, 1)
    assert await dropping(post, root).round() == 0


async def test_a_letter_is_answered_by_its_receipt(post, root):
    drop(root, post.hospital, sample("DIS91.edi").replace(b"0101809876", NUMBER.encode()), "brev.txt")
    assert await dropping(post, root).round() == 1
    (answer,) = files(root, post.hospital, "out")
    assert answer.suffix == ".edi"
    assert b"CTL03" in answer.read_bytes()


async def test_who_writes_in_a_folder_speaks_for_that_organisation_alone(post, root):
    drop(root, post.clinic, raw(letter(sender=HOSPITAL)))
    await dropping(post, root).round()
    assert (await kept(post), await parked(post)) == (0, ["forged"])
    assert len(files(root, post.clinic, "parked")) == 1
    (answer,) = files(root, post.clinic, "out")
    assert orjson.loads(answer.read_bytes())["resourceType"] == "OperationOutcome"


async def test_rubbish_is_put_aside_and_what_is_after_it_is_taken(post, root):
    for number, content in enumerate((b"", b"{", b"<a", b"UNB+", b"\xff\xfe", b"[]")):
        os.utime(drop(root, post.hospital, content, f"{number}"), (number, number))
    drop(root, post.hospital, raw(letter()))
    assert await dropping(post, root).round() == 7
    assert (await kept(post), len(files(root, post.hospital, "done"))) == (1, 1)
    assert len(files(root, post.hospital, "parked")) == 6


async def test_half_files_links_folders_and_pipes_stay_where_they_are(post, root, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.json"
    secret.write_bytes(raw(letter()))
    own = root / str(post.hospital) / "in"
    (own / "link.json").symlink_to(secret)
    os.link(secret, own / "hard.json")
    (own / "folder.json").mkdir()
    os.mkfifo(own / "pipe.json")
    for name in ("a.part", "b.tmp", ".c"):
        drop(root, post.hospital, raw(letter()), name)
    assert await dropping(post, root).round() == 0
    assert (await kept(post), await parked(post), len(files(root, post.hospital, "in"))) == (0, [], 7)


async def test_two_do_not_pick_up_in_one_folder_at_a_time(post, root):
    drop(root, post.hospital, raw(letter()))
    with Folders(root).of(post.hospital) as folder, folder.alone() as alone:
        assert alone
        assert await dropping(post, root).round() == 0
    assert await dropping(post, root).round() == 1


async def test_a_letter_that_was_put_aside_goes_the_way_of_letters_again(post):

    operator = post.world.professional(await post.world.employee(post.hospital, "operator"), post.hospital, "operator")
    await Letters(post.world.store, Intake(post.world.store)).take(
        post.world.system(post.hospital), sample("DIS01.edi")
    )
    (one,) = await Messages(post.world.store).parked(operator)
    patient = await post.world.patient(post.hospital, identifier=[{"system": CPR, "value": "0101809876"}])
    taken = await Messages(post.world.store).again(operator, one.id, system_of)
    assert taken.code == "ok"
    found = await post.world.search(post.world.citizen(patient), f"Composition?patient=Patient/{patient}")
    assert len(found.matches) == 1
    assert await kept(post) == 1


def _same(moment: datetime) -> datetime:
    return moment


async def test_what_was_put_away_long_ago_is_deleted_and_what_is_new_or_elsewhere_stays(post, root):
    own = root / str(post.hospital)
    (own / "in" / "besked").write_bytes(raw(letter()))
    (own / "in" / "noget").write_bytes(b"{}")
    assert await dropping(post, root).round() == 2
    (done,), (parked,) = (own / "done").iterdir(), (own / "parked").iterdir()
    answers = sorted((own / "out").iterdir())
    os.utime(done, (0, 0))  # as old as its sender says
    for name, days, left in (("done", 29, True), ("done", 31, False), ("parked", 179, True), ("parked", 181, False)):
        later = datetime.now(UTC) + timedelta(days=days)
        await replace(dropping(post, root), clock=partial(_same, later)).round()
        assert (done if name == "done" else parked).exists() is left
    assert sorted((own / "out").iterdir()) == answers
    assert await post.world.owner.fetchval("select count(*) from exchange.parked") == 1
