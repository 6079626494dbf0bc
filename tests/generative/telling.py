"""Everything that happened in a generated world, told to somebody: what they are told is what the form for reading says, then."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import Action, ActorKind, Ask
from helhed.foundation.ids import new_id
from helhed.trust.reference import Facts, may_read, responsible
from helhed.trust.subscriptions.criteria import Criteria
from helhed.trust.subscriptions.reading import Wanted
from helhed.trust.subscriptions.store import Deliveries, Subscriptions
from tests.generative.loading import Loaded

_A_MOMENT, _LONG = timedelta(seconds=1), timedelta(days=30)
_LOG = "select resources from foundation.access_log where action = $1 and trace = any($2)"


class Follower:
    """Somebody who follows a type."""

    def __init__(self, loaded: Loaded, ask: Ask, type_name: str) -> None:
        self._rows = Deliveries(loaded.opened.store.pool, demo=True)
        self._criteria = Criteria(type_name, "")
        self._loaded = loaded
        self._ask = ask
        self._id = new_id()

    async def begin(self) -> bool:
        """Whether they may follow it at all; if so, they do from now on."""
        ends = self._ask.at + _LONG
        wanted = Wanted(
            self._criteria, "https://vendor.example/", {}, "full-resource", None, _A_MOMENT, 7, ends, "requested"
        )
        owners = Subscriptions(self._loaded.opened.store.pool, demo=True)
        ask = replace(self._ask, trace=uuid4())
        if await owners.put(ask, self._id, wanted, None, (b"{}", None), None) is not None:
            return False
        await self._rows.taken(self._id, ask.at, _A_MOMENT)
        return True

    async def check(self, facts: Facts) -> int:
        """They are told what they may see by these facts and nothing else, under numbers without a gap; all of it is logged. How much is hidden."""
        plan, told, numbers, traces = self._criteria.plan(""), [], [], []
        while await self._rows.has_events(self._id, self._ask.at, plan):
            traces.append(uuid4())
            events = await self._rows.tell(self._id, self._ask.at, traces[-1], plan)
            if not events:
                break
            assert all(one.body is not None for one in events)
            told += [one.id for one in events]
            numbers += [one.number for one in events]
            await self._rows.taken(self._id, self._ask.at, _A_MOMENT, events)
        there = [
            one
            for one in self._loaded.world.kept
            if one.row.type_name == self._criteria.type_name and not one.row.deleted
        ]
        may = {
            UUID(one.resource["id"])
            for one in there
            if stands(self._ask, facts) and may_read(self._ask, one.row, facts)
        }
        assert set(told) == may, (self._ask, self._criteria)
        assert numbers == list(range(1, len(told) + 1))
        logged = await self._loaded.opened.owner.fetch(_LOG, int(Action.NOTIFY), traces)
        assert {row for one in logged for row in one["resources"]} == may
        return len(there) - len(may)


def stands(ask: Ask, facts: Facts) -> bool:
    """Whether somebody is who they were when they asked: at work in that role, or registered."""
    if ask.kind is ActorKind.CITIZEN:
        return True
    if ask.kind is ActorKind.SYSTEM:
        return ask.organisation in facts.systems and ask.actor == ask.organisation
    role = facts.roles.get(ask.role)
    at_work = any(
        (job.professional, job.organisation, job.role) == (ask.actor, ask.organisation, ask.role)
        and job.validity.holds(ask.at)
        for job in facts.employments
    )
    return role is not None and at_work and (not role.assists or responsible(ask, facts) is not None)


async def everything_happened(loaded: Loaded) -> None:
    """Every row of the world was just stored, as far as its followers are told; some have been deleted since."""
    await loaded.opened.owner.execute(
        "insert into fhir.change (at, type, id) select now(), type, id from fhir.resource order by id"
    )


def types_of(loaded: Loaded) -> list[str]:
    """The types that the world has rows of."""
    return sorted({one.row.type_name for one in loaded.world.kept} & set(TYPE_NUMBERS))
