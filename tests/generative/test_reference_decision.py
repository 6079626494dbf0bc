"""The invariants of the decision that concern one form alone (numbers as in the access rules)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import assume, given, settings, strategies as st

from helhed.fhir.definitions import Ownership
from helhed.foundation.ask import Action, ActorKind, Ask, Purpose
from helhed.foundation.ids import key_of
from helhed.trust.policy import policy
from helhed.trust.reference import (
    CHANGING,
    READING,
    WRITING,
    Acting,
    Assistance,
    Basis,
    Block,
    Consent,
    Deny,
    Employment,
    Facts,
    Mask,
    Permit,
    Reason,
    Relation,
    Row,
    Ticket,
    Validity,
    decide,
    may_read,
    responsible,
)
from tests.generative.resources import Drawer
from tests.generative.tally import counted
from tests.generative.worlds import NOW, OVER, STANDING, World, a_world, an_ask, for_one

Question = tuple[World, Ask, Action, Row]
ACTIONS = sorted(READING | WRITING)
ANY_EFFORT = settings(max_examples=80, deadline=None)


@st.composite
def questions(draw: Callable[[st.SearchStrategy[Any]], Any], kind: ActorKind | None = None) -> Question:
    """One ask, of one kind of actor or of any, for one row of a world."""
    drawer = Drawer.of(draw)
    world = a_world(drawer)
    return world, an_ask(drawer, world, kind), drawer.pick(ACTIONS), drawer.pick(world.rows)


#: what names many people without being about each (access model, Ownership)
LISTS = {"Group", "List", "Schedule"}
PROFESSIONALS, SYSTEMS = questions(ActorKind.PROFESSIONAL), questions(ActorKind.SYSTEM)


def permitted(ask: Ask, action: Action, row: Row, facts: Facts) -> bool:
    return isinstance(decide(ask, action, row, facts), Permit)


def permits(question: Question, facts: Facts) -> set[int]:
    """Places of the rows that the ask is permitted."""
    world, ask, action, _ = question
    return {i for i, row in enumerate(world.rows) if permitted(ask, action, row, facts)}


def about_one(row: Row, action: Action) -> bool:
    """Whether to look at what an organisation owns, or to change it, which takes a look, is about people: whatever names some, and a
    list of one patient.
    """
    return action is not Action.CREATE and bool(row.concerns) and (len(row.concerns) == 1 or row.type_name not in LISTS)


def test_enough_questions_are_about_what_is_hidden():
    with counted() as tally:
        for seed in range(400):
            drawer = Drawer.seeded(seed)
            world = a_world(drawer)
            ask, row = an_ask(drawer, world), drawer.pick(world.rows)
            tally.met(hidden=not may_read(ask, row, world.facts))


# --- 9: what has ended holds no longer, to the microsecond ------------------------------------------------------------


@ANY_EFFORT
@given(PROFESSIONALS, st.sampled_from(OVER))
def test_a_relation_that_is_over_permits_nothing(question, over):
    world, ask, action, _ = question
    ended = replace(
        world.facts,
        relations=tuple(replace(one, validity=over) for one in world.facts.relations),
        consents=tuple(replace(one, validity=over) for one in world.facts.consents),
        tickets=tuple(replace(one, validity=over) for one in world.facts.tickets),
        contacts=(),  # that a contact has ended is a basis of its own, for a while
    )
    for row in world.rows:
        if row.ownership is Ownership.CITIZEN:
            assert not permitted(ask, action, row, ended)


@ANY_EFFORT
@given(PROFESSIONALS, st.sampled_from(OVER))
def test_somebody_dismissed_sees_what_is_public_and_nothing_else(question, over):
    world, ask, action, row = question
    dismissed = replace(world.facts, employments=tuple(replace(one, validity=over) for one in world.facts.employments))
    decision = decide(ask, action, row, dismissed)
    assert isinstance(decision, Deny) or decision == Permit(Basis.PUBLIC)


@ANY_EFFORT
@given(PROFESSIONALS)
def test_a_block_holds_from_its_first_moment_until_its_last(question):
    world = question[0]
    known = replace(world.facts, tickets=())
    for validity, holds in (
        (Validity(NOW, None), True),
        (Validity(None, NOW), False),
        (Validity(NOW + timedelta(microseconds=1), None), False),
        (Validity(None, NOW + timedelta(microseconds=1)), True),
    ):
        blocks = tuple(Block(key_of(one), validity=validity) for one in world.citizens)
        blocked = replace(known, blocks=(*known.blocks, *blocks))
        about_people = {i for i, row in enumerate(world.rows) if row.citizen is not None or about_one(row, question[2])}
        before, after = permits(question, known), permits(question, blocked)
        assert after == (before - about_people if holds else before)


# --- one citizen under several keys ------------------------------------------------------------------------------------


def linked(world: World) -> Facts:
    """The first two citizens are one, and nobody else is."""
    pair = frozenset(map(key_of, world.citizens[:2]))
    return replace(world.facts, links=(pair,))


@ANY_EFFORT
@given(PROFESSIONALS)
def test_a_link_lets_nobody_past_a_block(question):
    world, ask, _, _ = question
    apart, together = replace(world.facts, links=()), linked(world)
    for row in world.rows:
        if decide(ask, Action.READ, row, apart) == Deny(Reason.BLOCKED):
            after = decide(ask, Action.READ, row, together)
            assert isinstance(after, Deny) or after == Permit(
                Basis.OVERRIDE
            )  # the glass was broken for this very person


@ANY_EFFORT
@given(questions())
def test_what_is_known_of_one_key_is_known_of_all(question):
    """Under which of the keys a fact stands makes no difference."""
    world, ask, action, row = question
    facts = linked(world)
    one, other = map(key_of, world.citizens[:2])

    def moved(several: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(replace(each, citizen=other) if each.citizen == one else each for each in several)

    elsewhere = replace(
        facts, relations=moved(facts.relations), blocks=moved(facts.blocks), consents=moved(facts.consents),
        tickets=moved(facts.tickets), acting=moved(facts.acting), masks=moved(facts.masks),
    )  # fmt: skip
    assert decide(ask, action, row, elsewhere) == decide(ask, action, row, facts)


# --- 12: nobody who acts for another sees more than that other --------------------------------------------------------


@ANY_EFFORT
@given(PROFESSIONALS)
def test_an_assistant_sees_and_writes_nothing_that_the_responsible_professional_does_not(question):
    world, ask, _, _ = question
    for under in world.facts.assistances:
        helper = replace(ask, actor=under.assistant, organisation=under.organisation, role="assistant")
        now = responsible(helper, world.facts)
        if now is not None:
            principal = replace(helper, actor=now.principal, role=now.role)
            for action in ACTIONS:
                assert permits((world, helper, action, world.rows[0]), world.facts) <= permits(
                    (world, principal, action, world.rows[0]), world.facts
                )


@ANY_EFFORT
@given(questions(ActorKind.CITIZEN))
def test_who_acts_for_a_citizen_sees_nothing_that_the_citizen_does_not(question):
    world, ask, _, _ = question
    for row in world.rows:
        if isinstance(found := decide(ask, Action.READ, row, world.facts), Permit) and row.citizen is not None:
            own = replace(ask, actor=row.citizen)
            assert found.basis in ACTING | {Basis.SELF}
            mine = decide(own, Action.READ, row, world.facts)
            assert isinstance(mine, Permit)
            assert mine.basis is Basis.SELF
            assert mine.without <= found.without


ACTING = {Basis.CUSTODY, Basis.MANDATE, Basis.GUARDIAN, Basis.PROXY, Basis.DECISION_FOR_YOUTH}

# --- 14: a ticket is for one citizen, one person, one place, one hour -------------------------------------------------


@ANY_EFFORT
@given(PROFESSIONALS)
def test_a_ticket_is_useless_for_anybody_else_anywhere_else_and_later(question):
    world, ask, action, row = question
    keys = world.facts.keys(row.citizen) | row.concerns.union(*map(world.facts.keys, row.concerns))
    own = tuple(
        one
        for one in world.facts.tickets
        if one.citizen in keys
        and (one.professional, one.organisation) == (ask.actor, ask.organisation)
        and one.validity.holds(ask.at)
    )
    alone = replace(world.facts, tickets=own)
    assert decide(ask, action, row, alone) == decide(ask, action, row, world.facts)
    if not own:
        assert decide(ask, action, row, world.facts) != Permit(Basis.OVERRIDE)


# --- 10 and 11: more blocks, fewer bases, never more ------------------------------------------------------------------


@ANY_EFFORT
@given(questions(), st.data())
def test_adding_a_block_never_widens(question, data):
    world, _, _, row = question
    somewhere = st.sampled_from([None, *world.facts.parents])
    somebody = st.sampled_from([None, *map(key_of, world.professionals)])
    document = st.sampled_from([None, *(one.id for one in world.rows)])
    citizen = row.citizen if row.citizen is not None else key_of(data.draw(st.sampled_from(world.citizens)))
    block = Block(
        citizen, data.draw(somewhere), data.draw(somewhere), person=data.draw(somebody), author=data.draw(somebody),
        period=data.draw(st.sampled_from([None, *OVER, *STANDING])), document=data.draw(document),
        who_alone=data.draw(st.booleans()), what_alone=data.draw(st.booleans()),
    )  # fmt: skip
    more = replace(world.facts, blocks=(*world.facts.blocks, block))
    assert permits(question, more) <= permits(question, world.facts)


@ANY_EFFORT
@given(questions(), st.data())
def test_removing_a_base_never_widens(question, data):
    facts = question[0].facts
    fewer = replace(
        facts,
        relations=_without_one(data, facts.relations),
        employments=_without_one(data, facts.employments),
        systems=frozenset(_without_one(data, sorted(facts.systems))),
        consents=_without_one(data, facts.consents),
        tickets=_without_one(data, facts.tickets),
        acting=_without_one(data, facts.acting),
    )
    assert permits(question, fewer) <= permits(question, facts)


@ANY_EFFORT
@given(questions())
def test_without_facts_only_self_and_public_remain(question):
    _, ask, action, row = question
    decision = decide(ask, action, row, Facts({}))
    assert isinstance(decision, Deny) or decision.basis in {Basis.SELF, Basis.PUBLIC}


def _without_one(data: Any, several: Any) -> tuple[Any, ...]:
    if not several:
        return ()
    left_out = data.draw(st.integers(0, len(several) - 1))
    return tuple(one for i, one in enumerate(several) if i != left_out)


# --- 13: a token only narrows -----------------------------------------------------------------------------------------


@ANY_EFFORT
@given(questions())
def test_a_wider_token_never_beats_a_block(question):
    world, ask, action, row = question
    assume(row.citizen is not None)
    assert row.citizen is not None
    blocked = replace(world.facts, blocks=(Block(row.citizen),), tickets=(), acting=())
    everything = replace(ask, read_types=None, write_types=None)
    decision = decide(everything, action, row, blocked)
    assert isinstance(decision, Deny) or decision.basis in {Basis.SELF, Basis.CUSTODIAN}


@ANY_EFFORT
@given(questions(), st.sets(st.sampled_from(["Patient", "Observation", "Encounter", "List", "Organization"])))
def test_a_narrower_token_never_widens(question, types):
    world, ask, action, _ = question
    narrow = replace(ask, read_types=frozenset(types), write_types=frozenset(types))
    everything = replace(ask, read_types=None, write_types=None)
    narrowed = permits((world, narrow, action, world.rows[0]), world.facts)
    assert narrowed <= permits((world, everything, action, world.rows[0]), world.facts)
    assert {world.rows[i].type_name for i in narrowed} <= types


@ANY_EFFORT
@given(questions())
def test_a_token_alone_permits_nothing_about_a_person(question):
    world, ask, action, row = question
    assume(ask.kind is not ActorKind.CITIZEN and row.ownership is not Ownership.PUBLIC)
    everything = replace(ask, read_types=None, write_types=None)
    assert not permitted(everything, action, row, Facts(world.facts.roles, world.facts.parents))


# --- 18: blocks and the log are nobody's to read over FHIR ------------------------------------------------------------


@ANY_EFFORT
@given(questions(), st.sampled_from(["AuditEvent", "Consent"]))
def test_what_trust_serves_itself_is_never_a_row(question, type_name):
    world, ask, action, row = question
    assert decide(ask, action, replace(row, type_name=type_name, ownership=Ownership.VIRTUAL), world.facts) in {
        Deny(Reason.VIRTUAL)
    }


# --- 20: total, pure, deterministic; what is unknown is refused -------------------------------------------------------

_KEYS = st.integers(1, 4)
_MOMENTS = st.sampled_from([None, NOW - timedelta(days=1), NOW, NOW + timedelta(days=1)])
_VALIDITIES = st.builds(Validity, _MOMENTS, _MOMENTS)
_TYPES = st.sampled_from(["Patient", "Observation", "List", "Organization", "AuditEvent", "Nonsense", ""])
_IDS = st.builds(UUID, int=_KEYS)
_ROWS = st.builds(
    Row, _TYPES, st.sampled_from(Ownership), st.none() | _KEYS, _KEYS, st.booleans(), st.none() | _IDS, st.none() | st.frozensets(_KEYS),
    st.none() | st.tuples(st.just(NOW), st.just(NOW)), st.frozensets(_IDS), st.frozensets(_KEYS),
)  # fmt: skip
_ASKS = st.builds(
    Ask, st.sampled_from(ActorKind), _KEYS, st.none() | _KEYS, st.sampled_from(["", "doctor", "secretary", "assistant", "system", "wizard"]),
    st.sampled_from(Purpose), st.just("c"), st.none() | st.frozensets(_TYPES), st.none() | st.frozensets(_TYPES),
    st.sampled_from([NOW, NOW.replace(tzinfo=None), datetime.max.replace(tzinfo=NOW.tzinfo)]), st.uuids(),
)  # fmt: skip


@st.composite
def _any_facts(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Facts:
    """Facts that make no sense together: circles, unknown organisations, inverted validities."""
    return Facts(
        draw(st.sampled_from([policy().roles, {}])),
        draw(st.dictionaries(_KEYS, st.none() | _KEYS)),
        draw(st.lists(st.builds(Employment, _KEYS, _KEYS, st.sampled_from(["doctor", "secretary", "assistant", "wizard"]), _VALIDITIES), max_size=3)),
        draw(st.lists(st.builds(Relation, _KEYS, _KEYS, st.sampled_from("ABCDE"), st.none() | _KEYS, _VALIDITIES), max_size=3)),
        draw(st.lists(
            st.builds(
                Block, _KEYS, st.none() | _KEYS, st.none() | _KEYS, _VALIDITIES, st.none() | _IDS, st.none() | _KEYS, st.booleans(),
                st.booleans(), st.none() | _KEYS, st.none() | _VALIDITIES, st.none() | _IDS,
            ), max_size=3)),
        draw(st.frozensets(_KEYS)),
        draw(st.lists(st.builds(Assistance, _KEYS, _KEYS, st.sampled_from(["doctor", "assistant", "wizard"]), _KEYS, st.frozensets(_TYPES), _VALIDITIES), max_size=2)),
        draw(st.lists(st.builds(Consent, _KEYS, st.none() | _KEYS, st.none() | _KEYS, st.none() | _IDS, _VALIDITIES), max_size=2)),
        draw(st.lists(st.builds(Ticket, _KEYS, _KEYS, _KEYS, _VALIDITIES), max_size=2)),
        draw(st.lists(st.builds(Acting, _KEYS, _KEYS, st.sampled_from(Basis), st.none() | st.frozensets(_TYPES), st.booleans(), _VALIDITIES), max_size=2)),
        draw(st.lists(st.builds(Mask, _KEYS, _IDS, st.booleans(), _VALIDITIES), max_size=2)),
        draw(st.dictionaries(_KEYS, st.sampled_from([date(2011, 11, 24), date(2008, 2, 29), date(1, 1, 1), date(9999, 12, 31)]))),
        draw(st.sampled_from([{}, {"custody": 15}])),
        draw(st.dictionaries(_IDS, _ROWS, max_size=3)),
    )  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(_ASKS, st.sampled_from(Action), _ROWS, _any_facts())
def test_every_question_has_one_answer_and_always_the_same(ask, action, row, facts):
    first = decide(ask, action, row, facts)
    assert isinstance(first, Permit | Deny)
    assert decide(ask, action, row, facts) == first
    if ask.at.tzinfo is None or action not in READING | WRITING or row.ownership is Ownership.VIRTUAL:
        assert isinstance(first, Deny)


@settings(max_examples=250, deadline=None)
@given(_ASKS, st.sampled_from(ACTIONS), _ROWS, _any_facts())
def test_an_organisation_that_is_above_itself_carries_no_basis(ask, action, row, facts):
    """Citizens see themselves and whom they act for all the same, and who is named is named; a system keeps what it recorded itself or what is known to lie beneath."""
    circle = replace(facts, parents={1: 2, 2: 3, 3: 4, 4: 1})
    decision = decide(ask, action, row, circle)
    if isinstance(decision, Permit):
        created = action is Action.CREATE and decision.basis is Basis.CUSTODIAN
        through_places = {Basis.TREATMENT_A, Basis.TREATMENT_B, Basis.TREATMENT_D, Basis.OWNER, Basis.CUSTODIAN}
        assert created or decision.basis not in through_places


def test_in_a_circle_nobody_is_treated_nothing_is_kept_and_every_block_holds():
    ward, hospital, clinic, citizen, doctor = 1, 2, 3, 4, 5
    job = Employment(doctor, ward, "doctor")
    ask = Ask(ActorKind.PROFESSIONAL, doctor, ward, "doctor", Purpose.TREATMENT, "c", None, None, NOW, UUID(int=1))
    known = Facts(
        policy().roles, {ward: hospital}, (job,), (Relation(citizen, hospital, "A"),), (), frozenset({hospital})
    )
    row = Row("Observation", Ownership.CITIZEN, citizen, clinic)
    assert decide(ask, Action.READ, row, known) == Permit(Basis.TREATMENT_A)
    assert decide(ask, Action.READ, row, replace(known, parents={ward: hospital, hospital: ward})) == Deny(
        Reason.NO_RELATION
    )
    circling_origin = replace(known, parents={ward: hospital, clinic: 9, 9: clinic})
    assert decide(ask, Action.READ, row, circling_origin) == Permit(Basis.TREATMENT_A)
    blocked = replace(circling_origin, blocks=(Block(citizen, None, 8),))
    assert decide(ask, Action.READ, row, blocked) == Deny(Reason.BLOCKED)
    system = replace(ask, kind=ActorKind.SYSTEM, actor=hospital, organisation=hospital, role="system")
    beneath = replace(row, origin=ward)
    assert decide(system, Action.UPDATE, beneath, known) == Permit(Basis.CUSTODIAN)
    circle = replace(known, parents={ward: hospital, hospital: ward})
    assert decide(system, Action.UPDATE, beneath, circle) == Deny(Reason.NOT_ORIGIN)


def test_what_an_organisation_owns_yields_to_the_block_of_whom_it_is_about_but_a_list_of_several_does_not():
    ward, citizen, other, doctor = 1, 4, 6, 5
    ask = Ask(ActorKind.PROFESSIONAL, doctor, ward, "doctor", Purpose.TREATMENT, "c", None, None, NOW, UUID(int=1))
    known = Facts(policy().roles, {}, (Employment(doctor, ward, "doctor"),), (), (), frozenset())
    blocked = replace(known, blocks=(Block(citizen),))
    implant = Row("Device", Ownership.ORGANISATION, None, ward, concerns=frozenset({citizen}))
    several = frozenset({citizen, other})
    assert decide(ask, Action.READ, implant, known) == Permit(Basis.OWNER)
    for row in (implant, replace(implant, concerns=several), replace(implant, type_name="List")):
        assert decide(ask, Action.READ, row, blocked) == Deny(Reason.OTHERS_OBJECT)
    for name in ("Group", "List", "Schedule"):
        assert decide(ask, Action.READ, replace(implant, type_name=name, concerns=several), blocked) == Permit(
            Basis.OWNER
        )


# --- 23 and the shape of things ---------------------------------------------------------------------------------------


@ANY_EFFORT
@given(questions(), st.sampled_from(sorted(CHANGING)))
def test_what_is_changed_was_seen_except_by_custodians(question, action):
    world, ask, _, row = question
    decision = decide(ask, action, row, world.facts)
    if isinstance(decision, Permit) and decision.basis is not Basis.CUSTODIAN:
        assert may_read(ask, row, world.facts)


@ANY_EFFORT
@given(SYSTEMS)
def test_a_custodian_is_never_answered_with_what_it_keeps(question):
    world, ask, _, row = question
    for action in READING:
        assert decide(ask, action, row, world.facts) in {
            Permit(Basis.PUBLIC), Deny(Reason.SYSTEMS_READ_PUBLIC), Deny(Reason.SCOPE)
        }  # fmt: skip


@ANY_EFFORT
@given(questions())
def test_every_way_of_reading_sees_the_same(question):
    world, ask, _, row = question
    assert len({decide(ask, action, row, world.facts) for action in READING}) == 1


@ANY_EFFORT
@given(questions())
def test_a_deleted_row_is_decided_on_like_any_other(question):
    world, ask, action, row = question
    assert decide(ask, action, replace(row, deleted=not row.deleted), world.facts) == decide(ask, action, row, world.facts)  # fmt: skip


@ANY_EFFORT
@given(questions(), st.integers(0, 255))
def test_an_app_that_was_opened_for_one_patient_sees_and_writes_of_that_patient_what_its_user_may_and_nothing_else(
    question, number
):
    world, ask, action, row = question
    opened = for_one(replace(ask, for_one=False), world, number)
    if not opened.for_one:
        return
    (allowed,) = (one for one in world.facts.allowances if one.id == opened.allowance)
    own = allowed.actor == opened.actor and row.citizen in world.facts.keys(allowed.citizen)
    public = row.ownership is Ownership.PUBLIC and action in READING
    decided = decide(opened, action, row, world.facts)
    if own or public:
        assert decided == decide(replace(opened, for_one=False), action, row, world.facts)
    else:
        assert isinstance(decided, Deny)


@ANY_EFFORT
@given(questions())
def test_purpose_client_and_trace_decide_nothing_but_the_follow_up_of_ones_own_work(question):
    world, ask, action, row = question
    other = replace(ask, purpose=Purpose.DIRECTORY, client="another", trace=type(ask.trace)(int=7))
    decided = decide(ask, action, row, world.facts)
    if decided == Permit(Basis.OWN_FOLLOW_UP):
        assert ask.purpose is Purpose.FOLLOW_UP
        assert action in READING
        assert decide(other, action, row, world.facts) == Deny(Reason.NO_RELATION)
    else:
        assert decide(other, action, row, world.facts) == decided
