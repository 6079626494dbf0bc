"""A witness signs what goes on from what it signed before, and never two histories."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from helhed.api.log_door import LogDoor
from helhed.commands.auditing import NotWhole, audit
from helhed.commands.verifying import admit_witness
from helhed.commands.witnessing import Memory, Refused, Witness
from helhed.commands.witnessing.memory import NotAWitness
from helhed.foundation.errors import BadRequest
from helhed.trust.evidence.cosigning import PublicLog
from tests.support.provable import ProvableLog
from tests.support.small_log import ANE, SmallLog, told
from tests.unit.evidence.test_sequencing import written


@pytest.fixture
async def client(log: ProvableLog) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever asks the log over HTTP."""
    door: Any = LogDoor(PublicLog(log.world.store.pool))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://log") as opened:
        yield opened


async def more(log: ProvableLog, rows: int = 3) -> None:
    await written(log.world.owner, rows)
    await log.catch_up()


async def signed(log: ProvableLog, name: str = "third") -> list[int]:
    statement = "select head from foundation.log_cosignature where witness = $1 order by head"
    return [row[0] for row in await log.world.owner.fetch(statement, name)]


async def test_a_witness_signs_each_head_that_goes_on_from_the_last(
    log: ProvableLog, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    memory = Memory(tmp_path, "third")
    await admit_witness(log.world.owner, "third", memory.public.hex())
    witness = Witness(memory, client)
    await more(log)
    assert await witness.look()
    assert not await witness.look()
    for rows in (1, 300, 2):
        await more(log, rows)
    assert await Witness(Memory(tmp_path, "third"), client).look()
    assert await signed(log) == [1, 4]
    told_head = (await client.get("/log/head")).json()
    assert [one["witness"] for one in told_head["cosignatures"]] == ["third"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("update foundation.log_head set body = $1, signature = $2 where number = 1", "rollback"),
        ("delete from foundation.log_head where number = 2 and $1::text <> '' and $2::bytea <> ''", "rollback"),
    ],
    ids=["another head of the same number", "a step back"],
)
async def test_a_log_that_contradicts_itself_is_refused_for_good(
    log: ProvableLog, client: httpx.AsyncClient, tmp_path: Path, change: str, word: str
) -> None:
    memory = Memory(tmp_path, "third")
    await admit_witness(log.world.owner, "third", memory.public.hex())
    await more(log)
    if "delete" in change:
        await more(log)
    await Witness(memory, client).look()
    await log.world.owner.execute("delete from foundation.log_cosignature")
    await log.world.owner.execute(change, *_other_head(log))
    with pytest.raises(Refused, match=word):
        await Witness(memory, client).look()
    assert orjson.loads((tmp_path / "evidence.json").read_bytes())["wrong"] == word
    assert await signed(log) == []


def _other_head(log: ProvableLog) -> tuple[str, bytes]:
    """What whoever has the log's key can say instead."""
    signer = log.sequencer._signers[0]
    head = signer.head(log.sequencer.log, 1, None, size=3, root=bytes(32), map_root=bytes(32), at=1)
    return head.body, head.signature


async def test_a_fork_is_detected(tmp_path: Path) -> None:
    """Two histories, each sound in itself: who has signed one never signs the other."""
    honest, forked = SmallLog(), SmallLog()
    for log in (honest, forked):
        for _ in range(5):
            log.add(ANE)
        log.sign()
    memory = Memory(tmp_path, "third")
    assert await Witness(memory, _served(honest)).look()
    for log, citizen in ((honest, ANE), (forked, 1)):
        log.add(citizen)
        log.sign()
    assert await Witness(memory, _served(honest)).look()
    forked.add(ANE)
    forked.sign()
    with pytest.raises(Refused, match="order"):
        await Witness(memory, _served(forked)).look()


async def test_a_fork_of_the_map_alone_is_detected(tmp_path: Path) -> None:
    """The same leaves, and another chain of a citizen: the line of heads tells."""
    honest, forked = SmallLog(), SmallLog()
    for log in (honest, forked):
        for _ in range(5):
            log.add(ANE)
        log.named[3] = () if log is forked else (ANE,)
        log.sign()
    memory = Memory(tmp_path, "third")
    assert await Witness(memory, _served(honest)).look()
    forked.add(ANE)
    forked.sign()
    with pytest.raises(Refused, match="order"):
        await Witness(memory, _served(forked)).look()


