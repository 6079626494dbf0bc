"""Checks what the log says, without the log: no database, no network, and no code of those who write it.

Written from ``docs/reference/log-format.md``. Citizens, witnesses and authorities use it.
"""

from helhed.trust.verifier.export import Finding, Trusted, verify
from helhed.trust.verifier.faults import Faulty

__all__ = ["Faulty", "Finding", "Trusted", "verify"]
