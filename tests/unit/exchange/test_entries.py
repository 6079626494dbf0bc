"""What a glance at a foreign document sees is what the document says, however it is written."""

import json
from typing import Any
from uuid import uuid4

import pytest

from helhed.exchange.foreign.documents import Document
from helhed.exchange.foreign.entries import entries_of, heads_of
from helhed.foundation.errors import BadRequest, InvalidResource, TooLarge

PERSON = f"urn:uuid:{uuid4()}"


def bundle(*resources: Any, **more: Any) -> Document:
    entries = [{"fullUrl": f"urn:uuid:{number}", "resource": one} for number, one in enumerate(resources)]
    return document({"resourceType": "Bundle", "type": "collection", "entry": entries, **more})


def document(content: Any) -> Document:
    return Document("d.json", json.dumps(content).encode(), ndjson=False)


def read(given: Document) -> None:
    heads_of(given)
    entries_of(given)


def appointment(*actors: str) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "participant": [{"actor": {"reference": actor}, "status": "accepted"} for actor in actors],
    }


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ({"resourceType": "Observation", "subject": {"reference": PERSON}}, [PERSON]),
        ({"resourceType": "Observation", "subject": {"display": "nobody"}}, []),
        ({"resourceType": "Coverage", "beneficiary": {"reference": PERSON}}, [PERSON]),
        ({"resourceType": "Group", "member": [{"entity": {"reference": PERSON}}]}, []),
        (appointment("Location/1", PERSON), ["Location/1", PERSON]),
        ({"resourceType": "Observation", "subject": [{"reference": PERSON}]}, []),
    ],
    ids=["subject", "no literal reference", "beneficiary", "no patient path", "within a list", "mistyped"],
)
def test_the_patient_is_found_where_the_type_says(resource: dict[str, Any], found: list[str]) -> None:
    (head,) = heads_of(bundle(resource))
    assert list(dict.fromkeys(head.patient_references())) == found


def test_an_entry_is_called_by_its_address_and_its_own_name() -> None:
    named, nameless = heads_of(bundle({"resourceType": "Patient", "id": "p1"}, {"resourceType": "Patient"}))
    assert (named.names, named.source_id) == (["urn:uuid:0", "Patient/p1"], "p1")
    assert (nameless.names, nameless.source_id) == (["urn:uuid:1"], "urn:uuid:1")


def test_lines_and_single_resources_are_documents_too() -> None:
    lines = Document(
        "d.ndjson", b'{"resourceType":"Patient","id":"a"}\n{"resourceType":"Patient","id":"b"}', ndjson=True
    )
    assert [head.id for head in heads_of(lines)] == ["a", "b"]
    assert [entry.resource["id"] for entry in entries_of(lines)] == ["a", "b"]
    alone = document({"resourceType": "Patient", "id": "c"})
    assert [head.id for head in heads_of(alone)] == ["c"]
    assert [entry.resource["id"] for entry in entries_of(alone)] == ["c"]


def test_entries_keep_every_character_but_white_space() -> None:
    raw = b'{"resourceType": "Bundle", "entry": [ {"resource": {"resourceType": "Basic",\n "x": 1.50 } } ]}'
    (entry,) = entries_of(Document("d", raw, ndjson=False))
    assert entry.raw == b'{"resourceType":"Basic","x":1.50}'


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b'{"resourceType": "Bundle", "entry": [', BadRequest),
        (b'{"resourceType": "Bundle", "entry": [{"resource": 7}]}', BadRequest),
        (b'{"resourceType": "Bundle", "entry": {"resource": {}}}', BadRequest),
        (b'{"resourceType": "Bundle", "entry": [{"fullUrl": 7, "resource": {}}]}', BadRequest),
        (b'{"resourceType": "Bundle", "entry": [], "entry": []}', InvalidResource),
        (b"[" * 100 + b"]" * 100, BadRequest),
        (b"[]", BadRequest),
        (b"\xff", BadRequest),
        (b"[[" * 600_000, TooLarge),
    ],
    ids=["cut", "no resource", "no list", "mistyped address", "twice", "deep", "list", "not UTF-8", "brackets"],
)
def test_what_is_no_bundle_is_refused_in_words(raw: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(Document("d", raw, ndjson=False))
