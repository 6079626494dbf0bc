"""What the bench says of processor time counts those as well who have ended."""

import os
import subprocess
import sys

import pytest

from bench.cost import Costs

_BURNT = 0.2
_WORK = f"import time\nwhile time.process_time() < {_BURNT}: pass"


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="this system does not tell processor time")
def test_the_time_of_a_process_that_has_ended_stays_with_its_group():
    costs = Costs({"generator": os.getpid()})
    before = costs.spent()["generator"]
    subprocess.run([sys.executable, "-c", _WORK], check=True)
    assert costs.spent()["generator"] - before >= _BURNT * 0.9
