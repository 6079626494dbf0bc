"""Processor time of each group of processes: it says what a figure costs, and where. Linux only."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PARENT = 1  #: fields of /proc/<pid>/stat behind the name, see proc_pid_stat(5)
_TIMES = slice(11, 15)  #: user and system time, of the process and of its children that have ended


@dataclass(frozen=True, slots=True)
class Costs:
    """Which processes belong together: each name stands for a process and everything it has started."""

    roots: dict[str, int]

    @classmethod
    def of(cls, server: int | None, backend: int) -> "Costs":
        """This process, the server, and the database that ``backend`` serves for; nothing where it cannot be told."""
        fields = _fields(backend)
        if server is None or fields is None:
            return cls({})
        return cls({"generator": os.getpid(), "server": server, "PostgreSQL": int(fields[_PARENT])})

    def spent(self) -> dict[str, float]:
        """Seconds of processor time that each group has used so far."""
        own = {pid: fields for pid in _processes() if (fields := _fields(pid)) is not None}
        parents = {pid: int(fields[_PARENT]) for pid, fields in own.items()}
        spent = dict.fromkeys(self.roots, 0.0)
        for pid, fields in own.items():
            group = self._group(pid, parents)
            if group is not None:
                spent[group] += sum(map(int, fields[_TIMES])) / os.sysconf("SC_CLK_TCK")
        return spent

    def _group(self, pid: int, parents: dict[int, int]) -> str | None:
        """The nearest ancestor with a name: what the generator has started is not the generator."""
        names = {root: name for name, root in self.roots.items()}
        while pid not in names:
            if pid not in parents:
                return None
            pid = parents[pid]
        return names[pid]

    def told(self, before: dict[str, float], count: int) -> str:
        """What each of ``count`` answers has cost since ``before``, for the conditions of a figure; "" when unknown."""
        now = self.spent()
        parts = [f"{name} {(now[name] - before[name]) / max(1, count) * 1e6:.0f}" for name in self.roots]
        return f"processor time of each in µs: {', '.join(parts)}, " if parts else ""


def _processes() -> Iterator[int]:
    if _PROC.exists():
        yield from (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())


def _fields(pid: int) -> list[str] | None:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended, or this system does not tell
        return None
