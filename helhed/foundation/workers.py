"""How a worker and whoever replaces it understand each other: a file says *ready*, signals say *goodbye*."""

import os
import signal
from pathlib import Path

#: asks a worker to close each connection after its next answer
GOODBYE = signal.SIGUSR1
#: tells a worker that the whole server is about to end: it serves on, and says that it is not ready
LEAVING = signal.SIGUSR2


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

    def _mark(self, pid: int) -> Path:
        return self._folder / str(pid)
