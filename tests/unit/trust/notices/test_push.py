"""Notices by push: chosen by the citizen, to push services alone, once, and without a word of what they are about."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from helhed.foundation.ask import Action
from helhed.foundation.errors import Overloaded, Unprocessable
from helhed.foundation.ids import key_of
from helhed.portals import build_portal_app
from helhed.trust.log.push import PushDevices, Pusher, services
from helhed.trust.log.push_crypto import Sender
from tests.support.pages import Pages
from tests.support.push_service import Phone, PushService, claims_of
from tests.support.world import NOW, World
from tests.unit.store.scene import Scene

SECRET = b"a secret of the keyring"
SOON = NOW + timedelta(minutes=5)


class Town:
    """A citizen, a phone, and a push service."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.service, self.phone = scene, PushService(), Phone()
        self.secrets = [SECRET]
        pool = scene.world.store.pool
        self.devices = PushDevices(pool, self.senders)
        self.pusher = Pusher(pool, self.senders, guard=self.service.guard)

    def senders(self) -> list[Sender]:
        return [Sender.of(one, "mailto:drift@helhed.example") for one in self.secrets]

    async def choose(self, phone: Phone | None = None) -> None:
        await self.devices.choose(self.scene.citizen, *(phone or self.phone).fields, "da")

    async def told(self, kind: str = "work-overdue", minutes: int = 1) -> None:
        await self.scene.world.owner.execute(
            "insert into trust.notice (citizen, at, kind, about) values ($1, $2, $3, gen_random_uuid())",
            key_of(self.scene.patient), NOW + timedelta(minutes=minutes), kind,
        )  # fmt: skip

    async def shown(self, after: int = 0) -> list[str]:
        """What the phone showed of a round."""
        before = len(self.service.requests)
        await self.pusher.round(SOON + timedelta(minutes=after))
        return [orjson.loads(self.phone.opened(body))["body"] for _, _, body in self.service.requests[before:]]

    async def acts(self) -> list[int]:
        return [row["action"] for row in await self.scene.world.log(self.scene.patient) if row["action"] in (231, 232)]


@pytest.fixture
async def town(world: World) -> Town:
    return Town(await Scene(world).set())


async def test_a_phone_is_told_once_how_many_wait_and_nothing_else(town: Town) -> None:
    await town.told(minutes=-1)
    await town.choose()
    assert await town.shown() == []
    await town.told()
    assert await town.shown() == ["Du har 1 ny besked. Log ind for at læse den."]
    assert await town.shown(1) == []
    await town.told(minutes=2)
    assert await town.shown(2) == ["Du har 2 nye beskeder. Log ind for at læse dem."]
    (first, headers, body), _ = town.service.requests
    assert orjson.loads(town.phone.opened(body)).keys() == {"body", "url"}
    assert first.startswith("POST /wpush/v2/")
    assert (headers["content-encoding"], headers["topic"], headers["ttl"]) == ("aes128gcm", "helhed", "86400")
    assert claims_of(town.service.authorizations[0])["aud"] == "https://updates.push.services.mozilla.com"


async def test_nothing_is_told_of_what_was_read_or_is_not_wanted(town: Town) -> None:
    await town.choose()
    await town.told()
    await town.scene.world.owner.execute("update trust.notice set read_at = $1", NOW + timedelta(minutes=2))
    await town.told("appointment-soon")
    assert await town.shown() == []


async def test_what_a_push_service_does_not_take_is_tried_again_later(town: Town) -> None:
    await town.choose()
    await town.told()
    for n, town.service.status in enumerate((429, 503, 307)):
        assert len(await town.shown(10 * n)) == 1
        assert await town.pusher.round(SOON + timedelta(minutes=10 * n, seconds=50)) == 0
    town.service.status = 201
    assert len(await town.shown(40)) == 1
    assert await town.shown(41) == []
    assert {one.split()[0] for one, _, _ in town.service.requests} == {"POST"}


async def test_a_device_that_its_push_service_knows_no_more_ends_and_the_log_says_so(town: Town) -> None:
    for n, town.service.status in enumerate((404, 410)):
        await town.choose()
        await town.told()
        await town.shown(n)
        assert await town.devices.own(town.scene.citizen) == []
        assert sorted(await town.acts()) == sorted([Action.CHOOSE_PUSH, Action.END_PUSH] * (n + 1))


