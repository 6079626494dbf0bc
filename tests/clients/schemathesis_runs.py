"""Requests made up from /openapi.json by schemathesis, sent by one persona, and what every answer has to keep."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from helhed.fhir.validation import validate
from tests.support.live import LiveServer

SEED = 20261124
GENERATED = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True)
class Described:
    """What a running server says it answers."""

    raw: dict[str, Any]

    @classmethod
    def of(cls, server: LiveServer) -> "Described":
        """Fetched without a login."""
        return cls(requests.get(f"{server.url}/openapi.json", timeout=30).json())

    def operations(self, wanted: Callable[[str], bool]) -> Iterator[Any]:
        """The operations at the addresses wanted, as schemathesis reads them."""
        paths = {path: told for path, told in self.raw["paths"].items() if wanted(path)}
        schema = schemathesis.openapi.from_dict({**self.raw, "paths": paths})
        yield from (found.ok() for found in schema.get_all_operations() if isinstance(found, Ok))


def well_formed(_context: Any, response: Any, _case: Any) -> None:
    """What schemathesis cannot know: resources are FHIR, errors say what is wrong, nothing is kept by a cache."""
    if not response.content or "json" not in response.headers.get("content-type", [""])[0]:
        return
    if "ndjson" in response.headers["content-type"][0]:
        assert all(orjson.loads(line)["kind"] for line in response.content.splitlines())
        assert response.headers["cache-control"] == ["no-store"]
        return
    told = orjson.loads(response.content)
    problems = validate(told)
    assert problems == [], problems
    assert response.headers["cache-control"] == ["no-store"]
    if response.status_code >= 400:
        assert told["resourceType"] == "OperationOutcome"
        assert all(issue["diagnostics"] for issue in told["issue"])


def run(
    operation: Any,
    server: LiveServer,
    session: requests.Session,
    ids: list[str],
    examples: int,
    *,
    hidden: bool = False,
) -> list[int]:
    """Made-up requests to one operation, good and bad; the statuses that came.

    ``ids`` are of real patients, for some of the addresses; ``hidden``, when nothing that refers to them may come back.
    """
    statuses: list[int] = []
    modes = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

    @seed(SEED)
    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=GENERATED,
        phases=(Phase.generate,), print_blob=False,
    )  # fmt: skip
    @given(case=st.one_of(modes), real=st.sampled_from(["", *ids]))
    def sent(case: Any, real: str) -> None:
        if real and case.method == "GET" and "id" in (case.path_parameters or {}):  # nobody's data are changed by dice
            case.path_parameters["id"] = real
        answer = case.call(base_url=f"{server.url}/fhir", session=session, timeout=30)
        case.validate_response(answer, checks=CHECKS, additional_checks=[well_formed])
        for one in ids if hidden else ():
            assert f'"reference":"Patient/{one}"'.encode() not in answer.content
        statuses.append(answer.status_code)

    sent()
    return statuses
