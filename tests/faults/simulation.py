"""One event loop with a clock of its own: a run is decided by its seed alone, and nobody can wait for ever unseen.

Time stands still while anybody can run, and jumps to the next deadline when nobody can. When there is no deadline
either, somebody waits for what never comes: the run ends with ``Stuck``.
"""

import asyncio
import inspect
import random
import selectors
import types
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

_MOST_TURNS = 5000  #: of the loop at one moment; whoever takes more goes round in circles


class Stuck(AssertionError):
    """Somebody waits for what never comes."""


class _Jumps(selectors.SelectSelector):
    """Waits for nothing: the loop's clock is moved instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        self._turns = 0 if timeout else self._turns + 1
        if timeout is None or self._turns > _MOST_TURNS:
            raise Stuck
        self.now += max(timeout, 0.0)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """The loop. Work that is sent to a thread is done at once, and answered a moment later."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        return self.create_task(_a_moment_later(func, args))


async def passes(seconds: float) -> None:
    """Let simulated time pass; nobody waits for it."""
    await asyncio.sleep(seconds)


async def _a_moment_later(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    await asyncio.sleep(0.001)
    return work(*arguments)


def simulate(scenario: Callable[[random.Random], Coroutine[Any, Any, None]], seed: int) -> None:
    """Run a scenario with the dice of ``seed``. An assertion that fails names the seed."""
    loop = SimulatedLoop()
    complaints: list[Any] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    try:
        loop.run_until_complete(scenario(random.Random(seed)))
        assert not complaints, complaints
    except AssertionError as error:
        error.add_note(f"seed {seed}")
        raise
    finally:
        _end(loop)
        loop.close()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Let nobody be left behind who would complain later."""
    loop._jumps._turns = 0  # type: ignore[attr-defined]
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        with suppress(Stuck):
            loop.run_until_complete(asyncio.wait(left))


def broken(module: types.ModuleType, right: str, wrong: str) -> types.ModuleType:
    """A copy of ``module`` with one thing done wrong, to see that somebody notices."""
    source = inspect.getsource(module)
    assert source.count(right) == 1, right
    copy = types.ModuleType(module.__name__)
    exec(compile(source.replace(right, wrong), f"broken {module.__name__}", "exec"), copy.__dict__)
    return copy


def caught(scenario: Callable[[random.Random], Coroutine[Any, Any, None]], seeds: int) -> bool:
    """Whether one of so many seeds shows that something is wrong."""
    for seed in range(seeds):
        try:
            simulate(scenario, seed)
        except AssertionError:
            return True
    return False
