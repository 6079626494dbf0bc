"""The server's processes: workers that share one listening socket, and are replaced one by one without losing a request.

SIGHUP starts a new worker (which loads the code anew), waits until it says that it is ready, asks the old one to say
goodbye to its connections, and only then ends it. A new worker that does not get ready changes nothing.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops

from helhed.foundation.logging import logger
from helhed.foundation.settings import Settings
from helhed.foundation.workers import GOODBYE, LEAVING, ReadyMarks, be_parent

_BACKLOG = 1024
_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.05


class Server(Granian):  # type: ignore[misc,valid-type]
    """Granian on one shared socket, with replacements that overlap. Relies on: its spawning of workers (2.8)."""

    def __init__(self, settings: Settings, workers: int) -> None:
        be_parent()
        super().__init__(
            "helhed.app:application",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            workers=workers,
            loop=Loops.uvloop,
            http=HTTPModes.auto,
            factory=True,
            backlog=_BACKLOG,
            websockets=False,
            log_access=False,
            log_enabled=False,
            respawn_failed_workers=True,
        )
        self._marks = ReadyMarks(settings.data_dir)
        self._goodbye_seconds = settings.goodbye_seconds
        self._drain_seconds = settings.drain_seconds
        self._log = logger("serving")

    def tell_when_ready(self, tell: Callable[[], None]) -> None:
        """Call once, from a thread of its own, when the first worker answers; never, when none gets that far."""
        threading.Thread(target=self._wait_and_tell, args=(tell,), name="ready", daemon=True).start()

    def _wait_and_tell(self, tell: Callable[[], None]) -> None:
        while not any(self._marks.stands(pid) for worker in list(self.wrks) if (pid := worker.inner.pid)):
            time.sleep(_LOOK_SECONDS)
        tell()

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Stop, once: a second signal during the first finds a lock that is not re-entrant. Before that the workers serve on
        for a while and say that they are not ready, so that whoever sends requests here can send them elsewhere.
        """
        if self._drain_seconds:
            self._log.info("draining", seconds=self._drain_seconds)
            for worker in self.wrks:
                os.kill(worker.inner.pid, LEAVING)
            again = threading.Timer(self._drain_seconds, os.kill, (os.getpid(), signal.SIGTERM))
            again.daemon, self._drain_seconds = True, 0.0
            again.start()
        elif not self.interrupt_signal:
            super().signal_handler_interrupt(*args, **kwargs)

    def _init_shared_socket(self) -> None:
        """One socket for all: with a socket each, what waits in a worker's queue is reset when the worker ends."""
        super()._init_shared_socket()
        described: Any = getattr(self, "_ssp", None)
        if described is not None:
            self._shd, self._ssp = described.build(), None
            self._sfd = self._shd.get_fd()
            self._sso = socket.socket(fileno=self._sfd)
            self._sso.set_inheritable(True)

    def _respawn_workers(self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        for place in workers:
            old = self.wrks[place]
            new = self._spawn_worker(idx=place, target=spawn_target, callback_loader=target_loader)
            new.interrupt_by_parent = old.is_alive()  # while the old one serves, a failure of the new one is no alarm
            new.start()
            if old.is_alive() and not self._gets_ready(new):
                self._log.error("a new worker did not get ready; the old one goes on")
                new.kill()
                continue
            self.wrks[place] = new
            new.interrupt_by_parent = False
            self._end(old)
            self._log.info("worker replaced", place=place)

    def _gets_ready(self, worker: Any) -> bool:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and worker.is_alive():
            if self._marks.stands(worker.inner.pid):
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def _end(self, worker: Any) -> None:
        if worker.is_alive():
            worker.interrupt_by_parent = True
            os.kill(worker.inner.pid, GOODBYE)
            time.sleep(self._goodbye_seconds)
        worker.terminate()
        worker.join()
        self._marks.take_away(worker.inner.pid)
