"""The published examples put into databases: each with what it refers to, the same person only once in each."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from helhed.fhir.definitions import Ownership, type_definition
from helhed.foundation.ids import key_of
from tests.support.door import Door
from tests.support.published import Example
from tests.support.world import World

Resource = dict[str, Any]
_CPR = "urn:oid:1.2.208.176.1.2"


class Filed(NamedTuple):
    """An example that was sent, and where it is."""

    example: Example
    sent: Resource  #: with the references of this database
    id: UUID
    citizen: UUID | None  #: whom it is about, when it is about somebody


def name_of(example: Example) -> str:
    """How references of its package name it."""
    return f"{example.resource['resourceType']}/{example.resource['id']}"


def references(value: Any) -> Iterator[str]:
    """Every literal reference in a resource, its contained ones included."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def groups(several: list[Example]) -> list[list[Example]]:
    """The examples of one package in as few groups as they need: what refers and what is referred to lie together,
    and no two Patients of a group have the same number, for a person is registered once.
    """
    by_name = {name_of(one): one for one in several}
    made: list[dict[str, Example]] = []
    for one in several:
        needed = _closure(one, by_name)
        home = next((group for group in made if _fits({**group, **needed})), None)
        if home is None:
            home = {}
            made.append(home)
        home.update(needed)
    return [list(group.values()) for group in made]


def _closure(one: Example, by_name: dict[str, Example]) -> dict[str, Example]:
    found: dict[str, Example] = {}
    waiting = [name_of(one)]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in found:
            found[name] = by_name[name]
            waiting += references(by_name[name].resource)
    return found


def _fits(group: dict[str, Example]) -> bool:
    patients = [one.resource for name, one in group.items() if name.startswith("Patient/")]
    numbers = [one.get("value") for patient in patients for one in patient.get("identifier", ()) if one.get("value")]
    return len(numbers) == len(set(numbers))


async def file(world: World, organisation: UUID, group: list[Example]) -> tuple[list[Filed], dict[str, Any]]:
    """Create a group by one transaction of the organisation's system; what came of it, or what the answer was."""
    await world.owner.execute("select trust.register_system($1)", key_of(organisation))
    door = Door(world, world.system(organisation))
    urls = {name_of(one): f"urn:uuid:{UUID(int=turn)}" for turn, one in enumerate(group)}
    entries = [
        {
            "fullUrl": urls[name_of(one)],
            "resource": renamed(one.resource, urls),
            "request": {"method": "POST", "url": one.resource["resourceType"]},
        }
        for one in group
    ]
    status, answer = await door.post("/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    if status != 200:
        return [], answer
    here = {
        name_of(one): entry["response"]["location"].split("/fhir/")[-1].partition("/_history")[0]
        for one, entry in zip(group, answer["entry"], strict=True)
    }
    return [_filed(one, here) for one in group], answer


def _filed(one: Example, here: dict[str, str]) -> Filed:
    sent = renamed(one.resource, here)
    citizen = None
    if type_definition(sent["resourceType"]).ownership is Ownership.CITIZEN:  # a Group names citizens and is not theirs
        citizen = next((name for name in [here[name_of(one)], *references(sent)] if name.startswith("Patient/")), None)
    return Filed(
        one,
        sent,
        UUID(here[name_of(one)].partition("/")[2]),
        None if citizen is None else UUID(citizen.partition("/")[2]),
    )


def renamed(resource: Resource, names: dict[str, str]) -> Resource:
    """The resource with the references that ``names`` has written anew."""

    def of(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: names.get(inner, inner) if key == "reference" and isinstance(inner, str) else of(inner)
                for key, inner in value.items()
            }
        return [of(inner) for inner in value] if isinstance(value, list) else value

    fresh: Resource = of(orjson.loads(orjson.dumps(resource)))
    return fresh
