"""Traces: what joins the log rows, the log lines and the answer of one request."""

from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as DriverUUID

_BARE_4, _VERSION_4 = ~((0xF << 76) | (0b11 << 62)), (4 << 76) | (0b10 << 62)  #: RFC 9562 section 5.4


def trace_of(noise: int) -> UUID:
    """A UUID version 4 of 128 random bits, of the driver's class: equal to any other UUID, and quicker to write and send."""
    return DriverUUID((noise & _BARE_4 | _VERSION_4).to_bytes(16, "big"))
