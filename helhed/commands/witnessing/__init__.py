"""A witness: somebody else than who runs the log signs what the log says of itself, and never two histories.

It needs an address, a folder of its own, and nothing else: no database, no key of the log, nothing about a person.
"""

from helhed.commands.witnessing.memory import Memory
from helhed.commands.witnessing.witness import Refused, Witness, run_witness

__all__ = ["Memory", "Refused", "Witness", "run_witness"]
