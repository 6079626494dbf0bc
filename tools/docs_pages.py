"""Reference pages that are generated from the code: settings, commands, errors."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import typer.main

from helhed.api.answers import STATUS
from helhed.cli import app
from helhed.foundation.settings import Settings


def settings() -> str:
    """Every setting with its default and meaning."""
    rows = [
        (f"`HELHED_{name.upper()}`", _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return (
        "# Settings\n\n"
        "Every setting comes from the environment. There is no configuration file, so what a process runs with is what\n"
        "its environment says. Source: `helhed/foundation/settings.py`.\n\n"
        + table(("variable", "default", "meaning"), rows)
    )


def commands() -> str:
    """Every command of ``helhed`` with its arguments and options."""
    group: Any = typer.main.get_command(app)
    parts = [
        "# Commands\n\n"
        "`helhed` stands in `.venv/bin` after `make demo` or `make test`. Each command explains itself with `--help`.\n"
        "A mistake is answered with one sentence and exit code 1. Source: `helhed/cli/`.\n"
    ]
    for name, command in sorted(_commands(group)):
        parts.append(f"\n## helhed {name}\n\n{_paragraph(command.help)}\n")
        if shown := [_parameter(one) for one in command.params if not getattr(one, "hidden", False)]:
            parts.append("\n" + table(("argument or option", "default", "meaning"), shown))
    return "".join(parts)


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def errors() -> str:
    """Every error of the FHIR door: status, issue code, sentence."""
    kinds = sorted(STATUS.items(), key=lambda item: (item[1], item[0].__name__))
    rows = [(str(status), f"`{kind.__name__}`", f"`{kind.code}`", _sentence(kind)) for kind, status in kinds]
    return (
        "# Errors\n\n"
        "Every error of the FHIR door is an OperationOutcome with an issue code, the place at fault and a plain sentence.\n"
        "Its id is the id of the request, which the log shares. What is hidden from you and what does not exist get the\n"
        "same answer, byte for byte but that id. Sources: `helhed/foundation/errors.py`, `helhed/api/answers.py`.\n\n"
        + table(("status", "error", "issue code", "sentence, when nothing more exact is known"), rows)
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _parameter(parameter: Any) -> tuple[str, str, str]:
    option = parameter.opts[0].startswith("-")
    names = [*parameter.opts, *parameter.secondary_opts]
    shown = ", ".join(f"`{name}`" for name in names) if option else f"`{parameter.name.upper()}`"
    default = "" if parameter.required or parameter.default in (None, False) else _default(parameter.default)
    return shown, "required" if parameter.required else default, parameter.help or ""


def _default(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else "empty"


def _sentence(kind: type[Exception]) -> str:
    return (kind.__doc__ or "").split("\n", 1)[0]


def _paragraph(text: str | None) -> str:
    return " ".join((text or "").split())
