"""Terminologies as they are published: FHIR resources, SKS, and tables (ATC, NPU, LOINC)."""

import codecs
import gzip
import lzma
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from helhed.foundation.errors import HelhedError

_OPENERS = {".xz": lzma.open, ".gz": gzip.open}
_MOST_TOLD = 50
_CHUNK = 1 << 20


class NotThisShape(HelhedError):
    """The file does not have the shape that was named."""


@dataclass(slots=True)
class Rejected:
    """Lines that were left out, the first of them with their reasons."""

    count: int = 0
    reasons: list[str] = field(default_factory=list)

    def line(self, number: int, reason: str) -> None:
        """Leave out a line."""
        self.count += 1
        if len(self.reasons) < _MOST_TOLD:
            self.reasons.append(f"line {number}: {reason}")


def open_bytes(path: Path) -> IO[bytes]:
    """A file, unpacked when it is packed."""
    return _OPENERS.get(path.suffix, open)(path, "rb")  # type: ignore[operator,no-any-return]


def open_lines(path: Path, encoding: str = "") -> Iterator[str]:
    """The lines of a text. Without ``encoding`` it is UTF-8, or else Latin-1, as older Danish files are."""
    with open_bytes(path) as raw:
        coding = encoding or _encoding(path)
        for line in raw:
            yield line.decode(coding)


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    with open_bytes(path) as raw:
        try:
            while chunk := raw.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8-sig"
