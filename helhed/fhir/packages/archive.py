"""Unpacking a package archive: a gzipped tar from somebody else, so nothing in it is trusted.

The archive is never written to disk. It is read once, from front to back, and refused at the first thing that no honest
package has: a path that leaves its folder, a link or device, a name twice, or more than the limits allow.
"""

import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from helhed.foundation.errors import HelhedError, TooLarge

_CHUNK = 64 * 1024
_GZIP = 31  #: window bits that make zlib read gzip
_PLAIN_ENOUGH = 16 * 1024 * 1024  #: below this much text, how well it was compressed says nothing


class NotAPackage(HelhedError):
    """This file is not a FHIR package."""

    code = "invalid"


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may cost."""

    packed: int = 64 * 1024 * 1024
    unpacked: int = 512 * 1024 * 1024
    ratio: int = 100  #: JSON packs 10 to 30 times; what packs more was made to
    files: int = 20_000
    file: int = 32 * 1024 * 1024


DEFAULT_ARCHIVE = ArchiveLimits()


class _Unpacked(io.RawIOBase):
    """The bytes within the gzip, counted while they come."""

    def __init__(self, raw: bytes, limits: ArchiveLimits) -> None:
        self._raw = memoryview(raw)
        self._limits = limits
        self._inflate = zlib.decompressobj(_GZIP)
        self._taken = 0
        self._given = 0
        self._ready = b""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes more. Raises NotAPackage and TooLarge."""
        if not self._ready:
            self._ready = self._more()
        some, self._ready = self._ready[:size], self._ready[size:]
        return some

    def _more(self) -> bytes:
        while not self._inflate.eof:
            waiting = self._inflate.unconsumed_tail
            if not waiting:
                waiting = bytes(self._raw[self._taken : self._taken + _CHUNK])
                self._taken += len(waiting)
            if not waiting:
                raise NotAPackage("The archive ends in the middle.")
            try:
                fresh = self._inflate.decompress(waiting, _CHUNK)
            except zlib.error:
                raise NotAPackage("The archive is not gzip, or it is damaged.") from None
            if fresh:
                self._count(len(fresh))
                return fresh
        return b""

    def _count(self, more: int) -> None:
        self._given += more
        if self._given > self._limits.unpacked:
            raise TooLarge(f"The archive unpacks to more than {self._limits.unpacked // 2**20} MiB.")
        if self._given > max(_PLAIN_ENOUGH, self._limits.ratio * self._taken):
            raise TooLarge("The archive unpacks to far more than a package of its size holds.")


def files_of(raw: bytes, limits: ArchiveLimits = DEFAULT_ARCHIVE) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file in the archive, in its order. Raises NotAPackage and TooLarge."""
    if len(raw) > limits.packed:
        raise TooLarge(f"The archive is larger than {limits.packed // 2**20} MiB.")
    seen: set[str] = set()
    try:
        with tarfile.open(fileobj=_Unpacked(raw, limits), mode="r|") as archive:
            for member in archive:
                if len(seen) >= limits.files:
                    raise TooLarge(f"The archive holds more than {limits.files} files.")
                path = _path(member, limits)
                if path in seen:
                    raise NotAPackage(f"The archive holds {path[:80]} twice.")
                seen.add(path)
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None:
                    yield path, content.read()
    except (tarfile.TarError, EOFError, ValueError, OverflowError):
        raise NotAPackage("The archive is not a tar file, or it is damaged.") from None


def _path(member: tarfile.TarInfo, limits: ArchiveLimits) -> str:
    """The member's path, once everything about the member is allowed."""
    name = member.name.rstrip("/")
    told = name[:80]
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise NotAPackage(f"The archive holds something that is no plain file: {told}.")
    if not name or name.startswith("/") or not name.isprintable() or "\\" in name or ":" in name:
        raise NotAPackage(f"The archive holds a path that is not allowed: {told!r}.")
    if any(part in {"", ".."} for part in name.split("/")):
        raise NotAPackage(f"The archive holds a path that leaves its folder: {told}.")
    if member.size > limits.file:
        raise TooLarge(f"The file {told} is larger than {limits.file // 2**20} MiB.")
    return name.removeprefix("./")


__all__ = ["DEFAULT_ARCHIVE", "ArchiveLimits", "NotAPackage", "files_of"]
