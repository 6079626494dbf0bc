"""The whole policy, printed so that a lawyer can read it. Review the difference, not the code."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from helhed.foundation.ask import Action, Ask, Purpose
from helhed.trust.policy import policy
from helhed.trust.reference import Block, Decision, Employment, Facts, PastContact, Permit, Relation, Row, decide
from tests.policy.places import (
    ASKER,
    CITIZEN,
    CLINIC,
    COLLEAGUE,
    COMING,
    ENDED,
    HOSPITAL,
    OTHER_HOSPITAL,
    OTHER_WARD,
    REGION,
    ROLES,
    RUNNING,
    SOMEBODY_ELSE,
    WARD,
    citizen,
    facts,
    professional,
    row,
    system,
)

ACTIONS = {"reads": Action.READ, "creates": Action.CREATE, "changes": Action.UPDATE, "deletes": Action.DELETE}
TYPES = ("Patient", "Encounter", "Observation", "MedicationRequest", "Task", "List", "Organization", "AuditEvent")

IN_CONTACT = Relation(CITIZEN, WARD, "A")
RELATIONS = {
    "none": (),
    "A at the ward": (IN_CONTACT,),
    "A at the hospital above": (Relation(CITIZEN, HOSPITAL, "A"),),
    "A at the ward next door": (Relation(CITIZEN, OTHER_WARD, "A"),),
    "A at the ward, ended": (Relation(CITIZEN, WARD, "A", None, ENDED),),
    "A of somebody else": (Relation(SOMEBODY_ELSE, WARD, "A"),),
    "B at the ward": (Relation(CITIZEN, WARD, "B"),),
    "D declared by the asker": (Relation(CITIZEN, WARD, "D", ASKER, RUNNING),),
    "D declared by a colleague": (Relation(CITIZEN, WARD, "D", COLLEAGUE, RUNNING),),
    "D past its deadline": (Relation(CITIZEN, WARD, "D", ASKER, ENDED),),
    "D without a deadline": (Relation(CITIZEN, WARD, "D", ASKER),),
}
BLOCKS = {
    "none": (),
    "everybody, everything": (Block(CITIZEN),),
    "the ward, everything": (Block(CITIZEN, WARD),),
    "the hospital with its units, everything": (Block(CITIZEN, HOSPITAL),),
    "the ward next door, everything": (Block(CITIZEN, OTHER_WARD),),
    "everybody, what the clinic recorded": (Block(CITIZEN, None, CLINIC),),
    "everybody, what the region recorded": (Block(CITIZEN, None, REGION),),
    "the clinic, what the ward recorded": (Block(CITIZEN, CLINIC, WARD),),
    "everybody, everything; ended": (Block(CITIZEN, None, None, ENDED),),
    "everybody, everything; of somebody else": (Block(SOMEBODY_ELSE),),
}
PLACE = {WARD: "the ward", CLINIC: "the clinic", HOSPITAL: "the hospital", OTHER_WARD: "the ward next door",
         OTHER_HOSPITAL: "another hospital", REGION: "the region"}  # fmt: skip

Line = list[str]


def test_access_matrix(golden):
    golden("access-matrix.txt", "\n".join(_document()) + "\n")


def _document() -> Iterator[str]:
    yield f"Who may see and change what. Policy of {policy().dated}. Made by tests/policy/test_access_matrix.py."
    yield "The region has two hospitals; the hospital has two wards; the clinic stands alone. The asker works at the ward."
    yield ""
    yield "Why yes:"
    yield from (f"  {one.name:12} {one.danish} / {one.english}" for one in policy().bases.values())
    for title, head, lines in (
        ("1. The citizen", ["asks about", "type"], _citizens()),
        ("2. A doctor at the ward: relation and block, an Observation", ["relation", "block: who, what", "recorded by"], _doctors()),
        ("3. Reach: who acts from where, by a relation of which organisation, no block", ["acts from", "relation", "type", "recorded by"], _reach()),
        ("4. Roles at the ward, in contact with the citizen, no block, recorded by the ward", ["role", "type"], _roles()),
        ("5. A doctor's employment, in contact with the citizen, no block, an Observation", ["employment"], _employments()),
        ("6. System clients, whatever the citizen blocks", ["client of", "registered", "type", "recorded by"], _systems()),
        ("7. What the token covers", ["asker", "token"], _scopes()),
        ("8. After a contact at the ward in which the asker took part, an Observation of the ward", ["who asks", "ended", "purpose", "block"], _afterwards()),
        ("9. A citizen registered twice: the facts stand under one key, the Observation under the other", ["who asks, and what is known of the other key", "linked"], _twice()),
    ):  # fmt: skip
        yield ""
        yield title
        yield from _table([*head, *ACTIONS], list(lines))


def _citizens() -> Iterator[Line]:
    blocked = facts(blocks=(Block(CITIZEN),))
    for about, key in (("themself, everything blocked", CITIZEN), ("somebody else", SOMEBODY_ELSE)):
        for type_name in TYPES:
            yield [about, type_name, *_verdicts(citizen(), row(type_name, CLINIC, key), blocked)]


def _doctors() -> Iterator[Line]:
    for relation, relations in RELATIONS.items():
        for block, blocks in BLOCKS.items() if len(relations) and relation in _DRAWN_OUT else [("none", ())]:
            for origin in (WARD, CLINIC):
                known = facts(*relations, blocks=blocks)
                yield [
                    relation,
                    block,
                    PLACE[origin],
                    *_verdicts(professional(), row("Observation", origin), known),
                ]


_DRAWN_OUT = {"A at the ward", "B at the ward", "D declared by the asker"}


def _reach() -> Iterator[Line]:
    for place in (REGION, HOSPITAL, WARD, OTHER_WARD, CLINIC):
        known = facts(Relation(CITIZEN, HOSPITAL, "A"), employments=(Employment(ASKER, place, "doctor"),))
        verdicts = _verdicts(professional("doctor", place), row("Observation", HOSPITAL), known)
        yield [PLACE[place], "A at the hospital", "Observation", PLACE[HOSPITAL], *verdicts]
        verdicts = _verdicts(professional("doctor", place), row("List", HOSPITAL), known)
        yield [PLACE[place], "A at the hospital", "List", PLACE[HOSPITAL], *verdicts]


def _roles() -> Iterator[Line]:
    for role in ROLES:
        for type_name in TYPES:
            yield [role, type_name, *_verdicts(professional(role), row(type_name, WARD), facts(IN_CONTACT))]


def _employments() -> Iterator[Line]:
    for name, jobs in {
        "at the ward": (Employment(ASKER, WARD, "doctor"),),
        "none": (),
        "ended this moment": (Employment(ASKER, WARD, "doctor", ENDED),),
        "begins in an hour": (Employment(ASKER, WARD, "doctor", COMING),),
        "as a nurse": (Employment(ASKER, WARD, "nurse"),),
        "at the hospital above": (Employment(ASKER, HOSPITAL, "doctor"),),
        "at the ward next door": (Employment(ASKER, OTHER_WARD, "doctor"),),
        "of a colleague": (Employment(COLLEAGUE, WARD, "doctor"),),
    }.items():
        known = facts(IN_CONTACT, employments=jobs)
        yield [name, *_verdicts(professional(), row("Observation", WARD), known)]
    yield ["at the ward, for an Organization", *_verdicts(professional(), row("Organization", WARD), facts())]
    yield ["none, for an Organization", *_verdicts(professional(), row("Organization", WARD), facts(employments=()))]


def _systems() -> Iterator[Line]:
    for client in (WARD, HOSPITAL, OTHER_HOSPITAL, CLINIC):
        for type_name in ("Observation", "List", "Organization", "AuditEvent"):
            for registered in (True, False):
                known = facts(IN_CONTACT, blocks=(Block(CITIZEN),), systems=frozenset({client} if registered else ()))
                verdicts = _verdicts(system(client), row(type_name, WARD), known)
                yield [PLACE[client], "yes" if registered else "no", type_name, PLACE[WARD], *verdicts]


def _scopes() -> Iterator[Line]:
    none: frozenset[str] = frozenset()
    for asker, ask in (
        ("the citizen", citizen()),
        ("a doctor in contact", professional()),
        ("the ward's system", system()),
    ):
        for name, read, write in (
            ("everything", None, None),
            ("reading everything", None, none),
            ("writing everything", none, None),
            ("Observation", frozenset({"Observation"}), frozenset({"Observation"})),
            ("Patient", frozenset({"Patient"}), frozenset({"Patient"})),
            ("nothing", none, none),
        ):
            narrowed = replace(ask, read_types=read, write_types=write)
            yield [asker, name, *_verdicts(narrowed, row("Observation", WARD), facts(IN_CONTACT))]


def _afterwards() -> Iterator[Line]:
    for who, asker in (
        ("a doctor", professional()),
        ("a colleague", replace(professional(), actor=COLLEAGUE)),
        ("a secretary", professional("secretary")),
    ):
        jobs = tuple(Employment(asker.actor, WARD, role) for role in ROLES)
        for days in (1, 29, 30, 150, 200):
            for purpose in (Purpose.TREATMENT, Purpose.FOLLOW_UP):
                for block, blocks in (("none", ()), ("the ward, everything", (Block(CITIZEN, WARD),))):
                    ended = PastContact(CITIZEN, WARD, asker.at - timedelta(days=days), frozenset({ASKER}))
                    known = replace(
                        facts(blocks=blocks, employments=jobs), contacts=(ended,), deadlines=policy().deadlines
                    )
                    why = replace(asker, purpose=purpose)
                    said = _verdicts(why, row("Observation", WARD), known)
                    yield [who, f"{days} days ago", purpose.name.lower(), block, *said]


def _twice() -> Iterator[Line]:
    known = facts(Relation(SOMEBODY_ELSE, WARD, "A"))
    for what, ask, held in (
        ("the citizen, logged in by the other key", replace(citizen(), actor=SOMEBODY_ELSE), known),
        ("a doctor in contact by the other key", professional(), known),
        ("a doctor in contact, blocked by the other key", professional(), facts(IN_CONTACT, blocks=(Block(SOMEBODY_ELSE),))),
    ):  # fmt: skip
        for linked in (False, True):
            links = (frozenset({CITIZEN, SOMEBODY_ELSE}),) if linked else ()
            verdicts = _verdicts(ask, row("Observation", WARD), replace(held, links=links))
            yield [what, "yes" if linked else "no", *verdicts]


def _verdicts(ask: Ask, what: Row, known: Facts) -> Line:
    return [_said(decide(ask, action, what, known)) for action in ACTIONS.values()]


def _said(decision: Decision) -> str:
    if isinstance(decision, Permit):
        return f"YES {decision.basis.value}"
    return f"no: {decision.reason.value}"


def _table(head: Line, lines: list[Line]) -> Iterator[str]:
    """Columns as wide as they must be; equal refusals of the four actions are said once."""
    folded = [[*line[:-4], *_folded(line[-4:])] for line in lines]
    widths = [max(len(line[i]) for line in [head, *folded]) for i in range(len(head))]
    yield "  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)).rstrip()
    for line in folded:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _folded(verdicts: Line) -> Line:
    return [verdict if i == 0 or verdict != verdicts[i - 1] else '"' for i, verdict in enumerate(verdicts)]
