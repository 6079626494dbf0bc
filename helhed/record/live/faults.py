"""How a source may fail to answer. The words stand in the database and on pages; none says more than that."""

from enum import StrEnum


class Fault(StrEnum):
    """Why nothing of an answer is used."""

    SILENT = "silent"  #: no answer before the deadline
    BUSY = "busy"  #: too many questions to it were under way
    UNREACHED = "unreached"  #: no connection, or one that broke
    REFUSED = "refused"  #: it does not accept us
    FAILED = "failed"  #: it answered that it cannot
    UNREADABLE = "unreadable"  #: what it answered is no FHIR R4
    TOO_LARGE = "too-large"
    SENT_ELSEWHERE = "sent-elsewhere"  #: it redirects, or its pages go on at another server
    WRONG_PERSON = "wrong-person"  #: it answered about somebody else
    OURS = "ours"  #: something broke here


class SourceFault(Exception):
    """A source gave no answer that can be used."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault
