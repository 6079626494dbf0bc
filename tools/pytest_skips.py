"""A skipped test is a failure in continuous integration, unless it wants external data that is absent.

On when ``HELHED_STRICT_SKIPS`` is set, as ``.ci/run`` does. A test that reads data from outside the repository carries the
marker ``external``, or says "external data" in its reason for skipping.
"""

import os
from collections.abc import Generator
from typing import Any

import pytest

_ALLOWED = "external data"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip that is not allowed into a failure that says so."""
    report = yield
    if _strict() and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("external") is None:
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is collected."""
    report = yield
    if _strict() and report.outcome == "skipped":
        _refuse(report)
    return report


def _refuse(report: Any) -> None:
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if _ALLOWED not in reason.lower():
        report.outcome = "failed"
        report.longrepr = f"{reason}\nOnly a test that wants absent external data may be skipped here."


def _strict() -> bool:
    return bool(os.environ.get("HELHED_STRICT_SKIPS"))
