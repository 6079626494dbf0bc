"""The target picture: the rooms and what each one uses, drawn from the imports themselves."""

import ast
import tomllib
from collections.abc import Iterable
from pathlib import Path

import grimp

from tools.docs_pages import table

ROOT = Path(__file__).resolve().parent.parent
_PACKAGE = "helhed"


def rooms() -> str:
    """The page with the layers, the picture of direct imports, and the other contracts."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [_names(layer) for layer in next(one["layers"] for one in contracts if one["type"] == "layers")]
    graph = grimp.build_graph(_PACKAGE, cache_dir=None)
    used = {room: sorted(_uses(graph, room, layers)) for layer in layers for room in layer}
    others = "".join(f"- {one['name']}.\n" for one in contracts if one["type"] != "layers")
    rows = [
        (_cell(layer), _purposes(layer), "; ".join(filter(None, (_uses_text(room, used) for room in layer))))
        for layer in layers
    ]
    return (
        "# The rooms\n\n"
        "Helhed is one package of strict rooms. A room imports only what stands below it, rooms on one line never import\n"
        "each other, and `make check` holds this. The table and the picture are drawn from the contracts in `pyproject.toml`\n"
        "and from the imports themselves; [architecture](architecture.md) says why.\n\n"
        + table(("rooms, highest first", "for", "uses directly"), rows)
        + "\n## Picture\n\nAn arrow means *imports*. What every room uses, `foundation`, has no arrows drawn to it.\n\n"
        + _picture(layers, used)
        + "\n## Other contracts\n\n"
        + others
    )


def _names(layer: str) -> list[str]:
    return [name.strip(" ()") for name in layer.replace(":", "|").split("|")]


def _uses(graph: grimp.ImportGraph, room: str, layers: list[list[str]]) -> set[str]:
    top = f"{_PACKAGE}.{room}"
    if top not in graph.modules:
        return set()
    known = {name for layer in layers for name in layer}
    modules = {top, *graph.find_descendants(top)}
    imported = {found for module in modules for found in graph.find_modules_directly_imported_by(module)}
    return {name for module in imported if len(module.split(".")) > 1 and (name := module.split(".")[1]) in known} - {
        room
    }


def _cell(layer: list[str]) -> str:
    return ", ".join(f"`{room}`" for room in layer)


def _uses_text(room: str, used: dict[str, list[str]]) -> str:
    return f"{room}: {', '.join(used[room])}" if used[room] else ""


def _purposes(layer: list[str]) -> str:
    if len(layer) == 1:
        return _purpose(layer[0])
    return " ".join(f"*{room}*: {_purpose(room)}" for room in layer)


def _purpose(room: str) -> str:
    """The first sentence of the room's docstring."""
    places = (ROOT / _PACKAGE / room / "__init__.py", ROOT / _PACKAGE / f"{room}.py")
    source = next((path for path in places if path.exists()), None)
    text = ast.get_docstring(ast.parse(source.read_text("utf-8"))) if source else None
    return " ".join((text or "").split("\n\n", 1)[0].split())


def _picture(layers: list[list[str]], used: dict[str, list[str]]) -> str:
    lines = [
        *_groups(layers),
        *(f"  {room} --> {other}" for room in used for other in used[room] if other != "foundation"),
    ]
    return "```mermaid\nflowchart TD\n" + "\n".join(lines) + "\n```\n"


def _groups(layers: list[list[str]]) -> Iterable[str]:
    for number, layer in enumerate(layers):
        yield f"  subgraph layer{number}[ ]"
        yield from (f"    {room}" for room in layer)
        yield "  end"
        if number:
            yield f"  layer{number - 1} ~~~ layer{number}"
