"""What a subscription is about: a topic with a filter, or a search of one type (http://hl7.org/fhir/R4/subscription.html).

Only what one row can answer by itself is taken: at delivery each changed row is held against it, in the statement that decides.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from helhed.fhir.query import (
    AnyOf,
    Both,
    CitizenTest,
    Condition,
    DateTest,
    Either,
    IdTest,
    NoneOf,
    Not,
    NumberPair,
    NumberTest,
    Query,
    UpdatedTest,
    parse_search,
)
from helhed.fhir.store.plan import as_plan
from helhed.foundation.errors import BadRequest, HelhedError, Issue, Unprocessable
from helhed.trust.subscriptions.shape import FILTER, bounds, is_followed, type_of_topic

_WHERE = "Subscription.criteria"
_OF_A_ROW = (AnyOf, NoneOf, DateTest, UpdatedTest, NumberTest, NumberPair, IdTest, CitizenTest)


@dataclass(frozen=True, slots=True)
class Criteria:
    """Changes of one type, and the search that they have to meet."""

    type_name: str
    search: str  #: as it stood, without the type

    def query(self, root: str) -> Query:
        """The search behind it. Raises BadRequest for what cannot be searched for, Unprocessable for what a row cannot answer."""
        try:
            pairs = parse_qsl(self.search, keep_blank_values=True, strict_parsing=bool(self.search), max_num_fields=40)
        except ValueError:
            raise BadRequest("The criteria are no search: Observation?patient=…&code=…") from None
        query = parse_search(self.type_name, pairs, base_url=root)
        _only_of_a_row(query, pairs)
        return query

    def plan(self, root: str) -> str:
        """The same as the database runs it."""
        return as_plan(self.query(root), None).decode()


def criteria_of(resource: dict[str, Any], root: str) -> Criteria:
    """The criteria of a Subscription. Raises Unprocessable, which names the place."""
    text = resource["criteria"]
    filters = _filters(resource)
    if sum(map(len, (text, *filters))) > bounds().longest_criteria:
        raise _refused(f"Criteria of more than {bounds().longest_criteria} characters are not taken.")
    found = type_of_topic(text)
    if found is None:
        found, mark, search = text.partition("?")
        filters = [f"{found}?{search}" if mark else found, *filters]
    if not is_followed(found):
        raise _refused(
            "This is no topic of this network, and no search of one type: the CapabilityStatement lists the topics."
        )
    criteria = Criteria(found, "&".join(filter(None, (_search(found, one) for one in filters))))
    try:
        criteria.query(root)
    except HelhedError as error:
        raise Unprocessable(issues=[Issue(one.code, one.diagnostics, _WHERE) for one in error.issues]) from None
    return criteria


def _search(type_name: str, text: str) -> str:
    name, _, search = text.partition("?")
    if name != type_name:
        raise _refused(f"The criteria of a subscription are of one type: {type_name}?…")
    return search


def _filters(resource: dict[str, Any]) -> list[str]:
    beside = resource.get("_criteria")
    extensions = beside.get("extension", ()) if isinstance(beside, dict) else ()
    return [str(one.get("valueString", "")) for one in extensions if one.get("url") == FILTER]


def _only_of_a_row(query: Query, pairs: list[tuple[str, str]]) -> None:
    if any(name.startswith("_") and name.partition(":")[0] not in {"_id", "_lastUpdated", "_tag", "_profile", "_security"} for name, _ in pairs):  # fmt: skip
        raise Unprocessable("Criteria say what is looked for, and neither order, page nor includes.")
    if query.named_tokens or query.custom or query.ignored:
        raise Unprocessable(
            "A subscription names a patient by the id of this network, never by a number, and asks by FHIR's own parameters."
        )
    if len(query.named_citizens) > 1:
        raise Unprocessable("A subscription names one patient, or none.")
    if not all(_is_of_a_row(one) for one in query.conditions):
        raise Unprocessable(
            "Criteria ask for codes, references, dates, numbers and ids of the resource itself: no chains, no words, no value sets."
        )


def _is_of_a_row(condition: Condition) -> bool:
    match condition:
        case Both(conditions=inner) | Either(conditions=inner):
            return all(_is_of_a_row(one) for one in inner)
        case Not(condition=one):
            return _is_of_a_row(one)
    return isinstance(condition, _OF_A_ROW)


def _refused(sentence: str) -> Unprocessable:
    return Unprocessable(issues=[Issue("not-supported", sentence, _WHERE)])
