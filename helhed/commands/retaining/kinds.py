"""The kinds whose rows go one by one, by a condition. ``$1`` is the moment before which they go, ``$2`` now.

What a citizen's record consists of goes by whole records instead (``records.py``).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Part(NamedTuple):
    """Rows of one table, called x in the condition."""

    table: str
    condition: str
    blank: str = ""  #: a column that is emptied where the row itself stays


_ENDED = "x.valid_to < $1 and $2::timestamptz is not null"
#: heads of the log count microseconds. A row from before the log could be proved stays until a head is old enough to prove that it was there
_MICROSECONDS = "(extract(epoch from $1::timestamptz) * 1000000)::bigint"
_DAY = 24 * 3600 * 1_000_000
_ONCE = " and $2::timestamptz is not null"

PARTS: Mapping[str, tuple[Part, ...]] = MappingProxyType({
    "access-log": (
        Part("foundation.access_log", f"""x.at < $1 and not exists (
        select from fhir.hold h left join fhir.key_set s on s.key = h.citizen
        where (h.citizen = x.citizen or x.citizen = any(s.keys)) and h.valid_from <= $2 and $2 < h.valid_to)
        and (x.transaction is not null or exists (select from foundation.log_head h where h.at < {_MICROSECONDS}))"""),
        Part("foundation.log_secret", f"""x.at < {_MICROSECONDS} - {_DAY} and $2::timestamptz is not null and not exists (
        select from foundation.access_log l join foundation.log_entry e on e.citizen = l.citizen
        cross join lateral unnest(e.positions, e.events) o(place, event)
        where l.at < $1 and o.event = l.id
          and x.first = (select max(y.first) from foundation.log_secret y where y.first <= o.place))"""),
    ),
    "ended-access": (
        *(Part(f"trust.{name}", _ENDED) for name in ("relation", "block", "acting", "assistance", "mask")),
        Part("trust.past_contact", "x.ended_at < $1" + _ONCE),
        Part("trust.ticket_review", "x.due_at < $1 and x.reviewed_at is not null" + _ONCE),
        Part("trust.notice", "x.at < $1" + _ONCE),
        Part("trust.opening", _ENDED + " and not exists (select from trust.ticket_review r where r.ticket = x.id)"),
    ),
    "import-report": (
        Part("exchange.rejected_entry", """exists (
            select from exchange.imported_document d where d.source = x.source and d.digest = x.digest and d.at < $1)""" + _ONCE),
        Part("exchange.imported_document", "x.at < $1 and x.name <> ''" + _ONCE, "name"),
    ),
    "failed-event": (Part("foundation.outbox", "x.failed and x.at < $1" + _ONCE),),
    "ended-proposal": (Part("fhir.purge", "x.done_at is null and least(x.expires_at, x.withdrawn_at) < $1" + _ONCE),),
    "look-up": (Part("registries.lookup", "x.at < $1" + _ONCE),),
    "watch-case": (
        Part("trust.watch_case", "x.state = 'closed' and x.last_seen < $1" + _ONCE),
        Part("trust.watch_incident", "x.closed_at < $1" + _ONCE),
        Part("trust.watch_warning", "x.at < $1" + _ONCE),
    ),
    "session": (Part("portals.session", "x.touched_at < $1" + _ONCE),),
})  # fmt: skip
