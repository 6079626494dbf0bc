"""What the demo prints when it is ready."""

from pathlib import Path

import pytest

from helhed.commands.demo_world import print_doors
from helhed.foundation.settings import Settings


@pytest.mark.parametrize(
    ("folder", "told"), [("with space", "$(HELHED_DATA_DIR='"), (".helhed", "$(.venv/bin/helhed token jens)")]
)
def test_the_line_to_try_works_in_another_terminal(tmp_path: Path, monkeypatch, capsys, folder, told):
    monkeypatch.chdir(tmp_path)
    print_doors(Settings(data_dir=tmp_path / folder))
    printed = capsys.readouterr().out
    assert told in printed
    assert ("HELHED_DATA_DIR" in printed) == (folder != ".helhed")
