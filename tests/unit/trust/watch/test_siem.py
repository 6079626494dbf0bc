"""Events reach a security centre's system at least once, over checked TLS, and name nobody."""

import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, Target, connect, create_pool
from helhed.trust.watch.events import EventKind, SecurityEvents
from helhed.trust.watch.ocsf import Pseudonyms, event
from helhed.trust.watch.siem import Siem, SiemExport, SiemUnreachable, message

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECRET = b"0" * 32


def _certificate(folder: Path, address: str) -> Path:
    """A server that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, today = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")]), system_clock()
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / f"{uuid4().hex}.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Sink:
    """A syslog server over TLS that takes what comes; it drops the first connections after some bytes, when told to."""

    def __init__(self, certificate: Path, drops: list[int], *, says_goodbye: bool = True) -> None:
        self._says_goodbye = says_goodbye
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.polite_end = False  #: whether a drop is an ordinary end of TCP
        self.drops, self.taken, self.connections = drops, [], 0  # type: ignore[var-annotated]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with self._context.wrap_socket(plain, server_side=True) as secured:
                    self._take(secured)
            except OSError:
                continue

    def _take(self, secured: ssl.SSLSocket) -> None:
        limit = self.drops.pop(0) if self.drops else None
        received = b""
        while part := secured.recv(512):
            received += part
            if limit is not None and len(received) >= limit:
                if not self.polite_end:
                    secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                secured.close()
                return
        self.taken += _frames(received)
        if self._says_goodbye:
            secured.unwrap()

    def close(self) -> None:
        self._listening.close()


def _frames(received: bytes) -> list[dict[str, object]]:
    """Octet counting (RFC 5425, section 4.3)."""
    found = []
    while received:
        length, _, rest = received.partition(b" ")
        frame, received = rest[: int(length)], rest[int(length) :]
        head, _, told = frame.partition(b" - {")
        assert head.startswith(b"<8")
        found.append(json.loads(b"{" + told))
    return found


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return _certificate(tmp_path, "127.0.0.1")


@pytest.fixture
def sink(certificate: Path, request: pytest.FixtureRequest) -> Iterator[Sink]:
    opened = Sink(certificate, list(getattr(request, "param", [])))
    yield opened
    opened.close()


@pytest.fixture
async def owner(target: Target) -> AsyncIterator[Connection]:
    connection = await connect(target.owner)
    yield connection
    await connection.close()


async def _noted(target: Target, many: int) -> None:
    async with await create_pool(target, size=1, statement_timeout_ms=5000) as pool:
        events = SecurityEvents(pool, SECRET, lambda: NOW)
        for n in range(many):
            events.note(EventKind.LOGIN_REFUSED, actor=4711, place=f"192.0.2.{n}", client="app")
        await events.write()


async def _sent(target: Target, siem: Siem) -> int:
    async with await create_pool(target, size=1, statement_timeout_ms=5000) as pool:
        return await SiemExport(pool, SECRET, lambda: NOW + timedelta(minutes=1), siem).once()


@pytest.mark.parametrize("sink", [[600, 1, 4000]], indirect=True)
async def test_a_sink_that_drops_and_comes_back_gets_everything(target: Target, sink: Sink, certificate: Path):
    await _noted(target, 40)
    siem = Siem("127.0.0.1", sink.port, certificate)
    for _ in range(3):
        with pytest.raises(SiemUnreachable):
            await _sent(target, siem)
    assert await _sent(target, siem) == 40
    assert await _sent(target, siem) == 0
    assert len({one["metadata"]["uid"] for one in sink.taken}) == 40
    assert sink.connections == 4


async def test_a_collector_that_closes_without_a_word_but_read_everything_is_not_told_twice(
    target: Target, certificate: Path
):
    rude = Sink(certificate, [], says_goodbye=False)
    siem = Siem("127.0.0.1", rude.port, certificate)
    for many in (40, 25):
        await _noted(target, many)
        assert await _sent(target, siem) == many
        assert await _sent(target, siem) == 0
    assert len({one["metadata"]["uid"] for one in rude.taken}) == len(rude.taken) == 65
    assert rude.connections == 2
    rude.close()


@pytest.mark.parametrize("read", [1, 600, 4000])
async def test_a_collector_that_closes_without_a_word_before_it_read_everything_is_told_again(
    target: Target, certificate: Path, read: int
):
    rude = Sink(certificate, [read], says_goodbye=False)
    rude.polite_end = True
    siem = Siem("127.0.0.1", rude.port, certificate)
    await _noted(target, 400)
    with pytest.raises(SiemUnreachable):
        await _sent(target, siem)
    assert await _sent(target, siem) == 400
    assert len({one["metadata"]["uid"] for one in rude.taken}) == 400
    rude.close()


async def test_a_server_that_nobody_vouches_for_gets_nothing(target: Target, sink: Sink, tmp_path: Path):
    await _noted(target, 3)
    for authority in (None, _certificate(tmp_path, "127.0.0.1")):
        with pytest.raises(SiemUnreachable):
            await _sent(target, Siem("127.0.0.1", sink.port, authority))
    assert sink.taken == []


async def test_a_server_by_another_name_gets_nothing(target: Target, tmp_path: Path):
    other = _certificate(tmp_path, "127.0.0.9")
    opened = Sink(other, [])
    await _noted(target, 3)
    with pytest.raises(SiemUnreachable):
        await _sent(target, Siem("127.0.0.1", opened.port, other))
    assert opened.taken == []
    opened.close()


async def test_cases_events_and_traffic_go_out_without_anybody_in_them(
    target: Target, owner: Connection, sink: Sink, certificate: Path
):
    await _noted(target, 1)
    await owner.execute("insert into trust.watch_traffic values ('epj', 9, $1, 120, 3)", NOW - timedelta(hours=4))
    await owner.execute("insert into trust.watch_subject (actor, organisation, role) values (4711, 9, 'doctor')")
    raising = "select trust.watch_raise('person', id, '', null, $1, $1, 120, $2::jsonb, $1) from trust.watch_subject"
    await owner.execute(raising, NOW, json.dumps([{"signal": "drip", "points": 120, "figures": {"n": 3}}]))
    assert await _sent(target, Siem("127.0.0.1", sink.port, certificate)) == 3
    assert sorted(one["class_uid"] for one in sink.taken) == [2004, 3002, 6003]
    assert all(one["type_uid"] == one["class_uid"] * 100 + one["activity_id"] for one in sink.taken)
    told = json.dumps(sink.taken)
    assert "4711" not in told
    assert "192.0.2" not in told
    people = {one["user"]["uid"] for one in sink.taken if one["class_uid"] == 3002}
    assert people == {one["unmapped"]["subject"] for one in sink.taken if one["class_uid"] == 2004}


def test_another_installations_pseudonyms_are_others():
    assert Pseudonyms(SECRET).of("7") == Pseudonyms(SECRET).of("7") != Pseudonyms(b"1" * 32).of("7")
    assert Pseudonyms(SECRET).of(None) == "unknown"


def test_a_message_is_one_line_of_ascii_whatever_a_client_calls_itself():
    told = {"at": NOW.isoformat(), "client": "æøå\n<1>", "organisation": "9", "asks": 1, "refused": 0}
    sent = message(event("hour", 1, told, Pseudonyms(SECRET)), "host")
    assert sent.isascii()
    assert b"\n" not in sent
    assert sent.startswith(b"<86>1 2026-11-23T08:00:00.000Z host helhed - ocsf-6003 - {")


@pytest.mark.parametrize("address", ["sink", ":6514", "sink:port"])
def test_an_address_without_a_port_is_refused(address: str):
    with pytest.raises(ValueError, match="host:port"):
        Siem.of(address)
    assert Siem.of("") is None
