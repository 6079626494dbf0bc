"""The conformance page: each feature with the test that was seen to fail without it, each search parameter of each type."""

import json
from itertools import groupby

import orjson

from helhed.api.capability import capability_statement
from tools.conformance import PARAMETERS, SEEN, Feature, proven
from tools.docs_pages import table

_EXAMPLES = "tests/unit/conformance/test_examples.py"


def conformance() -> str:
    """The page."""
    return (
        "# Conformance\n\n"
        "What the FHIR door does, and the test that proves it. A feature stands here only when its test was seen to pass\n"
        "with the code that does it, and to fail when that was taken away. `python -m tools.conformance` takes each away\n"
        f"and writes what it saw; the last time was {_date()}. `make test-long` does it again. Sources:\n"
        "`tools/conformance_features.json` and `tools/conformance_seen.json`.\n"
        + "".join(_group(name, list(some)) for name, some in groupby(proven(), lambda one: one.group))
        + _types()
    )


def _date() -> str:
    return str(json.loads(SEEN.read_text("utf-8"))["date"])


def _group(name: str, several: list[Feature]) -> str:
    rows = [(one.name, f"`{one.test}`", f"`{one.handler}`") for one in several]
    return f"\n## {name}\n\n" + table(("feature", "test that proves it", "fails without"), rows)


def _types() -> str:
    """Each type with its parameters: those that a published example was found by, and those that are only supported."""
    told = json.loads(PARAMETERS.read_text("utf-8"))
    statement = orjson.loads(capability_statement(""))
    rows = []
    for one in statement["rest"][0]["resource"]:
        found = set(told["parameters"].get(one["type"], ()))
        names = [parameter["name"] for parameter in one["searchParam"]]
        shown = ", ".join(f"`{name}`" for name in names if name in found)
        rest = ", ".join(f"`{name}`" for name in names if name not in found)
        rows.append((one["type"], str(len(names)), shown, rest))
    return (
        "\n## Resource types and their search parameters\n\n"
        "All types have the interactions above. *Proven* are the parameters by which a published Danish example of that type\n"
        f"is found (`{_EXAMPLES}`, as of {told['date']}); the others are in the CapabilityStatement and have no example.\n\n"
        + table(("type", "supported", "proven by an example", "supported, without an example"), rows)
    )
