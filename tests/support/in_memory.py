"""A folder in memory for the tests' database: it is cloned and dropped for nearly every test, and nobody asks it to survive.

What survives a crash is tested with databases of their own, on a disk (tests/faults).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")
_NEEDED = 3 * 2**30  #: bytes free there and in the machine: a run uses about a tenth for each process
_NAME = f"helhed-tests-{os.geteuid()}-"


@contextmanager
def folder_in_memory(otherwise: Path) -> Iterator[Path]:
    """An empty folder that is gone at the end; ``otherwise`` where there is no memory to spare."""
    if not _is_spare():
        yield otherwise
        return
    for left in _MEMORY.glob(f"{_NAME}*"):  # by runs that were killed; a server that misses its folder ends by itself
        if not Path("/proc", left.name.removeprefix(_NAME)).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = _MEMORY / f"{_NAME}{os.getpid()}"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)  # of root's runs another user is the server's
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_spare() -> bool:
    try:
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return min(shutil.disk_usage(_MEMORY).free, int(told["MemAvailable"].split()[0]) * 1024) >= _NEEDED
    except (OSError, KeyError):  # not every system has these
        return False
