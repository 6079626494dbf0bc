"""The purge commands: a records custodian with a token, and an operator's tombstones beside the backups."""

from helhed.commands.purging.custodian import Custodian, custodian
from helhed.commands.purging.tombstones import Reapplied, read_tombstones, reapply, recognise, write_tombstones

__all__ = ["Custodian", "Reapplied", "custodian", "read_tombstones", "reapply", "recognise", "write_tombstones"]
