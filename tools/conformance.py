"""Which test proves which feature: ``python -m tools.conformance`` takes each handler away and sees its test fail.

``conformance_features.json`` names each feature, the handler that does it and the test that proves it. Each test is run as
it is, when it must pass, and without the handler, when it must fail. What was seen is written to
``conformance_seen.json``, of which `make docs` makes the conformance page.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as XML

from tools.pytest_removal import VARIABLE, removed

ROOT = Path(__file__).resolve().parent.parent
FEATURES = ROOT / "tools" / "conformance_features.json"
SEEN = ROOT / "tools" / "conformance_seen.json"
#: type -> search parameters by which the published examples are found (tests/unit/conformance)
PARAMETERS = ROOT / "tools" / "conformance_parameters.json"


class Feature(NamedTuple):
    """Something the network does: its group and name, what does it, and what proves it."""

    group: str
    name: str
    handler: str
    test: str


class Result(NamedTuple):
    """How a test ended: passed, failed, skipped or error, and why."""

    outcome: str
    why: str


def features() -> list[Feature]:
    """Every feature that is claimed."""
    told = json.loads(FEATURES.read_text("utf-8"))
    return [Feature(group, *row) for group, rows in told["features"].items() for row in rows]


def proven() -> dict[Feature, str]:
    """The features whose test was seen to fail without the handler, and what it said then."""
    seen = json.loads(SEEN.read_text("utf-8"))["seen"] if SEEN.exists() else []
    failures = {Feature(*row[:4]): row[4] for row in seen}
    return {one: failures[one] for one in features() if one in failures}


def rounds(several: Sequence[Feature]) -> Iterator[dict[str, str]]:
    """Test -> handler, each test once in a round: one run of pytest tries many removals."""
    waiting = list(several)
    while waiting:
        taken = {one.test: one for one in reversed(waiting)}
        yield {test: one.handler for test, one in taken.items()}
        waiting = [one for one in waiting if taken[one.test] is not one]


def run(tests: Sequence[str], removals: Mapping[str, str]) -> dict[str, Result]:
    """The results of those tests, without what is to be taken away from each."""
    with tempfile.TemporaryDirectory() as folder:
        report, named = Path(folder, "report.xml"), Path(folder, "removals.json")
        named.write_text(json.dumps(dict(removals)), "utf-8")
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "long or not long",
            "-o", "junit_family=xunit1", f"--junitxml={report}", *tests,
        ]  # fmt: skip
        environment = {**os.environ, VARIABLE: str(named)}
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False)
        return _results(report)


def _results(report: Path) -> dict[str, Result]:
    cases = XML.parse(report).getroot().iter("testcase")
    return {f"{case.get('file')}::{case.get('name')}": _result(case) for case in cases}


def _result(case: "XML.Element") -> Result:
    for kind, outcome in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        found = case.find(kind)
        if found is not None:
            return Result(outcome, re.sub(r"\s+", " ", found.get("message") or "")[:160])
    return Result("passed", "")


def tried(several: Sequence[Feature]) -> dict[Feature, Result]:
    """What each test said without its handler. A test that does not pass with it proves nothing, and says so.

    Raises AttributeError or LookupError for a handler that is not there.
    """
    for one in several:  # a handler that is not there would look like a proof
        with removed(one.handler):
            pass
    tests = list(dict.fromkeys(one.test for one in several))
    whole = run(tests, {})
    broken = {test: result for test in tests if (result := whole.get(test, _ABSENT)).outcome != "passed"}
    found = {one: Result("unproven", f"{broken[one.test]}") for one in several if one.test in broken}
    for removals in rounds([one for one in several if one.test not in broken]):
        results = run(list(removals), removals)
        for one in several:
            if one not in found and removals.get(one.test) == one.handler:
                found[one] = results.get(one.test, _ABSENT)
    return found


_ABSENT = Result("absent", "no such test")


def main() -> int:
    """Try all, write what was seen; 1 when a feature is not proven."""
    several = features()
    results = tried(several)
    seen = [[*one, results[one].why] for one in several if results[one].outcome == "failed"]
    told = {
        "date": datetime.now(UTC).date().isoformat(),
        "source": "python -m tools.conformance: what each test said when the handler was taken away",
        "seen": seen,
    }
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in seen)
    head = json.dumps({**told, "seen": []}, indent=1, ensure_ascii=False)
    SEEN.write_text(head.replace('"seen": []', f'"seen": [\n{lines}\n ]') + "\n", "utf-8")
    unproven = [one for one in several if results[one].outcome != "failed"]
    for one in unproven:
        print(f"not proven: {one.group}: {one.name}: {results[one]}", file=sys.stderr)
    print(f"{len(seen)} of {len(several)} features are proven.")
    return 1 if unproven else 0


if __name__ == "__main__":
    sys.exit(main())
