"""A file that is not there is a sentence, told before anything has been done."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from helhed.cli import app
from helhed.commands.purging.tombstones import NoTombstones
from helhed.foundation.errors import BadRequest, HelhedError

COMMANDS: dict[str, tuple[list[str], type[HelhedError]]] = {
    "a copy": (["purge", "recognise", "nothing"], BadRequest),
    "a token": (["purge", "list", "--token", "nothing"], BadRequest),
    "tombstones of a restore": (["restore", "backup", "--key", "key", "--tombstones", "nothing"], NoTombstones),
}


@pytest.mark.parametrize(("arguments", "refused"), COMMANDS.values(), ids=COMMANDS)
def test_a_missing_file_is_told_before_the_network_is_touched(
    arguments: list[str], refused: type[HelhedError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HELHED_DATA_DIR", str(data))
    told = CliRunner().invoke(app, arguments)
    assert isinstance(told.exception, refused)
    assert not data.exists()
