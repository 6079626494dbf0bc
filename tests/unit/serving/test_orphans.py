"""Who was started as a child ends when its parent is killed, and nobody else does."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from helhed.foundation.workers import be_parent, is_orphan

#: a parent that starts a witness of a log that is not there, and says who it is
_PARENT = """
import subprocess, sys
from helhed.foundation.workers import be_parent
be_parent()
witness = [sys.executable, "-m", "helhed.cli", "witness", "run", "--log", "http://127.0.0.1:1", "--state", sys.argv[1], "--name", "a.test"]
child = subprocess.Popen(witness, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_a_witness_ends_when_whoever_started_it_is_killed(tmp_path: Path):
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    waiting = threading.Event()
    for _ in range(300):
        if not Path(f"/proc/{child}").exists():
            return
        waiting.wait(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("it went on alone")


def test_nobody_is_an_orphan_who_was_not_started_as_a_child(monkeypatch):
    monkeypatch.delenv("HELHED_PARENT_PID", raising=False)
    assert not is_orphan()
    monkeypatch.setenv("HELHED_PARENT_PID", "0")
    assert is_orphan()
    be_parent()
    assert not is_orphan(), "a parent is not its own child"
