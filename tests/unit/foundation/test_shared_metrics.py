"""The numbers of all workers, whichever is asked: counters never fall, gauges are of those that live."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from helhed.foundation.shared_metrics import SharedMetrics


class Worker:
    """Metrics of one worker."""

    def __init__(self, data_dir: Path) -> None:
        registry = CollectorRegistry()
        self.answered = Counter("answered", "Answered.", ["door"], registry=registry)
        self.took = Histogram("took", "Seconds.", buckets=(1, 2), registry=registry)
        self.waiting = Gauge("waiting", "Waiting.", registry=registry)
        self.shared = SharedMetrics(data_dir, registry)
        self.shared.join()

    def serve(self, times: int) -> None:
        for _ in range(times):
            self.answered.labels('a "door"\n').inc()
            self.took.observe(1.5)
        self.waiting.set(times)
        self.shared.put()


@pytest.fixture
def hire(tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """Makes workers of one machine."""
    hired: list[Worker] = []

    def one_more() -> Worker:
        hired.append(Worker(tmp_path))
        return hired[-1]

    yield one_more
    for worker in hired:
        worker.shared.leave()


def told(worker: Worker) -> dict[str, float]:
    """Samples by name, those of a histogram's buckets by their limit, too."""
    return {
        sample.name + sample.labels.get("le", ""): sample.value
        for family in text_string_to_metric_families(worker.shared.whole().decode())
        for sample in family.samples
    }


def test_whoever_is_asked_tells_of_all(hire: Callable[[], Worker]) -> None:
    workers = [hire() for _ in range(3)]
    for times, worker in enumerate(workers, 1):
        worker.serve(times)
    for worker in workers:
        found = told(worker)
        assert (found["answered_total"], found["waiting"], found["helhed_workers"]) == (6, 6, 3)
        assert (found["took_bucket1.0"], found["took_bucket2.0"], found["took_count"], found["took_sum"]) == (
            0,
            6,
            6,
            9,
        )


def test_what_one_that_ended_counted_stays_and_what_it_had_waiting_goes(
    hire: Callable[[], Worker], tmp_path: Path
) -> None:
    one, other = hire(), hire()
    one.serve(2)
    other.serve(3)
    one.shared.leave()
    for _ in range(2):
        found = told(other)
        assert (found["answered_total"], found["took_count"]) == (5, 5)
        assert (found["waiting"], found["helhed_workers"]) == (3, 1)
    again = hire()
    again.serve(1)
    other.shared.leave()
    assert told(again)["answered_total"] == 6
    files = sorted(path.suffix for path in (tmp_path / "metrics").iterdir())
    assert files == ["", ".alive", ".prom", ".prom"], "a lock, the living one, and one file for all that ended"


_KILLED = """
import sys
from pathlib import Path
from tests.unit.foundation.test_shared_metrics import Worker
worker = Worker(Path(sys.argv[1]))
worker.serve(4)
print("counted", flush=True)
sys.stdin.read()
"""


def test_one_that_is_killed_is_noticed_and_its_counts_stay(hire: Callable[[], Worker], tmp_path: Path) -> None:
    command = [sys.executable, "-c", _KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"counted\n"
        mine = hire()
        assert told(mine)["helhed_workers"] == 2
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    found = told(mine)
    assert (found["answered_total"], found["helhed_workers"], found["waiting"]) == (4, 1, 0)
