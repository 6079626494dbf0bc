"""The ask: an authenticated question. It says who asks, from where and why; it is never a verdict.

The verdict is computed by the database inside the statement that reads (``docs/decisions/0004``).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class ActorKind(IntEnum):
    """Who is behind the token."""

    CITIZEN = 1
    PROFESSIONAL = 2
    SYSTEM = 3


class Purpose(IntEnum):
    """Why the data are wanted, in the terms of HL7 v3 PurposeOfUse."""

    TREATMENT = 1  # TREAT
    OWN = 2  # PATRQT: the citizen's own request
    OPERATIONS = 3  # HOPERAT: a custodian maintains what its organisation submitted
    DIRECTORY = 4  # finding the right person before any relation exists


class Action(IntEnum):
    """What is asked for. Reading actions return content, writing actions change it."""

    READ = 1
    VREAD = 2
    HISTORY = 3
    SEARCH = 4
    CREATE = 5
    UPDATE = 6
    DELETE = 7
    LOOKUP = 8  # the identity minimum, from registries
    OVERVIEW = 9  # several reads for one page, logged as one look
    DECLARE = 10  # a treatment relation of class D
    SET_BLOCK = 11
    END_BLOCK = 12
    OWN_LOG = 13


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks. Keys are the low 64 bits of the id of the Patient, Practitioner or Organization (``foundation.ids``)."""

    kind: ActorKind
    actor: int  #: citizen: Patient key; professional: Practitioner key; system: the key of its organisation
    organisation: int | None  #: the organisation acted from; None for citizens
    role: str  #: a role of ``trust/policy/roles.json``; "" for citizens, "system" for systems
    purpose: Purpose
    client: str  #: the client that presents the token
    read_types: frozenset[str] | None  #: resource types that the token's scopes let it read; None is every type
    write_types: frozenset[str] | None  #: resource types that the token's scopes let it write; None is every type
    at: datetime  #: the moment that counts for every deadline and validity; aware, from the injected clock
    trace: UUID  #: joins log rows, log lines and the answer
