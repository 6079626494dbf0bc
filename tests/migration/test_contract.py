"""Old code on the new schema: what an earlier release called, read and wrote is still there.

``contracts/`` holds what each release had, as ``python -m tests.migration.write_contract``
prints it. The file of a release goes when that
release is no longer to be replaced without a pause.
"""

import json
from pathlib import Path

import pytest

from helhed.foundation.database import Target, connect
from tests.support.catalog import demanded, offered

CONTRACTS = sorted((Path(__file__).parent / "contracts").glob("*.json"))


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda path: path.stem)
async def test_what_old_code_uses_is_still_offered(contract: Path, target: Target) -> None:
    old = json.loads(contract.read_text("utf-8"))
    connection = await connect(target.owner)
    try:
        missing = set(old["offered"]) - set(await offered(connection))
        new_demands = set(await demanded(connection)) - set(old["demanded"])
    finally:
        await connection.close()
    known = {line.split(" ")[1].rsplit(".", 1)[0] for line in old["offered"] if line.startswith("insert ")}
    assert sorted(missing) == []
    assert sorted(one for one in new_demands if one.rsplit(".", 1)[0] in known) == []


def test_there_is_a_contract_to_keep() -> None:
    assert CONTRACTS
