"""What the citizen's log says of data that were recorded on the wrong person and taken out."""

from helhed.portals.language import Words
from helhed.portals.ports import PurgeNote

_SHOWN = 8  #: letters of a seal: enough to compare two, or to name one on the telephone


def why(note: PurgeNote, words: Words) -> str:
    """The ground, as it reads from the asking citizen's side."""
    return words.purge_ground(note.ground, rightful=not note.wrongly)


def lines(note: PurgeNote, words: Words) -> tuple[str, ...]:
    """How much, by whose proposal and approval, in which case, and what the mark is for."""
    unknown = words("log.purge.unknown")
    who = {"proposer": note.proposer or unknown, "approver": note.approver or unknown}
    much = f"{words('log.purge_rows', n=note.rows)} {words('log.purge_versions', n=note.versions)}."
    by = words("log.purge.proposed" if note.done_at is None else "log.purge.approved", **who)
    case = words("log.purge.case", case=note.case_number, seal=note.seal.hex()[:_SHOWN])
    return (f"{much} {by} {case}", *([] if note.done_at is None else [words("log.purge.after")]))
