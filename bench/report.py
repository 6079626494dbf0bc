"""The table and the file."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.load import Result

_LARGE = 100  #: from here on a decimal is precise enough
REFERENCE = "reference: "  #: how the conditions of what is measured for comparison begin


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. ``ratio`` is to the named reference of the same run."""

    name: str
    value: float
    unit: str
    p50_ms: float | None
    p99_ms: float | None
    ratio: float | None
    conditions: str


@dataclass(slots=True)
class Report:
    """What a run measured, and what it found wrong."""

    resources: int
    figures: list[Figure] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    machine: str = field(default_factory=lambda: f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}")

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        conditions: str,
        *,
        ratio: float | None = None,
        result: Result | None = None,
    ) -> None:
        """Keep one figure."""
        p50 = round(result.percentile(0.50), 2) if result else None
        p99 = round(result.percentile(0.99), 2) if result else None
        told = f"{conditions}; {result.wrong} wrong answers" if result else conditions
        if not conditions.startswith(REFERENCE):
            told = f"{self.resources:,} resources stored, {self.machine}; {told}"
        self.figures.append(
            Figure(
                name,
                round(value, 1 if value >= _LARGE else 3),
                unit,
                p50,
                p99,
                None if ratio is None else round(ratio, 4),
                told,
            )
        )
        if result and result.wrong:
            self.failures.append(f"{name}: {result.wrong} wrong answers, e.g. {result.problems[:1]}")

    def write(self, path: Path) -> None:
        """The list that other tools read."""
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {}
        if path.exists():
            kept = {one["name"]: one for one in json.loads(path.read_text())}
        kept.update({figure.name: asdict(figure) for figure in self.figures})
        path.write_text(json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n")

    def print(self) -> None:
        """The table that people read."""
        table = Table(title=f"{self.machine}; {self.resources:,} resources")
        for heading in ("figure", "value", "unit", "p50 ms", "p99 ms", "ratio", "conditions"):
            table.add_column(heading, overflow="fold")
        for one in self.figures:
            table.add_row(*("" if cell is None else str(cell) for cell in asdict(one).values()))
        console = Console(width=160)
        console.print(table)
        for failure in self.failures:
            console.print(f"[red]FAILED[/red] {failure}", highlight=False)
