"""A skipped test counts as a failure where HELHED_STRICT_SKIPS is set, but for absent external data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.house.files import ROOT

CASES = """
import pytest

def test_skips_for_any_reason():
    pytest.skip("no browser here")

def test_wants_data():
    pytest.skip("external data is absent: set HELHED_EXTERNAL_DATA")

@pytest.mark.external
def test_is_marked():
    pytest.skip("absent")

@pytest.mark.xfail
def test_is_expected_to_fail():
    assert False

def test_passes():
    pass
"""
MODULE = "import pytest\npytest.importorskip('a_module_that_nobody_has')\n"


@pytest.fixture
def suite(tmp_path: Path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tools.pytest_skips"]\n')
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = external\n")

    def run(name: str, content: str, **environment: str) -> str:
        (tmp_path / name).write_text(content)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", name]
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", **environment}
        return subprocess.run(
            command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False
        ).stdout

    return run


def test_a_skip_is_a_failure_where_skips_are_strict(suite):
    summary = suite("test_cases.py", CASES, HELHED_STRICT_SKIPS="1")
    assert "1 failed, 1 passed, 2 skipped, 1 xfailed" in summary
    assert "no browser here" in summary


def test_a_skip_is_a_skip_elsewhere(suite):
    assert "1 passed, 3 skipped, 1 xfailed" in suite("test_cases.py", CASES, HELHED_STRICT_SKIPS="")


def test_a_module_that_skips_itself_is_a_failure_too(suite):
    assert "1 error" in suite("test_module.py", MODULE, HELHED_STRICT_SKIPS="1")
