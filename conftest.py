"""The house rules on skipped tests and on their order, for every run from anywhere in the repository."""

import os
import sys
from pathlib import Path

pytest_plugins = ["tools.pytest_skips", "tools.pytest_order", "tools.pytest_removal"]

# Compiled modules are kept in the environment, also where the surroundings say to keep none beside the sources: every server and
# command that a test starts would else compile the whole network anew.
_ENVIRONMENT = Path(__file__).parent / ".venv"
if _ENVIRONMENT.is_dir():
    sys.pycache_prefix, sys.dont_write_bytecode = str(_ENVIRONMENT / "bytecode"), False
    os.environ.update(PYTHONPYCACHEPREFIX=sys.pycache_prefix, PYTHONDONTWRITEBYTECODE="")
