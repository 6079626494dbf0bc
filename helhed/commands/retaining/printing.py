"""What a run of retention did, for an operator."""

from helhed.commands.retaining.run import Outcome


def line(outcome: Outcome, *, dry: bool) -> str:
    """One kind, how much of it, and the paragraph."""
    kind = outcome.kind
    many = f"{outcome.rows:,} rows" + (f" of {outcome.records:,} records" if kind.name == "record" else "")
    what = "would go" if dry else "wait for --released" if outcome.waits else "went"
    return f"{kind.name}: {many} {what}, {kind.keep} after {kind.since} ({kind.law})"
