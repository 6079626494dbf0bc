"""Releasing population figures: what an operator does now and then, and the demo does when it is loaded."""

from collections.abc import Mapping

from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import Connection
from helhed.insight.figures import release_figures
from helhed.insight.scheme import scheme


async def refresh(connection: Connection, clock: Clock = system_clock) -> int:
    """Count and release by the scheme of this installation, with the owner's rights. FiguresRefused, and why."""
    demo = await connection.fetchval("select exists (select from registries.demo where enabled)")
    return await release_figures(connection, scheme(_demo_areas() if demo else None), clock())


def _demo_areas() -> Mapping[str, str]:
    from demo.country import AREAS

    return AREAS
