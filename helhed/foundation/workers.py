"""How a worker and whoever replaces it understand each other: a file says *ready*, signals say *goodbye*."""

import os
import signal
from pathlib import Path

#: asks a worker to close each connection after its next answer
GOODBYE = signal.SIGUSR1
#: tells a worker that the whole server is about to end: it serves on, and says that it is not ready
LEAVING = signal.SIGUSR2


#: the process that started this one and must outlive it; not set where somebody else starts it
_PARENT = "HELHED_PARENT_PID"


def be_parent() -> None:
    """From now on the processes that this one starts end when it is gone, however it ended."""
    os.environ[_PARENT] = str(os.getpid())


def is_orphan() -> bool:
    """Whether the process that started this one, and said that it is its parent, is gone."""
    parent = os.environ.get(_PARENT)
    return parent is not None and parent != str(os.getpid()) and parent != str(os.getppid())


class ReadyMarks:
    """A file for each worker that answers."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "workers"

    def put(self) -> None:
        """This process is ready."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mark(os.getpid()).touch()

    def take_away(self, pid: int | None = None) -> None:
        """A process, or this one, is ready no longer."""
        self._mark(os.getpid() if pid is None else pid).unlink(missing_ok=True)

    def stands(self, pid: int) -> bool:
        """Whether a process said that it is ready."""
        return self._mark(pid).exists()

    def living(self) -> int:
        """How many processes of this machine say so and are there; the mark of one that was killed stays behind."""
        marks = self._folder.iterdir() if self._folder.is_dir() else ()
        return sum(Path(f"/proc/{one.name}").exists() for one in marks if one.name.isdecimal())

    def _mark(self, pid: int) -> Path:
        return self._folder / str(pid)
