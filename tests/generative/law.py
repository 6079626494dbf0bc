"""The search law, checked for one search on the real store."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import itemgetter
from uuid import uuid4

import orjson

from helhed.fhir.changes import Page, Version
from helhed.fhir.query import parse_search
from helhed.foundation.ask import Action, Ask
from helhed.trust.reference import Basis, Decision, Permit, decide
from tests.generative.loading import Loaded
from tests.generative.queries import a_search
from tests.generative.resources import Drawer, Resource
from tests.generative.worlds import NOW, Case, some_asks

#: as the log keeps it
NUMBERS = {
    Basis.SELF: 1,
    Basis.TREATMENT_A: 2,
    Basis.TREATMENT_B: 3,
    Basis.TREATMENT_D: 4,
    Basis.CUSTODIAN: 5,
    Basis.PUBLIC: 6,
    Basis.OWNER: 7,
    Basis.OVERRIDE: 8,
    Basis.CUSTODY: 9,
    Basis.MANDATE: 10,
    Basis.GUARDIAN: 11,
    Basis.PROXY: 12,
    Basis.CONSENT: 13,
    Basis.DECISION_FOR_YOUTH: 14,
    Basis.TREATMENT_C: 15,
    Basis.OWN_FOLLOW_UP: 16,
}
_DEFAULT_COUNT = 20
_PERMITTED = "select citizen, basis from foundation.access_log where trace = $1 and permitted and citizen is not null"
_NAMED = "select citizen from foundation.access_log where trace = $1 and citizen is not null"


@dataclass
class Answer:
    """All pages of one search."""

    pages: list[Page] = field(default_factory=list)

    @property
    def matches(self) -> list[Version]:
        """Matches of all pages, in order."""
        return [one for page in self.pages for one in page.matches]

    @property
    def returned(self) -> list[Version]:
        """Everything that left the store."""
        return [one for page in self.pages for one in (*page.matches, *page.included)]


def number_of(decision: Decision) -> int | None:
    """The basis as the log keeps it."""
    return NUMBERS[decision.basis] if isinstance(decision, Permit) else None


def pairs_of(url: str) -> list[tuple[str, str]]:
    """The parameters of ``Type?name=value&…``."""
    text = url.partition("?")[2]
    return [(pair.partition("=")[0], pair.partition("=")[2]) for pair in text.split("&") if pair]


async def answer_of(loaded: Loaded, ask: Ask, url: str) -> Answer:
    """Every page, to the end."""
    place, pairs = url.partition("?")[0], pairs_of(url)
    answer, following = Answer(), list[tuple[str, str]]()
    while True:
        page = await loaded.opened.store.search(ask, parse_search(place, [*pairs, *following], now=NOW))
        answer.pages.append(page)
        assert page.matches or not page.next_cursor
        if page.next_cursor is None:
            return answer
        following = [("_cursor", page.next_cursor)]


def some_cases(loaded: Loaded, seed: int, *, asks: int, searches: int) -> Iterator[Case]:
    """Searches of a seed, by asks of every kind."""
    drawer = Drawer.seeded(seed + 2_000_000)
    for ask in some_asks(drawer, loaded.world, asks):
        for _ in range(searches):
            yield a_search(drawer, loaded.world, ask)


async def check(loaded: Loaded, case: Case) -> None:
    """Raises AssertionError, naming the search, when the store and the law differ."""
    ask = replace(case.ask, trace=uuid4())
    answer = await answer_of(loaded, ask, case.url)
    try:
        _check_matches(case, answer)
        _check_pages(case, answer)
        await _check_log(loaded, replace(case, ask=ask), answer)
    except AssertionError as error:
        raise AssertionError(f"{case.url}\n  by {case.ask}") from error


def _check_matches(case: Case, answer: Answer) -> None:
    wanted = case.matches()
    assert all(one.body for one in answer.matches)
    found = [resource_in(one) for one in answer.matches]
    assert Counter(one["id"] for one in found) == Counter(one["id"] for one in wanted)
    assert {one["id"]: one for one in found} == {one["id"]: one for one in wanted}
    assert case.is_sorted(found)
    counted = dict(pairs_of(case.url)).get("_total", "none") != "none"
    assert {page.total for page in answer.pages} == {len(wanted) if counted else None}


def resource_in(version: Version) -> Resource:
    """What is shown. A part of a version has a version id of its own, which begins with the version's."""
    resource: Resource = orjson.loads(version.body)
    resource["meta"]["versionId"] = resource["meta"]["versionId"].partition("-")[0]
    return resource


def _check_pages(case: Case, answer: Answer) -> None:
    """Pages are full but the last, and bring what their matches include."""
    count = int(dict(pairs_of(case.url)).get("_count", _DEFAULT_COUNT))
    lengths = [len(page.matches) for page in answer.pages]
    assert lengths[-1] <= count
    assert set(lengths[:-1]) <= {count}
    for page in answer.pages:
        included = Counter(f"{one.type_name}/{one.id}" for one in page.included)
        matches = [resource_in(one) for one in page.matches]
        assert included == Counter(case.included(matches))
        assert page.goes_on == case.goes_on(matches)


async def _check_log(loaded: Loaded, case: Case, answer: Answer) -> None:
    """Each citizen whose data were returned stands in the log with the basis that the reference names; nobody else does."""
    rows = {one.resource["id"]: one.row for one in case.world.kept}
    wanted: dict[int, int | None] = {}
    for version in answer.returned:
        row = rows[str(version.id)]
        if row.citizen is not None:
            found = number_of(decide(case.ask, Action.SEARCH, row, case.world.facts))
            several = [one for one in (wanted.get(row.citizen), found) if one is not None]
            wanted[row.citizen] = min(several, default=None)  # of several the firmest
    logged = await loaded.opened.owner.fetch(_PERMITTED, case.ask.trace)
    told = {
        row["citizen"]: row["basis"] for row in sorted(logged, key=itemgetter("basis"), reverse=True)
    }  # of pages too
    assert {citizen: told.get(citizen) for citizen in wanted} == wanted
    everybody = {row["citizen"] for row in await loaded.opened.owner.fetch(_NAMED, case.ask.trace)}
    query = parse_search(case.url.partition("?")[0], pairs_of(case.url), now=NOW)
    assert everybody - set(wanted) <= set(query.named_citizens) or query.named_tokens
