"""Folders that messages are exchanged by: one per organisation, made by whoever runs the network and named by the Organization's id.

Under it: ``in`` (what its system drops), ``work`` (what was picked up), ``done``, ``parked``, and ``out`` (copies and answers). No name of
theirs is ever used for a path, no link is followed, nothing is overwritten, and what ``put`` returned from is on the disk.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

from helhed.foundation.ids import key_of, parse_id

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NOT_WHOLE_YET = (".part", ".tmp")
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Folders:
    """All of them. Every method raises OSError when the disk says no; all of them block."""

    root: Path

    def organisations(self) -> dict[int, UUID]:
        """The organisations that have a folder: key -> id. What is not named by an id, or is a link, is nobody's."""
        found = [parse_id(one.name) for one in os.scandir(self.root) if one.is_dir(follow_symlinks=False)]
        return {key_of(one): one for one in found if one is not None}

    @contextmanager
    def of(self, organisation: UUID) -> Iterator["Folder"]:
        """One organisation's folder, open."""
        own = os.open(self.root / str(organisation), _FOLDER)
        try:
            yield Folder(own)
        finally:
            os.close(own)


@dataclass(frozen=True, slots=True)
class Folder:
    """One organisation's, while it is open. ``own`` is its descriptor: what is put in its place meanwhile is not followed."""

    own: int

    def put(self, name: str, content: bytes) -> None:
        """A file in ``out``, whole and on the disk, or none. A file that is there already stays as it is."""
        with self._open("out") as out:
            half = f".{uuid4()}.part"
            file = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o660, dir_fd=out)
            try:
                with os.fdopen(file, "wb") as whole:
                    whole.write(content)
                    whole.flush()
                    os.fsync(whole.fileno())
                with suppress(FileExistsError):  # unlike a rename, a link never replaces what is there
                    os.link(half, name, src_dir_fd=out, dst_dir_fd=out)
            finally:
                os.unlink(half, dir_fd=out)
            os.fsync(out)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else picks up here meanwhile; a process that is killed lets go."""
        lock = os.open(".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=self.own)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(lock)

    def pick_up(self, most: int) -> list[str]:
        """Names in ``work``: what an earlier round left there, then what was dropped, oldest first. Half-written files stay where they are."""
        with self._open("in") as dropped, self._open("work") as work:
            left = sorted(os.listdir(work))[:most]
            whole = sorted(filter(None, (_dropped(dropped, name) for name in os.listdir(dropped))))
            for _, name in whole[: most - len(left)]:
                picked = str(uuid4())  # theirs may be anything
                os.rename(name, picked, src_dir_fd=dropped, dst_dir_fd=work)
                left.append(picked)
            os.fsync(work)
            return left

    def read(self, picked: str, most: int) -> bytes:
        """What was picked up; one byte more than ``most`` of what is larger."""
        with self._open("work") as work:
            file = os.open(picked, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=work)
            with os.fdopen(file, "rb") as whole:
                return whole.read(most + 1)

    def move(self, picked: str, to: str, suffix: str) -> None:
        """Away from ``work``, named by the SHA-256 of what it is: the same file a second time is the same file."""
        with self._open("work") as work, self._open(to) as away:
            digest = sha256()
            with os.fdopen(os.open(picked, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=work), "rb") as whole:
                while part := whole.read(_READ):
                    digest.update(part)
            os.rename(picked, digest.hexdigest() + suffix, src_dir_fd=work, dst_dir_fd=away)
            os.fsync(away)

    def tidy(self, name: str, before: float, most: int) -> int:
        """Files in a folder that were put there before a moment (seconds since 1970) are deleted, at most so many; how many were. A file that
        was taken again counts from then.
        """
        done = 0
        with self._open(name) as folder:
            for one in os.listdir(folder):
                if done == most:
                    break
                told = os.stat(one, dir_fd=folder, follow_symlinks=False)
                if (
                    stat.S_ISREG(told.st_mode) and told.st_ctime < before
                ):  # moving it there changed it; its sender wrote the other time
                    os.unlink(one, dir_fd=folder)
                    done += 1
            if done:
                os.fsync(folder)
        return done

    @contextmanager
    def _open(self, name: str) -> Iterator[int]:
        with suppress(FileExistsError):
            os.mkdir(name, 0o770, dir_fd=self.own)
        opened = os.open(name, _FOLDER, dir_fd=self.own)
        try:
            yield opened
        finally:
            os.close(opened)


def _dropped(folder: int, name: str) -> tuple[int, str] | None:
    """When it was written, and its name; None for what is no whole file of its own: a link to another's file is not read for its maker."""
    if name.startswith(".") or name.endswith(_NOT_WHOLE_YET):
        return None
    with suppress(FileNotFoundError):
        told = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(told.st_mode) and told.st_nlink == 1:
            return told.st_mtime_ns, name
    return None
