"""The small country of the policy tests: a region with hospitals and wards, a clinic, and who works there."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from helhed.fhir.definitions import Ownership, type_definition
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.trust.policy import policy
from helhed.trust.reference import Block, Employment, Facts, Relation, Row, Validity

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ENDED, COMING, RUNNING = Validity(None, NOW), Validity(NOW + HOUR, None), Validity(NOW - HOUR, NOW + HOUR)

REGION, HOSPITAL, WARD, OTHER_WARD, OTHER_HOSPITAL, CLINIC = range(1, 7)
PARENTS = {REGION: None, HOSPITAL: REGION, WARD: HOSPITAL, OTHER_WARD: HOSPITAL, OTHER_HOSPITAL: REGION, CLINIC: None}
CITIZEN, SOMEBODY_ELSE = 101, 102
ASKER, COLLEAGUE = 201, 202
EVERY_SYSTEM = frozenset({REGION, HOSPITAL, WARD, OTHER_WARD, OTHER_HOSPITAL, CLINIC})
ROLES = policy().roles


@dataclass(frozen=True)
class Situation:
    """One ask and the facts around it."""

    ask: Ask
    facts: Facts


def citizen(actor: int = CITIZEN) -> Ask:
    return Ask(ActorKind.CITIZEN, actor, None, "", Purpose.OWN, "test", None, None, NOW, UUID(int=0))


def professional(role: str = "doctor", organisation: int = WARD) -> Ask:
    return Ask(
        ActorKind.PROFESSIONAL, ASKER, organisation, role, Purpose.TREATMENT, "test", None, None, NOW, UUID(int=0)
    )


def system(organisation: int = WARD) -> Ask:
    return Ask(
        ActorKind.SYSTEM, organisation, organisation, "system", Purpose.OPERATIONS, "test", None, None, NOW, UUID(int=0)
    )


def facts(
    *relations: Relation,
    blocks: tuple[Block, ...] = (),
    employments: tuple[Employment, ...] | None = None,
    systems: frozenset[int] = EVERY_SYSTEM,
) -> Facts:
    """Everybody is employed in every role at the ward, unless told otherwise."""
    jobs = tuple(Employment(ASKER, WARD, role) for role in ROLES) if employments is None else employments
    return Facts(ROLES, PARENTS, jobs, relations, blocks, systems)


def row(type_name: str, origin: int, citizen: int = CITIZEN) -> Row:
    ownership = type_definition(type_name).ownership
    return Row(type_name, ownership, citizen if ownership is Ownership.CITIZEN else None, origin)
