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
    FOLLOW_UP = 5  # HQUALIMP: a professional looks back at their own work


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
    BREAK_GLASS = 14
    CONSENT = 15  # given to somebody named
    END_CONSENT = 16
    LET_ACT = 17  # somebody acts for the citizen from now on
    END_ACTING = 18
    MASK = 19
    UNMASK = 20
    TAKE_ON = 21  # an assistant
    LET_GO = 22
    LINK = 23  # two registrations are one citizen
    UNLINK = 24
    TRY_BLOCK = 70  # what somebody would see if it held
    END_TICKET = 71  # a broken glass is closed before its hour
    REVIEW_TICKET = 72
    REVIEWS = 73  # who reads which tickets wait for a review
    PROPOSE_PURGE = 41  # of rows that were recorded on the wrong citizen
    WITHDRAW_PURGE = 42
    PURGE = 43
    RETAIN_NO_LONGER = 44  # what the law no longer asks to be kept
    HOLD = 45  # nothing of a record goes while a case is pending
    RELEASE = 46
    ALLOW_APP = 60  # what an app may do on somebody's behalf
    END_APP = 61
    OPEN_APP = 62  # with a patient, from their record
    PROVE = 50  # the own log, with what proves it
    LOG_IN = 64  # of oneself: no citizen is named
    ADD_PASSKEY = 65
    REVOKE_PASSKEY = 66
    INVITE = 67  # a professional of one's clinic to a passkey
    END_SESSION = 68
    WATCH_LIST = 100  # cases of suspected misuse are listed
    WATCH_CASE = 101  # one of them is opened: a look at looks, without content
    UNSHIELD = 102  # the name of a citizen in it is shown
    WATCH_MOVE = 103  # it changes hands or state
    WATCH_REGISTER = 104  # who is watched over more closely
    WARN = 105  # connected organisations are warned
    INCIDENT = 106  # the register of incidents
    ASSESS = 107  # an organisation looks at its own security
    NAME_STAFF = 90  # a name that is withheld, told for a case
    DELIVER_LOG = 91  # a source hands over what its own log says
    ASK_WHY = 92  # a citizen asks an organisation about a look
    ANSWER_WHY = 93
    SHIELD = 94  # names of staff are withheld from now on
    END_SHIELD = 95
    FOLLOW_UP = 96  # an organisation looks at what its own staff did
    EXPORT = 97  # in bulk: kept for when there is such a thing
    NOTIFY = 98  # a subscription delivered something
    MODEL = 99  # a model was run on somebody's data: likewise
    COPY_FOR_EMERGENCY = 130  # to be opened without a network
    OPEN_OFFLINE = 131  # told afterwards
    OUT_OF_COPY = 132  # a citizen is to be taken out of a copy that is out
    END_COPY = 133  # by its holder, or by whoever keeps the log of the place
    COPY_UNACCOUNTED = 134  # nothing was told of it in time, or what was told does not fit
    OFFER_MANDATE = 80
    ANSWER_MANDATE = 81  # yes or no to a mandate that was offered
    RELATIVE = 82  # who is close to the citizen, and may be called
    CALL_RELATIVE = 83  # a relative was told something
    ANSWER_DECLARATION = 84  # why a declared relation was not confirmed
    HELP = 85  # a citizen who does not use a screen
    SEE_DECLARATIONS = 86  # those of one's organisation that nothing confirmed
    LETTER = 87  # written to a citizen on paper
    COUNTER_WAITS = 140  # what widens access, registered at the counter: waits for a second person, or for the citizen
    COUNTER_CONFIRM = 141
    COUNTER_STOP = 142  # taken back, or not recognised
    COUNTER_LIST = 143  # what waits, and which letters there are
    MASK_PART = 120  # elements of a row, from some of those who see it
    UNMASK_PART = 121
    SUBSCRIBE = 125  # to be told of what changes
    END_SUBSCRIPTION = 126
    REVIEW_FOR_NETWORK = 155  # a broken glass that its own place did not review
    NETWORK_REVIEWS = 156  # who reads which of those wait
    RESERVE_NUMBERS = 160  # a block of replacement CPR numbers, for an organisation that may be cut off
    RETURN_NUMBERS = 161
    ACTED_WHILE_LINKED = 162  # who looked or wrote while two registrations were one citizen
    MESSAGE = 190  # from one organisation to another
    DELIVER_MESSAGE = 191  # handed to the receiver's own system
    FOLLOW_MESSAGE = 192  # whom messages went to, and what became of them
    OWN_MESSAGES = 193  # who wrote to whom about oneself
    PARK_MESSAGE = 194  # could not be taken
    MEND_MESSAGE = 195  # taken after all, or put away
    SET_MODE = 196  # how an organisation sends and takes messages
    SEE_MESSAGES = 197  # read by staff of the receiver
    QUEUE = 180  # the pieces of work that wait for a unit
    OWN_WORK = 181  # whose move each piece of work about a citizen is
    RECEIPTS = 182  # what became of one
    ISSUE_NUMBER = 170  # a replacement CPR number, given in person after a search
    SEE_LINKS = 171  # which registrations are, or were, one citizen
    TELL_UNITS = 172  # that they acted while a link was wrong
    CHANGE_MASTER_DATA = 173  # the stamkort: what a citizen says of themselves, for every sector
    SEE_MASTER_DATA = 174  # it was shown to somebody who changes it for the citizen
    CALENDAR_FEED = 210  # the calendar, fetched by a link that its holder made
    OPEN_FEED = 211  # such a link is made
    END_FEED = 212
    CHOOSE_WAY = 225  # by which way a citizen wants to be told of news is chosen, confirmed or left
    SEE_FEEDS = 226  # that there are links to the calendar of somebody else
    ANSWER_APPOINTMENT = 213  # a citizen confirms, calls off, or asks to be moved
    CHOOSE_PUSH = 231  # a citizen's device is told that there are notices
    END_PUSH = 232  # it is told no more
    ANSWER_WORK = 230  # a citizen answers a piece of work that was asked of them
    ASK_SOURCES = 200  # other places are asked what they have: decided and logged before anything is sent
    SEE_ANSWERS = 201  # what they answered
    SWITCH_SOURCE = 202  # a source is paused, or asked again
    ARRANGE_UNIT = 165  # an organisational unit is changed from a day on: no citizen is named
    WITHDRAW_UNIT_PLAN = 166
    REGISTER_UNIT = 167
    LIST_FOR_UNIT = 240  # where a unit takes messages, or what it offers, from a day on: no citizen is named
    END_LISTING = 241
    WITHDRAW_LISTING = 242
    READ_NOTICES = 150  # what another citizen is told of, by whoever acts for them


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
    allowance: UUID | None = None  #: what somebody allowed the client, from which the token follows
    for_one: bool = (
        False  #: only what is the patient's whom the allowance names, and what is public (``docs/decisions/0032``)
    )

    def __post_init__(self) -> None:
        if self.for_one and self.allowance is None:
            raise ValueError("Whom an ask is for is said by what was allowed.")
