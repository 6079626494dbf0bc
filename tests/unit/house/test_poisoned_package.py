"""A package that is not the one that was locked is not installed, by either installer that `tools/environment.sh` uses (attack 90)."""

import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

NAME = "harmless_package"
_FILES = {
    f"{NAME}/__init__.py": "",
    f"{NAME}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
    f"{NAME}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
INSTALLERS = {
    "pip": [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"],
    "uv": [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--no-cache", "--python", sys.executable],
}  # fmt: skip


class Shelf:
    """A folder that stands for a registry, and a lock of what was on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheel = folder / f"{NAME}-1.0-py3-none-any.whl"
        self.lock = folder / "requirements.lock"
        self._fill("")
        self.lock.write_text(f"{NAME}==1.0 \\\n    --hash=sha256:{sha256(self.wheel.read_bytes()).hexdigest()}\n")

    def poison(self) -> None:
        """The same name and version, and something else inside."""
        self._fill("raise SystemExit('poisoned')\n")

    def _fill(self, code: str) -> None:
        files = {**_FILES, f"{NAME}/__init__.py": code}
        record = "".join(f"{name},,\n" for name in [*files, f"{NAME}-1.0.dist-info/RECORD"])
        with zipfile.ZipFile(self.wheel, "w") as archive:
            for name, content in {**files, f"{NAME}-1.0.dist-info/RECORD": record}.items():
                archive.writestr(zipfile.ZipInfo(name), content)

    def install(self, installer: str) -> tuple[bool, str]:
        """Whether it was installed, and what was said."""
        where = self.folder / "installed"
        command = [*INSTALLERS[installer], "--require-hashes", "--no-index", "--find-links", str(self.folder), "--target", str(where), "--requirement", str(self.lock)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (where / NAME / "__init__.py").exists(), done.stdout + done.stderr


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_package_that_was_changed_after_it_was_locked_is_not_installed(shelf: Shelf, installer: str):
    shelf.poison()
    installed, told = shelf.install(installer)
    assert not installed
    assert "hash" in told.lower()


@pytest.mark.parametrize("installer", INSTALLERS)
def test_the_package_that_was_locked_is_installed(shelf: Shelf, installer: str):
    installed, told = shelf.install(installer)
    assert installed, told


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_package_without_a_hash_is_not_installed(shelf: Shelf, installer: str):
    shelf.lock.write_text(f"{NAME}==1.0\n")
    assert not shelf.install(installer)[0]
