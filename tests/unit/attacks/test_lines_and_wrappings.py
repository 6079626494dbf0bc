"""What is sent ends no line that it did not begin, in a header or in the log (attack 77); and no answer that holds a secret or
somebody's data is compressed, so that its length tells nothing about what stands beside what the asker chose (attack 81).
"""

import gzip
import json
import sys
from collections.abc import Iterator
from io import StringIO
from urllib.parse import quote

import pytest
import structlog

from helhed.foundation import logging as ours
from tests.support.door import Door
from tests.unit.store.scene import Scene

_asynchronous = pytest.mark.asyncio(loop_scope="module")
OK = 200
#: line ends, of every kind that something along the way might take for one
BREAKS = ["\r\n", "\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x00"]
_INJECTED = "x-injected"


def _places(written: str) -> list[tuple[str, str]]:
    """Methods and addresses that carry it wherever an address can."""
    quoted = quote(written, safe="")
    return [
        ("GET", f"/fhir/Patient/{quoted}"),
        ("GET", f"/fhir/{quoted}/1"),
        ("GET", f"/fhir/Patient?{quoted}=1"),
        ("GET", f"/fhir/Patient?family={quoted}&_sort={quoted}"),
        ("GET", f"/fhir/Patient?_format={quoted}"),
        ("POST", f"/fhir/Patient/$%0d%0a{quoted}"),
    ]


@pytest.mark.parametrize("broken", BREAKS, ids=[repr(one) for one in BREAKS])
@_asynchronous
async def test_no_header_of_an_answer_holds_a_line_end(library: Scene, broken: str) -> None:
    written = f"a{broken}{_INJECTED}: 1{broken}"
    for method, address in _places(written):
        _, headers, _ = await Door(library.world, library.doctor).do(method, address)
        assert not [name for name in headers if _INJECTED in name]
        assert not [(name, value) for name, value in headers.items() if any(one in value for one in BREAKS)]


@_asynchronous
async def test_a_header_that_a_client_chooses_comes_back_in_no_header(library: Scene) -> None:
    door = Door(library.world, library.doctor)
    for name in ("x_request_id", "prefer", "if_none_match", "accept", "traceparent"):
        _, headers, _ = await door.do("GET", "/fhir/metadata", **{name: f"x\r\n{_INJECTED}: 1"})
        assert not [one for one in headers if _INJECTED in one]
        assert not [value for value in headers.values() if _INJECTED in value]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What is written to the log."""
    out = StringIO()
    before = structlog.get_config()
    monkeypatch.setattr(sys, "stderr", out)
    ours.configure("INFO")
    structlog.configure(cache_logger_on_first_use=False)
    yield out
    structlog.configure(**before)


@pytest.mark.parametrize("broken", BREAKS, ids=[repr(one) for one in BREAKS])
def test_what_is_logged_is_one_line_of_json_whatever_it_holds(written: StringIO, broken: str) -> None:
    forged = json.dumps({"level": "info", "event": "served", "forged": True})
    ours.logger("api").warning(f"refused{broken}{forged}", path=f"/x{broken}{forged}", **{f"k{broken}": [f"v{broken}"]})
    text = written.getvalue()
    assert text.endswith("\n")
    lines = [line for line in text[:-1].splitlines() if line]
    assert len(lines) == 1
    assert "forged" not in json.loads(lines[0])


#: answers that hold data, secrets, or what the asker wrote
_ANSWERS = [
    "/fhir/Patient/{patient}",
    "/fhir/Patient?family=Holm",
    "/fhir/Patient/{patient}/$everything",
    "/fhir/Patient/nosuch",
    "/fhir/metadata",
]


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br, zstd", "*", "br;q=1.0, gzip;q=0.8"])
@_asynchronous
async def test_nothing_about_anybody_is_compressed_whatever_is_asked_for(library: Scene, accepted: str) -> None:
    door = Door(library.world, library.doctor)
    for address in _ANSWERS:
        _, headers, _ = await door.do("GET", address.format(patient=library.patient), accept_encoding=accepted)
        assert "content-encoding" not in headers, address


@_asynchronous
async def test_what_is_compressed_says_the_same_to_everybody(library: Scene) -> None:
    """The description of the door: it holds nothing that depends on who asks or on what they wrote."""
    asked = f"/fhir/openapi.json?x={quote('chosen by the asker')}"
    told = set()
    for ask in (library.doctor, library.custodian):
        headers, body = await Door(library.world, ask).whole(asked)
        told.add(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
    assert len(told) == 1
    assert b"chosen by the asker" not in told.pop()