async def test_a_name_that_leads_inside_is_not_connected_to(town: Town) -> None:
    await town.choose()
    await town.told()
    for town.service.address in ("127.0.0.1", "10.0.0.8", "169.254.169.254"):
        await town.pusher.round(SOON + timedelta(hours=int(town.service.address.split(".")[0])))
    assert town.service.connected == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://updates.push.services.mozilla.com/a",
        "https://updates.push.services.mozilla.com.evil.example/a",
        "https://evil-notify.windows.com/a",
        "https://notify.windows.com@evil.example/a",
        "https://updates.push.services.mozilla.com:8443/a",
        "https://fcm.googleapis.com/a#b",
        "https://fcm.googleapis.com/a\r\nHost: evil.example",
        "https://127.0.0.1/a",
        "https://fcm.googleapis.com/" + "a" * 2000,
        "https://[",
        "",
    ],
)
def test_only_push_services_are_taken(endpoint: str) -> None:
    assert not services().takes(endpoint)


@pytest.mark.parametrize("name", ["web.push.apple.com", "wns2-par02p.notify.windows.com", "fcm.googleapis.com"])
def test_the_push_services_of_browsers_are_taken(name: str) -> None:
    assert services().takes(f"https://{name}/a/b?c=d")


async def test_what_is_no_key_or_no_citizens_is_not_taken(town: Town) -> None:
    endpoint, receiver, secret = town.phone.fields
    for keys in (("", ""), ("æ", "æ"), ("BA", secret), ("B" + "A" * 86, secret), (receiver, "AA"), (receiver, "")):
        with pytest.raises(Unprocessable):
            await town.devices.choose(town.scene.citizen, endpoint, *keys, "da")
    with pytest.raises(Unprocessable):
        await town.devices.choose(town.scene.custodian, endpoint, receiver, secret, "da")
    assert await town.acts() == []


async def test_a_device_is_its_last_choosers_alone(town: Town) -> None:
    await town.choose()
    other = town.scene.world.citizen(await town.scene.world.patient(town.scene.clinic, "Anden"))
    await town.devices.choose(other, *town.phone.fields, "da")
    assert await town.devices.own(town.scene.citizen) == []
    (theirs,) = await town.devices.own(other)
    assert not await town.devices.end(town.scene.citizen, theirs.id)
    await town.told()
    assert await town.shown() == []
    assert Action.END_PUSH in await town.acts()


async def test_no_more_devices_than_ten_and_a_refused_one_is_in_the_log(town: Town) -> None:
    for _ in range(services().most_devices):
        await town.choose(Phone())
    with pytest.raises(Overloaded):
        await town.choose(Phone())
    assert len(await town.devices.own(town.scene.citizen)) == services().most_devices
    tried = [row for row in await town.scene.world.log(town.scene.patient) if row["action"] == Action.CHOOSE_PUSH]
    assert sum(not row["permitted"] for row in tried) == 1


async def test_the_devices_of_the_dead_end(town: Town) -> None:
    await town.choose()
    await town.told()
    await town.scene.world.owner.execute(
        "update registries.citizen set deceased = true where key = $1", key_of(town.scene.patient)
    )
    assert await town.shown() == []
    assert await town.devices.own(town.scene.citizen) == []


async def test_a_device_goes_on_while_its_key_is_accepted_and_ends_when_it_is_retired(town: Town) -> None:
    await town.choose()
    await town.told()
    town.secrets = [b"the next", SECRET]
    assert len(await town.shown()) == 1
    town.secrets = [b"the next"]
    await town.told(minutes=2)
    assert await town.shown(5) == []
    assert await town.devices.own(town.scene.citizen) == []


async def test_the_page_takes_a_device_and_ends_it(town: Town) -> None:
    pages = Pages(town.scene.world)
    pages.ports = replace(pages.ports, log_desk=replace(pages.ports.log_desk, push=town.devices))
    pages.app = build_portal_app(pages.ports)
    jens = await pages.person(town.scene.citizen)
    await jens.get("/borger/beskeder")
    assert "Vis beskeder her" in jens.page
    endpoint, receiver, secret = town.phone.fields
    await jens.post("/borger/beskeder/enhed", endepunkt="https://evil.example/", modtager=receiver, hemmelighed=secret)
    assert "Vi kan ikke sende beskeder til denne browser" in jens.page
    await jens.post("/borger/beskeder/enhed", endepunkt=endpoint, modtager=receiver, hemmelighed=secret)
    assert "En telefon eller computer viser beskeder" in jens.page
    (device,) = await town.devices.own(town.scene.citizen)
    await jens.post("/borger/beskeder/enhed", slut="../etc")
    assert jens.status == 404
    await jens.post("/borger/beskeder/enhed", slut=str(device.id))
    assert await town.devices.own(town.scene.citizen) == []
    assert "showNotification" in await jens.get("/borger/besked-arbejder.js")


async def test_a_network_that_tells_no_devices_offers_none(town: Town) -> None:
    jens = await Pages(town.scene.world).person(town.scene.citizen)
    assert "Vis beskeder her" not in await jens.get("/borger/beskeder")
    await jens.post("/borger/beskeder/enhed", endepunkt=town.phone.endpoint)
    assert jens.status == 404
