"""Documents to import: a Bundle of one citizen each, as another network would deliver them."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from bench.world import PER_CITIZEN, observation


def write_documents(folder: Path, documents: int) -> int:
    """That many documents, each of one citizen; answers how many resources they hold."""
    total = 0
    for number in range(documents):
        patient, born = str(uuid4()), f"{1930 + number % 90}-{number % 12 + 1:02}-{number % 28 + 1:02}"
        entries: list[Any] = [
            _entry(
                patient,
                {"resourceType": "Patient", "name": [{"family": "Test"}], "gender": "female", "birthDate": born},
            )
        ]
        entries += [_entry(str(uuid4()), _of(patient)) for _ in range(PER_CITIZEN * 2)]
        total += len(entries)
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        (folder / f"{number:04}.json").write_text(json.dumps(bundle, ensure_ascii=False), "utf-8")
    return total


def _of(patient: str) -> dict[str, Any]:
    resource = observation(UUID(patient))
    resource["subject"] = {"reference": f"urn:uuid:{patient}"}
    return resource


def _entry(name: str, resource: dict[str, Any]) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    named = {"resourceType": resource["resourceType"], "id": name, **resource}
    return {"fullUrl": f"urn:uuid:{name}", "resource": named, "request": request}
