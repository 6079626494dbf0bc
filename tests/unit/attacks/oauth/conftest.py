"""A ward, its people and an authorisation server, shared by the tests of a module, which attack it."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio

from helhed.foundation.ask import Ask
from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from tests.support.app_client import Network
from tests.support.world import NOW, World


def signed_by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    """A statement with a shared secret, or with nothing, in place of a signature."""

    def part(told: Any) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(told)).rstrip(b"=").decode()

    text = f"{part(header)}.{part(claims)}"
    made = b"" if secret is None else hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


@dataclass
class House:
    """Who lives and works here."""

    network: Network
    ward: UUID
    ane: UUID
    bo: UUID
    doctor: UUID
    pulse: UUID

    @property
    def citizen(self) -> Ask:
        """Ane."""
        return self.network.world.citizen(self.ane)

    @property
    def professional(self) -> Ask:
        """The doctor, at work."""
        return self.network.world.professional(self.doctor, self.ward)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The ward on a database of its own."""
    world = await World.open(module_target, Settings(data_dir=tmp_path_factory.mktemp("oauth"), demo=True))
    ward = await world.organisation("Afdeling")
    ane, bo, doctor = await world.patient(ward), await world.patient(ward), await world.employee(ward)
    await world.contact(ane, ward)
    pulse = await world.observation(ane, ward)
    yield House(Network(world), ward, ane, bo, doctor, pulse)
    await world.close()


@pytest.fixture(autouse=True)
def clock(house: House) -> None:
    """Each test begins at the same moment."""
    house.network.now = NOW
