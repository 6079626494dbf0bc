"""What is installed is named by version and hash, and by nothing that belongs to one registry."""

import json
import os
import re

import pytest

from tests.unit.house.files import ROOT, named

LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-uv.lock"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_a_version_and_hashes(lock):
    requirements = re.split(r"\n(?=\S)", named(lock).strip())
    assert requirements
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==[\w.+!-]+( ;.+)? \\\n", requirement), requirement[:60]
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("lock", [*LOCKS, "package-lock.json"])
def test_no_lock_names_a_registry(lock):
    assert not re.search(r"https?://|\"resolved\"|index-url", named(lock))


def test_production_installs_what_was_tested():
    tested, production = _pins("requirements-dev.lock"), _pins("requirements.lock")
    assert production.items() <= tested.items()


def test_front_end_packages_are_pinned_and_hashed():
    wanted = json.loads(named("package.json"))["dependencies"]
    locked = json.loads(named("package-lock.json"))["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert all(one["integrity"] for name, one in locked.items() if name)


@pytest.mark.parametrize("script", [".ci/run", "tools/environment.sh", "tools/lock.sh"])
def test_scripts_can_be_run(script):
    assert os.access(ROOT / script, os.X_OK)


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", named(lock), re.MULTILINE))
