"""Drawn pictures: nobody was photographed. PNG (ISO/IEC 15948) put together by hand, eight bits of grey or colour."""

import math
import struct
import zlib
from functools import cache

_SIZE = 320


@cache
def chest() -> bytes:
    """Two dark fields within a lighter body, as a chest X-ray has them; one side a little denser below."""
    return _grey(_chest)


@cache
def wound(step: int) -> bytes:
    """A wound that grows smaller from step to step, on skin, with a scale of centimetres."""
    return _colour(lambda x, y: _wound(x, y, step))


def _chest(x: float, y: float) -> int:
    body = 150 - 60 * (x * x + y * y)
    for side in (-0.42, 0.42):
        inside = ((x - side) / 0.32) ** 2 + ((y + 0.05) / 0.62) ** 2
        if inside < 1:
            body -= 95 * (1 - inside) ** 0.35
            body += 35 * max(0.0, math.sin(18 * y + 6 * abs(x))) * 0.4
    if abs(x) < 0.07:
        body += 60
    if x > 0.15 and y > 0.35:
        body += 40 * (y - 0.35)
    return max(0, min(255, int(body)))


def _wound(x: float, y: float, step: int) -> tuple[int, int, int]:
    size = 0.55 - 0.1 * step
    edge = math.hypot(x / 1.2, y) + 0.04 * math.sin(7 * math.atan2(y, x))
    if y > 0.88:
        return (20, 20, 20) if int((x + 1) * 10) % 2 else (250, 250, 250)
    if edge < size * 0.55:
        return (150, 40 + 12 * step, 45)
    if edge < size:
        return (196, 92 + 8 * step, 88)
    shade = int(10 * math.sin(9 * x) * math.sin(8 * y))
    return (224 + shade, 180 + shade, 160 + shade)


def _grey(shade: object) -> bytes:
    rows = (bytes(shade(x, y) for x in _places()) for y in _places())  # type: ignore[operator]
    return _png(0, rows)


def _colour(shade: object) -> bytes:
    rows = (bytes(part for x in _places() for part in shade(x, y)) for y in _places())  # type: ignore[operator]
    return _png(2, rows)


def _places() -> list[float]:
    return [2 * n / (_SIZE - 1) - 1 for n in range(_SIZE)]


def _png(colour: int, rows: object) -> bytes:
    raw = b"".join(b"\0" + row for row in rows)  # type: ignore[attr-defined]
    head = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _part(b"IHDR", head) + _part(b"IDAT", zlib.compress(raw, 9)) + _part(b"IEND", b"")


def _part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
