"""Subscription at the FHIR door: what is taken and what is refused, whose it is, and what is told of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from helhed.trust.subscriptions.shape import HEARTBEAT, TIMEOUT, TOPICS_TOLD, bounds, topic_of
from tests.support.door import Door
from tests.support.receiver import value
from tests.support.subscribing import Post, subscription
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def scene(library: Scene) -> AsyncIterator[Scene]:
    """One scene for all of these, with no subscription in it."""
    await library.world.owner.execute("truncate trust.subscription cascade")
    yield library


def refused(outcome: Any) -> tuple[str, str]:
    """Issue code and place."""
    (issue,) = outcome["issue"]
    return issue["code"], issue.get("expression", [""])[0]


FILTERED = "Subscription.criteria"
BAD_CRITERIA = {
    "a type that is nothing": "Nonsense?code=1",
    "a type that another room serves": "AuditEvent?patient=1",
    "a parameter that is none": "Observation?colour=red",
    "a chain": "Observation?subject:Patient.name=test",
    "a number of a citizen": "Patient?identifier=urn:oid:1.2.208.176.1.2|0101010000",
    "a number of a citizen behind a chain": "Observation?patient.identifier=0101010000",
    "a name": "Patient?family=test",
    "an order": "Observation?_sort=date",
    "a page": "Observation?_count=1000000000",
    "an include": "Observation?_include=Observation:subject",
    "words": "Observation?_text=test",
    "a filter": "Observation?_filter=code eq 1",
    "a reverse chain": "Patient?_has:Observation:subject:code=1",
    "no search": "Observation?code",
    "much": "Observation?code=" + "1," * 2000,
    "a value set": "Observation?code:in=http://hl7.org/fhir/ValueSet/observation-vitalsignresult",
    "two patients": f"Observation?patient={uuid4()},{uuid4()}",
}


@pytest.mark.parametrize("criteria", BAD_CRITERIA.values(), ids=BAD_CRITERIA)
async def test_criteria_that_no_row_can_answer_by_itself_are_refused_where_they_stand(
    scene: Scene, criteria: str
) -> None:
    door = Door(scene.world, scene.doctor)
    for resource in (subscription(criteria), subscription() | {"criteria": criteria}):
        status, outcome = await door.post("/fhir/Subscription", resource)
        assert (status, refused(outcome)[1]) == (422, FILTERED), outcome


BAD_ENDPOINTS = [
    "http://vendor.example/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[::ffff:127.0.0.1]/", "https://[::1]/",
    "https://10.0.0.1/", "https://2130706433/", "https://user:secret@vendor.example/", "https://vendor.example/#a", "ftp://vendor.example/",
    "https://", "", "https://vendor.example:99999/", "https://vendor.example/ with blanks", "file:///etc/passwd", "https://100.64.0.1/",
]  # fmt: skip


@pytest.mark.parametrize("endpoint", BAD_ENDPOINTS)
async def test_an_endpoint_that_only_we_could_reach_is_refused(scene: Scene, endpoint: str) -> None:
    loopback = endpoint.startswith(("https://127", "https://[::1]"))  # the demo's own machine may be told
    status, outcome = await Door(scene.world, scene.doctor).post(
        "/fhir/Subscription", subscription(channel={"endpoint": endpoint})
    )
    assert loopback or status in {400, 422}, outcome


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another channel": ({"channel": {"type": "email"}}, "channel.type"),
    "a payload that is no JSON": ({"channel": {"payload": "text/plain"}}, "channel.payload"),
    "a content that is none": ({"content": "everything"}, "channel.payload.extension"),
    "a heartbeat each second": ({"channel": {"extension": [{"url": HEARTBEAT, "valueUnsignedInt": 1}]}}, "channel.extension"),
    "a patience of an hour": ({"channel": {"extension": [{"url": TIMEOUT, "valueUnsignedInt": 3600}]}}, "channel.extension"),
    "a header of two lines": ({"channel": {"header": ["X-A: b\r\nX-C: d"]}}, "channel.header[0]"),
    "a header that carries": ({"channel": {"header": ["Content-Length: 0"]}}, "channel.header[0]"),
    "a header twice": ({"channel": {"header": ["X-A: b", "x-a: c"]}}, "channel.header[1]"),
    "an end that was": ({"end": "2026-11-01T00:00:00Z"}, "end"),
    "an end that is far": ({"end": "2036-11-01T00:00:00Z"}, "end"),
    "an error of its own": ({"status": "error"}, "status"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", BAD)
async def test_what_cannot_be_done_is_refused_where_it_stands(scene: Scene, wrong: str) -> None:
    more, place = BAD[wrong]
    status, outcome = await Door(scene.world, scene.doctor).post("/fhir/Subscription", subscription(**more))
    assert (status, refused(outcome)[1]) == (422, f"Subscription.{place}"), outcome


async def made(scene: Scene, ask: Any, **more: Any) -> dict[str, Any]:
    status, resource = await Door(scene.world, ask).post("/fhir/Subscription", subscription(**more))
    assert status == 201, resource
    return dict(resource)


async def test_the_secrets_of_a_subscription_are_told_to_nobody_and_leave_with_each_notification(scene: Scene) -> None:
    post, door = Post(scene.world), Door(scene.world, scene.doctor)
    secret = "Bearer s3cret-of-the-vendor"
    one = await made(scene, scene.doctor, channel={"header": [f"Authorization: {secret}"]})
    assert one["channel"]["header"] == ["Authorization: ********"]
    rows = await scene.world.owner.fetch("select s::text from trust.subscription s")
    assert "s3cret" not in str(rows)
    status, changed = await put(door, one | {"reason": "Another"})
    assert (status, changed["reason"]) == (200, "Another")
    await post.courier.once()
    head, _ = post.receiver.requests[0]
    assert f"Authorization: {secret}\r\n" in head + "\r\n"
    moved = one | {"channel": one["channel"] | {"endpoint": "https://thief.example/"}}
    assert (await put(door, moved))[0] == 422


async def put(door: Door, resource: dict[str, Any]) -> tuple[int, Any]:
    status, _, answer = await door.do("PUT", f"/fhir/Subscription/{resource['id']}", resource)
    return status, answer


async def test_a_subscription_is_its_owners_and_the_operators_and_for_everybody_else_it_is_not_there(
    scene: Scene,
) -> None:
    one = await made(scene, scene.doctor)
    path = f"/fhir/Subscription/{one['id']}"
    operator, _, _ = await scene.employed(scene.hospital, "operator")
    own, watching = Door(scene.world, scene.doctor), Door(scene.world, operator)
    for door in (own, watching):
        assert (await door.get(path))[0] == 200
        assert [entry["resource"]["id"] for entry in (await door.get("/fhir/Subscription"))[1]["entry"]] == [one["id"]]
        assert (await door.get(f"{path}/$status"))[0] == 200
    assert [(await door.get(f"{path}/$events"))[0] for door in (own, watching)] == [200, 404]
    another_app = replace(scene.doctor, client="another")
    for ask in (scene.gp, scene.stranger, scene.citizen, scene.custodian, another_app):
        door = Door(scene.world, ask)
        missing = path.replace(one["id"], str(uuid4()))
        for method, tail in (("GET", ""), ("GET", "/$status"), ("GET", "/$events"), ("DELETE", "")):
            hidden, absent = [(await door.do(method, where + tail))[0] for where in (path, missing)]
            assert (hidden, absent) in {(404, 404), (403, 403)}, (ask, method, tail)  # 403: no scope to change any
        assert "entry" not in (await door.get("/fhir/Subscription"))[1]
        assert (await put(door, one))[0] in {403, 404}
    assert (await watching.do("DELETE", path))[0] == 204
    assert (await own.get(path))[0] == 404


async def test_nobody_has_more_than_so_many(scene: Scene) -> None:
    for _ in range(bounds().most_of_one_owner):
        await made(scene, scene.gp)
    status, outcome = await Door(scene.world, scene.gp).post("/fhir/Subscription", subscription())
    assert (status, refused(outcome)[0]) == (422, "business-rule")


async def test_the_citizen_who_is_named_reads_of_it_whether_they_may_be_seen_or_not(scene: Scene) -> None:
    told = "select permitted from foundation.access_log where action = $1 and citizen = $2 and actor = $3"
    for ask, may in ((scene.doctor, True), (scene.stranger, False)):
        criteria = f"Observation?patient={scene.patient}&code=8867-4"
        named, nobody = (
            await made(scene, ask, criteria=criteria),
            await made(scene, ask, criteria=f"Observation?patient={uuid4()}"),
        )
        assert named["status"] == nobody["status"] == "requested"
        row = await scene.world.owner.fetchval(told, int(Action.SUBSCRIBE), key_of(scene.patient), ask.actor)
        assert row is may


async def test_a_token_of_an_app_that_nobody_allowed_anything_that_lasts_subscribes_to_nothing(scene: Scene) -> None:
    await scene.world.owner.execute(
        "insert into trust.client (id, name, profile, kind, redirect_uris, scope, bound, registered_at, organisation, keys) "
        "values ('exchanging', 'Old', 'fapi', 'system', '{}', '', false, $1, 1, '{}')", scene.doctor.at - timedelta(days=1))  # fmt: skip
    status, outcome = await Door(scene.world, replace(scene.doctor, client="exchanging")).post(
        "/fhir/Subscription", subscription()
    )
    assert (status, refused(outcome)[0]) == (403, "forbidden")
    narrow = replace(scene.doctor, read_types=frozenset({"Subscription", "Patient"}))
    assert (await Door(scene.world, narrow).post("/fhir/Subscription", subscription()))[0] == 403
    reading = replace(scene.doctor, write_types=frozenset())
    assert (await Door(scene.world, reading).post("/fhir/Subscription", subscription()))[0] == 403


async def test_what_was_told_is_told_again_from_a_number_on(scene: Scene) -> None:
    post = Post(scene.world)
    identifier = await post.subscribe(scene.doctor)
    new = [await scene.world.put(scene.custodian, scene.result()) for _ in range(3)]
    await post.deliver()
    door = Door(scene.world, scene.doctor)
    status, again = await door.get(f"/fhir/Subscription/{identifier}/$events?eventsSinceNumber=2&content=full-resource")
    assert (status, value(again, "type"), value(again, "events-since-subscription-start")) == (200, "query-event", "3")
    assert [entry["resource"]["id"] for entry in again["entry"][1:]] == [str(one) for one in new[1:]]
    for wrong in ("eventsSinceNumber=-1", "eventsSinceNumber=x", "content=all", "nonsense=1"):
        assert (await door.get(f"/fhir/Subscription/{identifier}/$events?{wrong}"))[0] == 400
    _, states = await door.get(f"/fhir/Subscription/$status?id={identifier}")
    assert [one["resource"]["parameter"][2]["valueCode"] for one in states["entry"]] == ["active"]


async def test_it_is_changed_by_its_version_turned_off_and_ended(scene: Scene) -> None:
    post, door = Post(scene.world), Door(scene.world, scene.doctor)
    identifier = await post.subscribe(scene.doctor)
    _, now = await door.get(f"/fhir/Subscription/{identifier}")
    assert now["status"] == "active"
    path = f"/fhir/Subscription/{identifier}"
    assert (await door.do("PUT", path, now | {"status": "off"}, if_match='W/"1"'))[0] == 412
    assert (await door.do("PUT", path, now | {"status": "off"}, if_match='W/"2"'))[0] == 200
    await scene.world.put(scene.custodian, scene.result())
    await post.deliver()
    assert post.receiver.events() == []
    assert (await put(door, now))[1]["status"] == "requested"
    await post.deliver()
    assert len(post.receiver.told("handshake")) == 2
    assert post.receiver.events() == []  # what happened while it was off is not told
    assert (await door.do("DELETE", path))[0] == 204
    assert (await door.do("DELETE", path))[0] == 404


async def test_the_topics_stand_in_the_capability_statement(scene: Scene) -> None:
    _, statement = await Door(scene.world, scene.doctor).get("/fhir/metadata")
    (one,) = [kind for kind in statement["rest"][0]["resource"] if kind["type"] == "Subscription"]
    told = {extension["valueCanonical"] for extension in one["extension"] if extension["url"] == TOPICS_TOLD}
    assert {topic_of("Observation"), topic_of("Patient")} <= told
    assert topic_of("AuditEvent") not in told
    assert {code["code"] for code in one["interaction"]} >= {"create", "read", "update", "delete", "search-type"}


async def test_a_subscription_is_found_by_what_it_is(scene: Scene) -> None:
    one = await made(scene, scene.doctor)
    door = Door(scene.world, scene.doctor)
    for search, found in (
        ("status=requested", True),
        ("status=off", False),
        ("url=https://vendor.example/told", True),
        ("type=rest-hook", True),
    ):
        _, page = await door.get(f"/fhir/Subscription?{search}")
        assert ([UUID(entry["resource"]["id"]) for entry in page.get("entry", [])] == [UUID(one["id"])]) is found, (
            search
        )
