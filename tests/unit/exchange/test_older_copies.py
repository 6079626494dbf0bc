"""Copies for systems that speak MedCom's older syntaxes: written as letters, and ended by receipts of the same kind."""

import asyncio
from typing import Any

import pytest

from helhed.exchange.legacy import decode, encode, receipt, to_fhir
from helhed.exchange.messages.delivering import Carrier
from helhed.exchange.messages.modes import Mode, Modes
from helhed.foundation.guarded import Reach
from helhed.foundation.ids import key_of
from tests.support.world import NOW
from tests.unit.exchange import test_message_folders as folders
from tests.unit.exchange.letters import Post
from tests.unit.exchange.listener import Listener
from tests.unit.exchange.test_following import sent, steps, system_of
from tests.unit.exchange.test_older_messages import file, send
from tests.unit.registries.test_address_book import endpoint

pytestmark = pytest.mark.asyncio
post, root = folders.post, folders.root


async def takes(post: Post, name: str, address: str = "https://klinik.example") -> None:
    """The clinic's system takes an older message."""
    await post.world.put(
        post.world.system(post.clinic), endpoint(post.clinic, address, name, period={"start": "2020-01-01"})
    )


async def state(post: Post) -> tuple[str, str | None]:
    """Of the newest copy."""
    row = await post.world.owner.fetchrow(
        "select state, reason from exchange.delivery order by changed_at desc limit 1"
    )
    assert row is not None
    return row["state"], row["reason"]


class Old(Listener):
    """A receiver that reads letters, and answers with a receipt."""

    def __init__(self, refused: str = "") -> None:
        super().__init__()
        self.refused = refused

    async def answer(self, writer: asyncio.StreamWriter, body: bytes, code: str) -> None:
        told = encode(receipt(decode(body), "Kvit1", NOW, refused=self.refused))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(told) + told)
        await writer.drain()
        writer.close()


@pytest.mark.parametrize(("name", "suffix"), [("XDIS91", "xml"), ("DIS91", "edi")])
async def test_correspondence_that_was_born_in_fhir_goes_as_a_letter_and_a_receipt_ends_it(post, root, name, suffix):
    await takes(post, name)
    await sent(post)
    assert await folders.carrying(post, root).round() == 1
    (out,) = (root / str(post.clinic) / "out").iterdir()
    assert out.suffix == f".{suffix}"
    told = next(
        e["resource"]
        for e in to_fhir(decode(out.read_bytes())).bundle["entry"]
        if e["resource"]["resourceType"] == "Communication"
    )
    assert "Kan I se på ham?" in told["payload"][0]["contentString"]
    assert "written-as-letter" in await steps(post)
    back = encode(receipt(decode(out.read_bytes()), "Kvit1", NOW))
    (root / str(post.clinic) / "in" / "kvittering").write_bytes(back)
    assert await folders.dropping(post, root).round() == 1
    assert await state(post) == ("acknowledged", None)
    assert [one.name for one in (root / str(post.clinic) / "out").iterdir()] == [out.name]  # a receipt is not answered


async def test_a_letter_that_came_as_one_goes_on_word_for_word(post, root):
    await takes(post, "DIS01")
    assert (await send(post, file("DIS01.edi")))[0] == 200
    await folders.carrying(post, root).round()
    (out,) = (root / str(post.clinic) / "out").iterdir()
    assert out.read_bytes() == file("DIS01.edi")


@pytest.mark.parametrize(
    ("refused", "ends"), [("", ("acknowledged", None)), ("Vi kender ikke borgeren.", ("refused", "refused"))]
)
async def test_an_older_system_on_a_line_is_sent_its_letter_and_its_receipt_counts(post, refused, ends):
    async with Old(refused) as old:
        await Modes(post.world.store).set(
            post.world.system(post.clinic), key_of(post.clinic), Mode.of("", "both", "rest", None)
        )
        await takes(post, "DIS91", old.address)
        await sent(post)
        await Carrier(post.world.store, lambda: NOW, system_of, Reach(loopback=True)).round()
        assert old.received[0].startswith(b"UNA")
    assert await state(post) == ends
    row: Any = await post.world.owner.fetchrow("select said from exchange.delivery")
    assert refused in row["said"]


async def test_who_takes_both_is_sent_fhir(post, root):
    await takes(post, "XDIS91")
    await takes(post, "care-communication-message")
    await sent(post)
    await folders.carrying(post, root).round()
    assert [one.suffix for one in (root / str(post.clinic) / "out").iterdir()] == [".json"]


async def test_nobody_ends_what_went_to_another_by_a_receipt(post, root):
    await takes(post, "XDIS91")
    await sent(post)
    await folders.carrying(post, root).round()
    (out,) = (root / str(post.clinic) / "out").iterdir()
    back = encode(receipt(decode(out.read_bytes()), "Kvit1", NOW))
    (root / str(post.hospital) / "in" / "kvittering").write_bytes(back)
    await folders.dropping(post, root).round()
    assert (await state(post))[0] == "sent"
    assert await post.world.owner.fetchval("select reason from exchange.parked") == "unknown-receipt"
