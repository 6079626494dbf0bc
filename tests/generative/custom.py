"""Search parameters beside R4's own that every generated network has: one of each kind that rows are searched by.

The search in memory knows them by plain paths (``memory_search.PARAMETERS``), and nothing of expressions.
"""

from helhed.fhir.definitions import Custom, ParameterSet, use_parameters
from helhed.fhir.search_parameters import Definition, read_definition, take_up
from tests.generative.worlds import NOW
from tests.support.world import World as Opened

#: type, code, kind, expression, targets
_PARAMETERS = (
    ("Observation", "any-code", "token", "Observation.code | Observation.component.code", ()),
    ("Observation", "said", "string", "Observation.value.ofType(string)", ()),
    ("Observation", "part", "quantity", "Observation.component.value.ofType(Quantity)", ()),
    ("Observation", "around", "reference", "Observation.encounter | Observation.derivedFrom", ("Encounter", "Observation")),
    ("Observation", "likeness", "uri", "Observation.meta.profile", ()),
    ("Encounter", "from", "date", "Encounter.period.start", ()),
)  # fmt: skip


def _definitions() -> list[Definition]:
    found = []
    for base, code, kind, expression, targets in _PARAMETERS:
        resource = {
            "resourceType": "SearchParameter", "url": f"http://network.example/{code}", "name": "X", "status": "active",
            "description": "x", "code": code, "base": [base], "type": kind, "expression": expression,
        }  # fmt: skip
        found.append(read_definition({**resource, "target": list(targets)} if targets else resource))
    return found


def hold_custom() -> None:
    """Hold them in this process, for tests without a network."""
    numbered = enumerate(_definitions())
    use_parameters(
        ParameterSet(
            0,
            [
                Custom(10_001 + 2 * n, one.url, one.code, one.kind, one.bases, one.targets, one.expression)
                for n, one in numbered
            ],
        )
    )


async def put_custom(opened: Opened) -> None:
    """Take them into use in an empty network."""
    for one in _definitions():
        await take_up(opened.owner, one, b"{}", NOW)
    await opened.store.note_index_work()


__all__ = ["hold_custom", "put_custom"]
