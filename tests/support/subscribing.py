"""A subscription of somebody in a scene, and the courier who looks after it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from helhed.foundation.ask import Ask
from helhed.foundation.outbox import Outbox
from helhed.hooks import HANDLERS
from helhed.trust.subscriptions.delivering import Courier
from helhed.trust.subscriptions.shape import CONTENT, FILTER, topic_of
from tests.support.door import SEAL, TERMS, Door
from tests.support.receiver import ENDPOINT, Receiver
from tests.support.world import NOW, World


def subscription(criteria: str = "Observation", content: str = "id-only", **more: Any) -> dict[str, Any]:
    """A topic of a type, with a filter when the criteria are a search."""
    type_name, mark, _ = criteria.partition("?")
    filtered = {"_criteria": {"extension": [{"url": FILTER, "valueString": criteria}]}} if mark else {}
    channel = {
        "type": "rest-hook", "endpoint": ENDPOINT, "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": CONTENT, "valueCode": content}]}, **more.pop("channel", {}),
    }  # fmt: skip
    return {
        "resourceType": "Subscription", "status": "requested", "reason": "Test", "criteria": topic_of(type_name),
        **filtered, "channel": channel, **more,
    }  # fmt: skip


@dataclass
class Post:
    """The way from what is stored to who is told, under a clock that moves when it is told to."""

    world: World

    def __post_init__(self) -> None:
        self.receiver = Receiver()
        self.later = timedelta()
        pool = self.world.store.pool
        self.courier = Courier(pool, self.now, SEAL, TERMS, self.receiver.guard)
        self.outbox = Outbox(pool, self.now, HANDLERS)

    def now(self) -> Any:
        """The moment of everything that is done."""
        return NOW + self.later

    async def deliver(self) -> None:
        """Everything that waits, as far as it may be told."""
        while await self.outbox.deliver():
            pass
        await self.courier.once()

    async def waiting(self) -> None:
        """Everything that was stored is on its way, and nothing of it was told."""
        while await self.outbox.deliver():
            pass

    async def subscribe(self, ask: Ask, criteria: str = "Observation", content: str = "id-only", **more: Any) -> UUID:
        """An active subscription."""
        await self.waiting()
        status, made = await Door(self.world, ask).post("/fhir/Subscription", subscription(criteria, content, **more))
        assert status == 201, made
        await self.courier.once()
        return UUID(made["id"])

    async def state(self, ask: Ask, identifier: UUID) -> tuple[str, str | None]:
        """Status and error."""
        ask = replace(ask, at=self.now())
        _, found = await Door(self.world, ask).get(f"/fhir/Subscription/{identifier}")
        return found["status"], found.get("error")
