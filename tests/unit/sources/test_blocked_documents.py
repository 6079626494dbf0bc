"""A block of one document that a source answered: the citizen sets it, and it holds for what the document presents when the document itself is gone."""

from dataclasses import replace
from uuid import UUID, uuid4

import orjson
import pytest

from helhed.foundation.errors import Unprocessable
from helhed.trust.blocks.shapes import Blocks, Shape
from tests.support.stand_in import THERE, measured
from tests.unit.sources.conftest import Small

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPORT = {
    "resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "Svar"},
    "subject": {"reference": f"Patient/{THERE}"}, "result": [{"reference": "Observation/a"}],
}  # fmt: skip


async def _block_document(small: Small, document: UUID) -> None:
    """As the citizen sets it."""
    await Blocks(small.world.store.pool).put(
        small.world.citizen(small.patient), Shape(what_document=UUID(str(document)))
    )


async def test_a_citizen_blocks_a_document_that_was_answered_and_none_that_was_never(small: Small) -> None:
    small.stand_in.resources = [measured("a"), REPORT]
    await small.told()
    (report,) = await small.seen(types=("DiagnosticReport",))

    with pytest.raises(Unprocessable):
        await _block_document(small, uuid4())
    await _block_document(small, report.id)

    assert await small.seen() == []


@pytest.mark.parametrize(
    "how", ["it is not sent any more", "its answer ended first", "everything ended, and only the part came again"]
)
async def test_a_block_of_a_document_holds_for_its_part_when_the_document_is_gone(small: Small, how: str) -> None:
    small.stand_in.resources = [measured("a"), measured("b"), REPORT]
    await small.told()
    (report,) = await small.seen(types=("DiagnosticReport",))
    (part,) = [one["reference"].removeprefix("Observation/") for one in orjson.loads(report.body)["result"]]
    await _block_document(small, report.id)
    if how == "its answer ended first":
        await small.told(small.asks(60), types=("Observation",))
        later = small.asks(24 * 60 + 1)
    else:
        later = small.asks(5 if how == "it is not sent any more" else 3 * 24 * 60)
        small.stand_in.resources = small.stand_in.resources[:2]
    await small.live.kept.purge(later.at)
    if how != "its answer ended first":
        await small.told(later)
    await small.live.kept.purge(later.at)

    assert part not in {str(row.id) for row in await small.seen(later)}
    assert len(await small.seen(later)) == 1
    assert len(await small.seen(replace(small.world.citizen(small.patient), at=later.at))) == 2


async def test_what_presented_what_is_forgotten_with_the_last_of_it(small: Small) -> None:
    small.stand_in.resources = [measured("a"), REPORT]
    await small.told()
    await small.live.kept.purge(small.asks(3 * 24 * 60).at)

    assert await small.world.owner.fetchval("select count(*) from fhir.live_presented") == 0
