"""Attacks 1 to 18 of the access model at the door: what is sent is refused in plain words, or kept as it is and harms nobody."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from helhed.fhir.transaction.entries import MOST_ENTRIES
from tests.support.door import Door
from tests.unit.attacks.oracle import plain, state
from tests.unit.store.scene import Scene, entry

pytestmark = pytest.mark.asyncio(loop_scope="module")
CREATED, BAD_REQUEST, TOO_LARGE = 201, 400, 413
Body = Callable[[Scene], bytes]


def result(**more: Any) -> Body:
    """A result with something in it."""
    return lambda scene: orjson.dumps(scene.result(**more))


def within(text: bytes) -> Body:
    """A result with this as its last properties, as they are."""
    return lambda scene: orjson.dumps(scene.result())[:-1] + b"," + text + b"}"


def extensions(many: int) -> list[dict[str, Any]]:
    return [{"url": "urn:x", "valueInteger": 1}] * many


def circle() -> dict[str, Any]:
    """Contained resources that refer to each other, and one that contains itself."""
    inner = {"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": {"reference": "#a"}}
    contained = {"resourceType": "Basic", "id": "a", "code": {"text": "x"}, "subject": {"reference": "#b"}}
    return {"contained": [{**contained, "contained": [inner]}]}


REFUSED: dict[str, tuple[int, Body]] = {
    "1 depth": (TOO_LARGE, within(b'"x":' + b"[" * 100_000 + b"]" * 100_000)),
    "1 depth of extensions": (BAD_REQUEST, within(b'"extension":' + b'[{"url":"u","extension":' * 40 + b"[]" + b"}]" * 40)),
    "3 a property twice": (BAD_REQUEST, within(b'"status":"amended"')),
    "3 a property twice, escaped": (BAD_REQUEST, within(b'"st\\u0061tus":"amended"')),
    "4 beyond all numbers": (BAD_REQUEST, within(b'"valueQuantity":{"value":1e999}')),
    "4 not a number": (BAD_REQUEST, within(b'"valueQuantity":{"value":NaN}')),
    "4 a million digits": (BAD_REQUEST, within(b'"valueQuantity":{"value":0.' + b"1" * 1_000_000 + b"}")),
    "4 a whole number that is none": (BAD_REQUEST, within(b'"valueInteger":1.5')),
    "5 half a character": (BAD_REQUEST, within(b'"valueString":"\\ud800"')),
    "5 a NUL": (BAD_REQUEST, within(b'"valueString":"a\\u0000b"')),
    "5 overlong": (BAD_REQUEST, within(b'"valueString":"\xc0\xaf"')),
    "5 a byte order mark": (BAD_REQUEST, lambda scene: b"\xef\xbb\xbf" + orjson.dumps(scene.result())),
    "5 UTF-16": (BAD_REQUEST, lambda scene: orjson.dumps(scene.result()).decode().encode("utf-16")),
    "7 a day that never was": (BAD_REQUEST, result(effectiveDateTime="2023-02-29")),
    "7 an hour that never is": (BAD_REQUEST, result(effectiveDateTime="2023-02-28T24:00:00Z")),
    "7 a year that never was": (BAD_REQUEST, result(effectiveDateTime="0000")),
    "8 an empty list": (BAD_REQUEST, result(note=[])),
    "8 an empty text": (BAD_REQUEST, result(valueString="")),
    "8 an empty object": (BAD_REQUEST, result(valueQuantity={})),
    "8 nothing": (BAD_REQUEST, result(valueString=None)),
    "8 lists of nothing": (BAD_REQUEST, result(category=[None])),
    "9 what FHIR does not have": (BAD_REQUEST, result(nosuch=1)),
    "9 the prototype": (BAD_REQUEST, within(b'"__proto__":{"admin":true}')),
    "9 the constructor": (BAD_REQUEST, within(b'"constructor":{"prototype":{}}')),
    "10 a hundred thousand extensions": (TOO_LARGE, result(extension=extensions(100_000))),
    "10 many extensions": (BAD_REQUEST, result(extension=extensions(3000))),
    "10 many contained": (BAD_REQUEST, result(contained=[{"resourceType": "Basic", "id": f"b{n}", "code": {"text": "x"}} for n in range(2000)])),
    "10 contained in contained": (BAD_REQUEST, result(**circle())),
    "17 base64 that is none": (BAD_REQUEST, result(extension=[{"url": "urn:x", "valueBase64Binary": "a=b="}])),
    "74 a script in a narrative": (BAD_REQUEST, result(text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>'})),
    "74 an event in a narrative": (BAD_REQUEST, result(text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><b onclick="x">y</b></div>'})),
}  # fmt: skip


@pytest.mark.parametrize("attack", REFUSED)
async def test_what_is_sent_to_harm_is_refused_in_plain_words_and_changes_nothing(library: Scene, attack: str) -> None:
    status, body = REFUSED[attack]
    before = await state(library.world)
    found, told = await Door(library.world, library.custodian).post("/fhir/Observation", body(library))
    plain(found, told)
    assert (found, await state(library.world)) == (status, before)


@pytest.mark.parametrize("attack", REFUSED)
async def test_it_is_refused_within_a_transaction_too_and_all_of_it(library: Scene, attack: str) -> None:
    raw = REFUSED[attack][1](library)
    good = orjson.dumps(entry("POST", "Observation", library.result()))
    bad = b'{"request":{"method":"POST","url":"Observation"},"resource":' + raw + b"}"
    bundle = b'{"resourceType":"Bundle","type":"transaction","entry":[' + good + b"," + bad + b"]}"
    before = await state(library.world)
    found, told = await Door(library.world, library.custodian).post("/fhir", bundle)
    plain(found, told)
    assert await state(library.world) == before


KEPT: dict[str, dict[str, Any]] = {
    "4 minus nought": {"valueQuantity": {"value": -0.0}},
    "6 from right to left": {"valueString": "a\u202etxt.exe"},
    "6 of no width": {"valueString": "Je\u200bns"},
    "6 alike": {"valueString": "\u0408ens"},  # a Cyrillic letter
    "17 a document that is two": {"extension": [{"url": "urn:x", "valueBase64Binary": b64encode(b"%PDF-1.7<script>").decode()}]},
    "79 a formula": {"valueString": '=cmd|"/c calc"!A1'},
}  # fmt: skip


@pytest.mark.parametrize("attack", KEPT)
async def test_what_is_strange_and_allowed_is_kept_to_the_character(library: Scene, attack: str) -> None:
    sent = library.result(**KEPT[attack])
    status, kept = await Door(library.world, library.custodian).post("/fhir/Observation", sent)
    assert status == CREATED
    own = {name: value for name, value in kept.items() if name not in {"id", "meta"}}
    assert orjson.dumps(own) == orjson.dumps(sent)


@pytest.mark.parametrize("family", ["Je\u200bnsen", "\u0408ensen", "Jensen\u202e"])
async def test_a_name_that_looks_the_same_is_another_name(library: Scene, family: str) -> None:
    world = library.world
    patient = await world.patient(library.hospital, family)
    await world.contact(patient, library.ward)
    assert patient not in await world.found(library.doctor, "Patient?family:exact=Jensen")
    assert patient in await world.found(library.doctor, f"Patient?family:exact={family}")


async def test_a_document_is_downloaded_and_never_shown(library: Scene) -> None:
    """Attack 17: what a Binary holds comes as a file in a sandbox, which no browser runs or guesses at, or within FHIR."""
    binary = {"resourceType": "Binary", "contentType": "text/html", "data": b64encode(b"<script>x</script>").decode()}
    binary["securityContext"] = {"reference": f"Patient/{library.patient}"}  # type: ignore[assignment]
    status, head, _ = await Door(library.world, library.custodian).do("POST", "/fhir/Binary", binary)
    assert status == CREATED
    path = head["location"].removeprefix("https://here.example").split("/_history")[0]
    head, body = await Door(library.world, library.doctor).whole(path)
    assert (body, head["x-content-type-options"]) == (b"<script>x</script>", "nosniff")
    assert head["content-disposition"].startswith("attachment")
    assert head["content-security-policy"].startswith("sandbox; default-src 'none'")
    head, body = await Door(library.world, library.doctor).whole(f"{path}?_format=json")
    assert head["content-type"].startswith("application/fhir+json")
    assert b"<script>" not in body


@pytest.mark.parametrize("headers", [{"content-type": "text/html"}, {"content-type": "application/fhir+json;charset=utf-7"}, {"content-type": "multipart/form-data"}, {"content-encoding": "gzip"}, {"content-encoding": "br, gzip"}])  # fmt: skip
async def test_a_body_in_another_wrapping_is_not_unwrapped(library: Scene, headers: dict[str, str]) -> None:
    """Attacks 14 and 16: nothing that could swell is opened."""
    before = await state(library.world)
    status, told = await Door(library.world, library.custodian).post("/fhir/Observation", library.result(), **headers)
    plain(status, told)
    assert (status, await state(library.world)) == (415, before)


def bundle(*entries: Any, kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def create(scene: Scene, name: str, **more: Any) -> dict[str, Any]:
    return entry("POST", "Observation", scene.result(**more), fullUrl=name)


BUNDLES: dict[str, Callable[[Scene], Any]] = {
    "11 entries without end": lambda scene: bundle(*[create(scene, f"urn:x:{n}") for n in range(MOST_ENTRIES + 1)]),
    "11 a hundred thousand entries of nothing": lambda scene: bundle(*[{}] * 100_000),
    "11 two of one name": lambda scene: bundle(create(scene, "urn:uuid:1"), create(scene, "urn:uuid:1")),
    "11 a name that nobody has": lambda scene: bundle(create(scene, "urn:uuid:1", focus=[{"reference": "urn:uuid:2"}])),
    "11 the same row twice": lambda scene: bundle(*[entry("DELETE", f"Observation/{scene.observation}")] * 2),
    "11 an address elsewhere": lambda scene: bundle(entry("POST", "https://evil.example/fhir/Observation", scene.result())),
    "11 an address beside": lambda scene: bundle(entry("PUT", "Observation/../Patient/x", scene.result())),
    "11 a method that is none": lambda scene: bundle(entry("TRACE", "Observation", scene.result())),
}  # fmt: skip


@pytest.mark.parametrize("attack", BUNDLES)
async def test_a_bundle_that_is_none_is_refused_whole(library: Scene, attack: str) -> None:
    before = await state(library.world)
    status, told = await Door(library.world, library.custodian).post("/fhir", BUNDLES[attack](library))
    plain(status, told)
    assert await state(library.world) == before


async def test_entries_that_name_each_other_in_a_circle_are_stored_once_each(library: Scene) -> None:
    names = [f"urn:uuid:0190aaaa-0000-4000-8000-00000000000{n}" for n in range(3)]
    turned = [*names[1:], names[0]]
    entries = [create(library, own, focus=[{"reference": other}]) for own, other in zip(names, turned, strict=True)]
    status, answer = await Door(library.world, library.custodian).post("/fhir", bundle(*entries))
    assert (status, len({one["response"]["location"] for one in answer["entry"]})) == (200, 3)


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "add", "path": "/../../Patient/0/name", "value": "x"}],
        [{"op": "replace", "path": "/subject/reference", "value": "Patient/0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"}],
        [{"op": "replace", "path": "/id", "value": "0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"}],
        [{"op": "replace", "path": "/resourceType", "value": "Patient"}],
        [{"op": "copy", "from": "", "path": "/note"}],
        [{"op": "add", "path": "/__proto__/x", "value": 1}],
        [{"op": "test", "path": "/status", "value": "amended"}],
        [{"op": "add", "path": "/note", "value": [{"text": "x"}]}, *[{"op": "copy", "from": "/note", "path": "/note/-"}] * 40],
    ],
    ids=["outside", "another citizen", "another id", "another type", "itself", "the prototype", "a question", "doubling"],
)  # fmt: skip
async def test_a_patch_stays_within_what_it_patches(library: Scene, operations: Any) -> None:
    """Attack 18."""
    before = await state(library.world)
    url, media = f"/fhir/Observation/{library.observation}", "application/json-patch+json"
    for ask in (library.doctor, library.stranger):
        head = {"content_type": media, "if_match": 'W/"1"'}
        status, _, told = await Door(library.world, ask).do("PATCH", url, operations, **head)
        plain(status, told)
    assert await state(library.world) == before
