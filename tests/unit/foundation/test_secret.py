"""The installation's secret: one for all processes, never a part of one, and nobody else's to read."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from helhed.foundation.database import SecretDamaged, read_secret

TOGETHER = 8


def test_workers_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    for attempt in range(50):
        start = Barrier(TOGETHER)

        def read(folder: Path, start: Barrier = start) -> bytes:
            start.wait()
            return read_secret(folder)

        with ThreadPoolExecutor(TOGETHER) as workers:
            found = set(workers.map(read, [tmp_path / str(attempt)] * TOGETHER))
        assert [len(secret) for secret in found] == [32]


def test_the_secret_stays_and_is_for_its_owner_only(tmp_path: Path) -> None:
    first = read_secret(tmp_path)
    assert read_secret(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"], "no draft is left"


@pytest.mark.parametrize("left", [b"", b"half of it"])
def test_a_secret_cut_short_is_refused(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "secret").write_bytes(left)
    with pytest.raises(SecretDamaged):
        read_secret(tmp_path)
