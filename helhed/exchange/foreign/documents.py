"""Finding the documents in what an operator names: files, folders, gzip, zip and tar archives."""

import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

from helhed.foundation.errors import BadRequest

#: no document may unpack to more than this many bytes (attack 14: compression bombs)
LARGEST_DOCUMENT = 256 * 1024 * 1024
_NDJSON_LINES = 500
_MOST_LINES = 5_000  #: a part is this long at most, wherever the next citizen begins
_PATIENT = b'{"resourceType":"Patient"'


class Document(NamedTuple):
    """One piece of input that is stored whole or not at all."""

    name: str
    raw: bytes
    ndjson: bool


def documents(paths: list[Path]) -> Iterator[Document]:
    """Every document beneath ``paths``, in a stable order. Raises BadRequest for what cannot be read."""
    for path in paths:
        if path.is_dir():
            yield from documents(sorted(child for child in path.iterdir() if not child.name.startswith(".")))
        elif not path.exists():
            raise BadRequest(f"There is no file called {path.name}.")
        else:
            yield from _of_file(path)


def _of_file(path: Path) -> Iterator[Document]:
    name = path.name
    if name.endswith((".tar", ".tar.gz", ".tgz", ".tar.xz")):
        yield from _of_tar(path)
    elif name.endswith(".zip"):
        yield from _of_zip(path)
    elif name.endswith((".gz", ".xz")):
        opener: Callable[[Path], IO[bytes]] = _gunzip if name.endswith(".gz") else _unxz
        with opener(path) as stream:
            yield from _of_stream(name.rsplit(".", 1)[0], stream)
    else:
        with open(path, "rb") as stream:
            yield from _of_stream(name, stream)


def _gunzip(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path))


def _unxz(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", lzma.open(path))


def _of_tar(path: Path) -> Iterator[Document]:
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield from _of_stream(Path(member.name).name, stream)


def _of_zip(path: Path) -> Iterator[Document]:
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            if not info.is_dir():
                with archive.open(info) as stream:
                    yield from _of_stream(Path(info.filename).name, stream)


def _of_stream(name: str, stream: IO[bytes]) -> Iterator[Document]:
    if name.endswith(".ndjson"):
        yield from _of_lines(name, stream)
    elif name.endswith(".json"):
        yield Document(name, _bounded(name, stream), ndjson=False)


def _of_lines(name: str, stream: IO[bytes]) -> Iterator[Document]:
    """Parts of a few hundred lines. Where citizens follow each other, each Patient first, a part ends before the next one."""
    lines: list[bytes] = []
    part = 0
    for line in filter(None, map(bytes.strip, stream)):
        if _is_full(lines, line):
            yield Document(f"{name}#{part}", b"\n".join(lines), ndjson=True)
            lines, part = [], part + 1
        lines.append(line)
    if lines:
        yield Document(f"{name}#{part}", b"\n".join(lines), ndjson=True)


def _is_full(lines: list[bytes], following: bytes) -> bool:
    by_citizen = bool(lines) and lines[0].startswith(_PATIENT)
    if by_citizen and len(lines) < _MOST_LINES:
        return len(lines) >= _NDJSON_LINES and following.startswith(_PATIENT)
    return len(lines) >= _NDJSON_LINES


def _bounded(name: str, stream: IO[bytes]) -> bytes:
    raw: bytes = stream.read(LARGEST_DOCUMENT + 1)
    if len(raw) > LARGEST_DOCUMENT:
        raise BadRequest(f"{name} unpacks to more than {LARGEST_DOCUMENT // 2**20} MiB.")
    return raw
