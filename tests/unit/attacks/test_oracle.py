"""The oracle of refusals notices what it is for, and what is refused at the door leaves a line without a word of what was sent."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.door import Door
from tests.unit.attacks.oracle import plain, state
from tests.unit.store.scene import Scene


def told(sentence: str, severity: str = "error") -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "x", "diagnostics": sentence}]}


def test_a_plain_refusal_is_one() -> None:
    plain(400, told("The parameter code has an empty value."))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, told("x")),
        (500, told("x")),
        (400, {"resourceType": "Bundle"}),
        (400, told("")),
        (400, told("x", "warning")),
        (400, told('File "/srv/helhed/app.py", line 3')),
        (400, told('syntax error at or near "select"')),
        (400, told("select id from fhir.resource where")),
        (400, told("asyncpg.exceptions.DataError")),
        (400, told("Nobody is called 010203-4567.")),
        (400, told("x" * 100_000)),
    ],
)
def test_a_refusal_that_is_not_plain_is_found(status: int, answer: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        plain(status, answer)


async def test_the_smallest_change_is_found(scene: Scene) -> None:
    before = await state(scene.world)
    await scene.world.change(scene.custodian, scene.observation, scene.result(scene.observation))
    assert await state(scene.world) != before


async def test_what_is_refused_leaves_a_line_without_its_content(scene: Scene) -> None:
    door = Door(scene.world, scene.custodian)
    with capture_logs() as lines:
        _, head, _ = await door.do("POST", "/fhir/Observation", scene.result(valueString="", status="0102034567"))
        await door.do("GET", f"/fhir/Observation/{scene.observation}")  # what is hidden has its row in the log instead
    (line,) = lines
    assert (line["event"], line["status"], line["trace"]) == ("refused", 400, head["x-request-id"])
    assert "0102034567" not in str(line)
