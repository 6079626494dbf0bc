"""Help at the counter, letters, registrations and relatives. The shapes are those of ``trust``, whose rooms serve the pages as they are."""

from helhed.trust.acting.counter import Counter
from helhed.trust.acting.help import Help
from helhed.trust.acting.relatives import Relatives

__all__ = ["Counter", "Help", "Relatives"]
