"""What upper rooms do inside a transaction that writes."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from helhed.fhir.changes import Change
from helhed.fhir.store.writing import Preparer, PreparesMany, Projection, Stored, Witness
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection


def no_alias(system: str | None, value: str) -> bool:
    """Where no room knows of numbers that are shared."""
    return False


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is plugged in from above, in the order in which it is called."""

    projections: tuple[Projection, ...] = ()
    preparers: tuple[Preparer, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    is_alias: Callable[[str | None, str], bool] = (
        no_alias  #: a number that several people may share, by its system (None: not said)
    )


async def prepared_by(connection: Connection, hooks: Hooks, asked: Sequence[tuple[Ask, Change]]) -> list[Change]:
    """Changes of several asks as they will be stored, in their order."""
    changes = [change for _, change in asked]
    for preparer in hooks.preparers:
        places = [place for place, change in enumerate(changes) if change.type_name in preparer.types]
        due = [(asked[place][0], changes[place]) for place in places]
        if isinstance(preparer, PreparesMany):
            done = await preparer.prepare_many(connection, due) if due else []
        else:
            done = [await preparer.prepare(connection, ask, change) for ask, change in due]
        for place, change in zip(places, done, strict=True):
            changes[place] = change
    return changes


async def project(
    connection: Connection, hooks: Hooks, stored: Sequence[Stored], removed: Mapping[str, Sequence[UUID]]
) -> None:
    """What follows from rows that were written, and from those that were removed, by type."""
    by_type: dict[str, list[Stored]] = defaultdict(list)
    for one in stored:
        by_type[one.type_name].append(one)
    for projection in hooks.projections:
        taken = [one for name, some in by_type.items() if name in projection.types for one in some]
        if taken:
            await projection.project(connection, taken)
        gone = [one for name in projection.types for one in removed.get(name, ())]
        if gone:
            await projection.forget(connection, gone)
