"""The files of the repository, as the house rules read them."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_MADE = {"__pycache__", "node_modules", "vendor", "build", "dist", "results"}
_TEXT = {
    ".py",
    ".md",
    ".sql",
    ".html",
    ".css",
    ".js",
    ".json",
    ".jsonl",
    ".toml",
    ".sh",
    ".lock",
    ".svg",
    ".txt",
    ".yaml",
    "",
}
_SOURCE = ("helhed", "demo", "bench", "tools")


def everything() -> Iterator[Path]:
    """Every file that is ours: not made, not fetched, not hidden, but for .ci and .gitignore."""
    yield from (path for path in (ROOT / ".ci" / "run", ROOT / ".gitignore") if path.exists())
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in _MADE and not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def texts() -> Iterator[tuple[str, str]]:
    """Path from the root, and content, of every text file."""
    for path in everything():
        if path.suffix in _TEXT:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def modules(*folders: str) -> Iterator[tuple[str, str]]:
    """Path and content of every Python module in ``folders``, or in all of the source."""
    for path, content in texts():
        if path.endswith(".py") and path.split("/", 1)[0] in (folders or _SOURCE):
            yield path, content


def named(path: str) -> str:
    """The content of one file."""
    return (ROOT / path).read_text("utf-8")
