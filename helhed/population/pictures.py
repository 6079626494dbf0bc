"""Small drawn pictures, so that records hold images that are nobody's."""

import base64
import struct
import zlib
from functools import cache

_SIDE = 48
_SKIN, _WOUND = bytes((232, 190, 172)), bytes((168, 52, 48))


@cache
def wound_picture(length: int) -> str:
    """A PNG of a wound of a length in millimetres, in base64."""
    half, middle = max(2, min(_SIDE // 2 - 2, length // 2)), _SIDE // 2
    rows = bytearray()
    for y in range(_SIDE):
        rows.append(0)
        for x in range(_SIDE):
            inside = ((x - middle) / half) ** 2 + ((y - middle) / (half * 0.6)) ** 2 <= 1
            rows += _WOUND if inside else _SKIN
    size = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    parts = [
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", size),
        _chunk(b"IDAT", zlib.compress(bytes(rows), 9)),
        _chunk(b"IEND", b""),
    ]
    return base64.b64encode(b"".join(parts)).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