async def test_a_tree_that_is_not_the_beginning_of_the_next_is_refused(tmp_path: Path) -> None:
    """A row rewritten in the past, under heads that follow one another."""
    log = SmallLog()
    for _ in range(5):
        log.add(ANE)
    log.sign()
    memory = Memory(tmp_path, "third")
    await Witness(memory, _served(log)).look()
    log.leaves[2] = hashlib.sha256(b"another").digest()
    log.add(ANE)
    log.sign()
    with pytest.raises(Refused, match="order"):
        await Witness(memory, _served(log)).look()


async def test_another_log_than_the_expected_one_is_refused(tmp_path: Path) -> None:
    log = SmallLog()
    log.add(ANE)
    log.sign()
    with pytest.raises(Refused, match="log"):
        await Witness(Memory(tmp_path, "third"), _served(log), log="ab" * 32).look()


def _served(log: SmallLog) -> httpx.AsyncClient:
    """A log in memory, over HTTP, as whoever runs it would have it answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = {name: int(value) for name, value in request.url.params.items()}
        match request.url.path:
            case "/log/head":
                return httpx.Response(200, json={"log": log.log.hex(), "head": told(log.heads[-1]), "cosignatures": []})
            case "/log/keys":
                return httpx.Response(200, json={"log": log.log.hex(), "keys": log.told_keys(), "witnesses": []})
            case "/log/heads":
                return httpx.Response(200, json={"heads": [told(one) for one in log.heads[asked["after"] :]]})
            case "/log/consistency":
                proof = log.tree().consistency(asked["first"])
                return httpx.Response(200, json={"consistency": [one.hex() for one in proof]})
        return httpx.Response(204)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://log")


async def test_what_no_witness_signed_is_not_taken_in(
    log: ProvableLog, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    memory, stranger = Memory(tmp_path / "a", "third"), Memory(tmp_path / "b", "third")
    await admit_witness(log.world.owner, "third", memory.public.hex())
    await more(log)
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        await Witness(stranger, client).look()
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        await Witness(Memory(tmp_path / "c", "fourth"), client).look()
    assert (await client.post("/log/cosign", content=b"{" * 5000)).status_code == 413
    odd = {"at": 1, "head": "00", "log": "00", "v": 1, "witness": "region\x00demo"}
    sent = orjson.dumps({"number": 1, "body": orjson.dumps(odd).decode(), "signature": "00" * 64})
    assert (await client.post("/log/cosign", content=sent)).status_code == 400
    for content in (b"", b"[]", b"{}", b'{"number":1,"body":"{}","signature":"zz"}'):
        assert (await client.post("/log/cosign", content=content)).status_code == 400
    assert await signed(log) == []


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/log/consistency?first=0&second=3", 400),
        ("/log/consistency?first=1&second=4", 400),
        ("/log/consistency?first=3&second=1", 400),
        ("/log/consistency?first=-1&second=3", 400),
        ("/log/consistency?first=1", 400),
        ("/log/consistency?first=1&first=2&second=3", 400),
        ("/log/consistency?first=1&second=99999999999999999999", 400),
        ("/log/heads?after=%00", 400),
        ("/log/nothing", 404),
        ("/log/cosign", 405),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    log: ProvableLog, client: httpx.AsyncClient, address: str, status: int
) -> None:
    await more(log)
    assert (await client.get(address)).status_code == status


async def test_a_witness_that_lost_its_memory_does_not_sign(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "third")
    (tmp_path / "signed.json").write_text("{")
    with pytest.raises(NotAWitness):
        memory.signed()
    with pytest.raises(NotAWitness):
        Memory(tmp_path, "Not a name")


async def test_two_witnesses_have_two_keys(log: ProvableLog, tmp_path: Path) -> None:
    key = Memory(tmp_path, "third").public.hex()
    await admit_witness(log.world.owner, "third", key)
    with pytest.raises(BadRequest):
        await admit_witness(log.world.owner, "fourth", key)


async def test_a_restored_copy_that_is_too_old_is_known_by_what_a_witness_signed(
    log: ProvableLog, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    memory = Memory(tmp_path, "third")
    await admit_witness(log.world.owner, "third", memory.public.hex())
    await more(log)
    await more(log)
    await Witness(memory, client).look()
    assert await audit(log.world.owner, [tmp_path / "signed.json"])
    await log.world.owner.execute("delete from foundation.log_cosignature")
    await log.world.owner.execute("delete from foundation.log_head where number = 2")
    with pytest.raises(NotWhole, match="lost"):
        await audit(log.world.owner, [tmp_path / "signed.json"])
