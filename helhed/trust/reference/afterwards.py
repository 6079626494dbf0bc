"""What a contact that has ended still permits, in the reference: class C to the unit, follow-up to those who took part."""

from calendar import monthrange
from datetime import datetime, timedelta

from helhed.foundation.ask import Ask, Purpose
from helhed.trust.policy import Deadline
from helhed.trust.reference.facts import Basis, Facts, PastContact


def was_in_contact(ask: Ask, citizen: int, facts: Facts) -> bool:
    """Class C: the place acted from, or one above it, was in contact with the citizen not long ago."""
    return any(_counts(ask, citizen, one, Basis.TREATMENT_C, facts) for one in facts.contacts)


def follows_up(ask: Ask, citizen: int, facts: Facts) -> bool:
    """Own follow-up: the asker, authorised and in person, took part in such a contact, and says that this is why."""
    role = facts.roles.get(ask.role)
    if ask.purpose is not Purpose.FOLLOW_UP or role is None or not role.authorised or role.assists:
        return False
    own = set(facts.keys_of(ask.actor))
    return any(
        not own.isdisjoint(one.people) and _counts(ask, citizen, one, Basis.OWN_FOLLOW_UP, facts)
        for one in facts.contacts
    )


def over_at(ended: datetime, deadline: Deadline) -> datetime:
    """The first moment at which it is over. A day that a shorter month does not have is its last."""
    if deadline.days is not None:
        return ended + timedelta(days=deadline.days)
    assert deadline.months is not None
    years, month = divmod(ended.month - 1 + deadline.months, 12)
    last = monthrange(ended.year + years, month + 1)[1]
    return ended.replace(year=ended.year + years, month=month + 1, day=min(ended.day, last))


def _counts(ask: Ask, citizen: int, contact: PastContact, basis: Basis, facts: Facts) -> bool:
    assert ask.organisation is not None
    deadline = facts.deadlines.get(basis.value)
    return (
        deadline is not None
        and contact.citizen in facts.keys(citizen)
        and facts.beneath(ask.organisation, contact.organisation)
        and contact.ended <= ask.at < over_at(contact.ended, deadline)
    )
