"""Messages are taken whole or not at all, acknowledged once, and shared as what they said."""

import pytest
from tests.support.door import Door
from tests.unit.exchange.letters import HOSPITAL, WRITER, Post, envelope, letter

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def post(world):
    """Everybody in place."""
    return await Post.opened(world)


async def send(post, message, by=None):
    """Status and answer of a message."""
    return await Door(post.world, post.world.system(by or post.hospital)).post("/fhir/$process-message", message)


def code(answer):
    """Of an acknowledgement."""
    return answer["entry"][0]["resource"]["response"]["code"]


async def test_a_message_is_acknowledged_kept_shared_and_asked_of_the_receiver(post):
    message = letter(*WRITER)
    status, answer = await send(post, message)
    assert (status, code(answer)) == (200, "ok"), answer
    doctor = post.world.professional(await post.world.employee(post.clinic), post.clinic)
    await post.world.contact(post.patient, post.clinic)
    (found,) = (await post.world.search(doctor, f"Communication?patient=Patient/{post.patient}")).matches
    assert b"Kan I se p" in found.body
    (task,) = (await post.world.search(doctor, f"Task?patient=Patient/{post.patient}")).matches
    assert f"Communication/{found.id}".encode() in task.body
    kept = await post.world.owner.fetchrow("select * from exchange.message")
    assert kept["messaged"] == kept["shared"] is not None
    assert b"Kan I se p" in kept["body"]
