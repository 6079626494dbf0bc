"""Giving events on to a security centre's own system: syslog (RFC 5424) over TLS (RFC 5425), at least once.

Syslog has no receipt. The closest to one is the end of TLS: whoever answers our close_notify with its own has read everything that
came before it. So each batch has a connection of its own, and the position moves on only when it was closed by both. What was not
is sent again, with the same ``metadata.uid``.

Some collectors close without a close_notify. Then TCP must tell: a side that closes before it has read everything answers with a reset
(RFC 9293, section 3.10.4; RFC 2525, section 2.17), and one that had closed before acknowledges nothing. So an end without a reset, with every byte of ours
acknowledged, is an end after everything was read. Where the system cannot tell, it counts as nothing read.
"""

import asyncio
import json
import select
import socket
import ssl
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from helhed.foundation.clock import Clock
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import HelhedError
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger
from helhed.trust.watch.ocsf import Pseudonyms, event

_LOCK = "select pg_try_advisory_xact_lock(hashtext('trust.watch_export'))"
_NEXT = "select kind, number, told::text from trust.watch_export_next($1, $2)"
_DONE = "select trust.watch_export_done($1, $2)"
_MOST = 500
_PAUSE_SECONDS, _PAUSE_AFTER_FAILURE, _PATIENCE_SECONDS = 5.0, 30.0, 10.0
_TCP_INFO, _TCP_CLOSED, _TCP_CLOSE_WAIT, _LOOKS = struct.Struct("@B23xI"), 7, 8, 100
_AUTHPRIV = 10  #: facility
_SEVERITY = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2, 6: 1}  #: of OCSF to syslog's


class SiemUnreachable(HelhedError):
    """The security centre's system cannot be reached, or is not the one that was named."""

    code = "transient"


@dataclass(frozen=True, slots=True)
class Siem:
    """Where events go. The server's certificate is always checked, its name too."""

    host: str
    port: int
    authority: Path | None = None  #: certificates that vouch for the server; None takes those of the machine
    certificate: Path | None = None  #: our own certificate and key, where the server wants one

    @classmethod
    def of(cls, address: str, authority: str = "", certificate: str = "") -> "Siem | None":
        """From settings; None when there is no address. Raises ValueError."""
        if not address:
            return None
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError("The address of a SIEM is host:port.")
        return cls(host, int(port), Path(authority) if authority else None, Path(certificate) if certificate else None)

    def send(self, messages: Sequence[bytes]) -> None:
        """One connection with these messages, closed by both. Raises SiemUnreachable."""
        try:
            context = ssl.create_default_context(cafile=self.authority)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate is not None:
                context.load_cert_chain(self.certificate)
            with (
                socket.create_connection((self.host, self.port), _PATIENCE_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=self.host) as secured,
            ):
                for message in messages:
                    secured.sendall(b"%d %b" % (len(message), message))
                _closed_by_both(secured)
        except OSError as error:
            raise SiemUnreachable from error


def _closed_by_both(secured: ssl.SSLSocket) -> None:
    """Says close_notify, and waits for the other side's, or for the end of TCP after everything was read. Raises OSError."""
    try:
        secured.unwrap()
    except TimeoutError:
        raise
    except OSError:
        if not _was_read(secured):
            raise


def _was_read(secured: ssl.SSLSocket) -> bool:
    """Whether the other side acknowledged every byte and ended without a reset (Linux: ``struct tcp_info``)."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return False
    for _ in range(_LOOKS):
        told = secured.getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO.size)
        state, unacknowledged = _TCP_INFO.unpack(told)
        if state == _TCP_CLOSED or secured.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return False  # a reset
        if not unacknowledged:
            return bool(state == _TCP_CLOSE_WAIT)  # the other side has ended, and we have not
        select.select([], [], [], _PATIENCE_SECONDS / _LOOKS)
    return False


def message(told: dict[str, Any], host: str) -> bytes:
    """An OCSF event as one syslog message. ASCII, so that no receiver misreads it."""
    when = datetime.fromtimestamp(told["time"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    priority = _AUTHPRIV * 8 + _SEVERITY[told["severity_id"]]
    head = f"<{priority}>1 {when}Z {host or '-'} helhed - ocsf-{told['class_uid']} - "
    return (head + json.dumps(told, ensure_ascii=True, separators=(",", ":"))).encode("ascii")


class SiemExport:
    """Sends what is next, one worker at a time."""

    def __init__(self, pool: Pool, secret: bytes, clock: Clock, siem: Siem) -> None:
        self._pool = pool
        self._clock = clock
        self._siem = siem
        self._names = Pseudonyms(secret)
        self._host = socket.gethostname()
        self._log = logger("siem")

    async def once(self) -> int:
        """One batch; how many events were taken. Raises SiemUnreachable, DatabaseAway."""
        async with lend(self._pool) as connection, connection.transaction():
            if not await connection.fetchval(_LOCK):
                return 0
            rows = await connection.fetch(_NEXT, self._clock(), _MOST)
            if rows:
                await asyncio.to_thread(self._siem.send, [self._message(row) for row in rows])
                await self._moved_on(connection, rows)
            return len(rows)

    def _message(self, row: Any) -> bytes:
        return message(event(row["kind"], row["number"], orjson.loads(row["told"]), self._names), self._host)

    async def _moved_on(self, connection: Connection, rows: Sequence[Any]) -> None:
        last: dict[str, int] = {}
        for row in rows:
            last[row["kind"]] = max(row["number"], last.get(row["kind"], row["number"]))
        for kind, number in last.items():
            await connection.execute(_DONE, kind, number)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until ``stopping``; patiently, when nobody takes anything."""
        while not stopping.is_set():
            try:
                taken, pause = await self.once(), _PAUSE_SECONDS
            except Exception as error:  # the other side or the database is away: everything waits where it is
                self._log.warning("nothing was given on", error=error)
                taken, pause = 0, _PAUSE_AFTER_FAILURE
            if taken < _MOST:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), pause)
