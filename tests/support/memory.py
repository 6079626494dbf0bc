"""Work done in a process of its own that may take so much memory, and not a page more."""

import subprocess
import sys

_MIB = 2**20
#: warm first, so that what a first call keeps for good is not counted; then the cap, of what the process has by then
_CAPPED = """
import os, resource
{warm}
if os.path.exists("/proc/self/statm"):
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + {most}, taken + {most}))
{work}
"""


def within(most_mib: int, warm: str, work: str) -> str:
    """What ``work`` prints with ``most_mib`` MiB more than ``warm`` left it with. AssertionError when it is not enough.

    Where the system does not tell what a process has (macOS), there is no cap.
    """
    program = _CAPPED.format(warm=warm, work=work, most=most_mib * _MIB)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
