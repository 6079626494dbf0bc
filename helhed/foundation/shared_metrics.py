"""The numbers of all workers of a machine, whichever of them is asked.

A request counts in the memory of its worker, as cheaply as ever. Once a second each worker writes its numbers into a file;
who is asked adds them up. A worker holds a lock on its file as long as it lives, which ends with it however it ends:
counters of one that has ended stay in the sum, so that they never fall, and gauges go. A worker that is killed takes the
counts of its last second with it.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from helhed.foundation.metrics import NETWORK, REGISTRY, exposition

_ENDED, _TYPES_THAT_STAY = "ended.prom", {"counter", "histogram"}
_WORKERS = "helhed_workers"


class SharedMetrics:
    """One worker's place among them."""

    def __init__(self, data_dir: Path, registry: CollectorRegistry = REGISTRY) -> None:
        self._folder = data_dir / "metrics"
        self._registry = registry
        self._name = f"{os.getpid()}-{uuid4().hex}.prom"
        self._alive: IO[str] | None = None

    def join(self) -> None:
        """From now on this process is among them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._alive = open(self._life(self._name), "w")  # noqa: SIM115 - held until leave()
            fcntl.flock(self._alive, fcntl.LOCK_EX)
        self.put()

    def put(self) -> None:
        """Write the numbers as they are."""
        if self._alive is not None:
            _write(self._folder / self._name, exposition(self._registry))

    def leave(self) -> None:
        """Write them a last time."""
        self.put()
        if self._alive is not None:
            self._alive.close()
            self._alive = None

    def whole(self) -> bytes:
        """The numbers of all, in the text format of Prometheus."""
        with self._alone():
            self._fold_ended()
            others = [path for path in self._files() if path.name != self._name]
            summed = _sum([exposition(self._registry), *(path.read_bytes() for path in others)])
        workers = Metric(_WORKERS, "Workers that run on this machine.", "gauge")
        workers.add_sample(_WORKERS, {}, 1 + sum(path.name != _ENDED for path in others))
        return _as_text([*summed, workers]) + exposition(NETWORK)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.prom"))

    def _fold_ended(self) -> None:
        """Move the counters of those that ended into one file; first the new sum takes the place of the old and of them."""
        gone = [path for path in self._files() if path.name != _ENDED and not self._lives(path.name)]
        if not gone:
            return
        before = [self._folder / _ENDED] if (self._folder / _ENDED).exists() else []
        summed = _sum(path.read_bytes() for path in [*before, *gone])
        for path in gone:  # a crash from here on loses counts; the other order would count them twice
            path.unlink()
            self._life(path.name).unlink(missing_ok=True)
        _write(self._folder / _ENDED, _as_text(metric for metric in summed if metric.type in _TYPES_THAT_STAY))

    def _lives(self, name: str) -> bool:
        try:
            with open(self._life(name)) as held:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _life(self, name: str) -> Path:
        return self._folder / name.replace(".prom", ".alive")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with open(self._folder / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _sum(texts: Iterable[bytes]) -> list[Metric]:
    """One family for each name; samples with the same labels added up."""
    families: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            held = values.setdefault(family.name, {})
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                held[key] = held.get(key, 0.0) + sample.value
    for name, held in values.items():
        for (sample_name, labels), value in held.items():
            families[name].add_sample(sample_name, dict(labels), value)
    return list(families.values())


class _Told:
    """What a registry asks for."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _as_text(metrics: Iterable[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(metrics))
    return exposition(registry)


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".draft")
    draft.write_bytes(content)
    draft.rename(path)
