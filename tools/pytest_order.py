"""Tests run from the quick kinds to the slow ones, journeys last.

Journeys must be last: Playwright keeps an event loop running in the main thread, and no test after it could start one.
"""

from pathlib import Path

import pytest

KINDS = ("unit", "migration", "policy", "generative", "clients", "faults", "journeys")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order by the folder below tests/; the order within a kind stays."""
    items.sort(key=lambda item: _place(item.path, config.rootpath))


def _place(path: Path, root: Path) -> int:
    kinds = path.relative_to(root).parts[1:2] if path.is_relative_to(root) else ()
    return next((KINDS.index(kind) for kind in kinds if kind in KINDS), 0)
