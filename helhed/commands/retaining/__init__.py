"""Retention: what the law no longer asks to be kept goes, in small transactions, while the network serves."""

from helhed.commands.retaining.holds import hold, release
from helhed.commands.retaining.printing import line
from helhed.commands.retaining.run import Outcome, retain

__all__ = ["Outcome", "hold", "line", "release", "retain"]
