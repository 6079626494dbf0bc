"""The keyring: one for all processes, whole, its owner's alone; a key is accepted, used, accepted, and gone."""

import json
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from joserfc.jwk import OKPKey

from helhed.commands.rotating import rotate
from helhed.foundation.database import read_secret
from helhed.foundation.keyring import KeyInUse, KeyPurpose, KeyRetired, Keyring, NoSuchKey, State, new_key
from helhed.foundation.keyring_file import (
    FORMER_FILE,
    KEYRING,
    KeyringDamaged,
    KeysInUse,
    change_keyring,
    read_keyring,
)
from helhed.foundation.settings import Settings
from helhed.trust.tokens.verifying import signing_key

NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def clock() -> datetime:
    return NOW


def with_second(ring: Keyring, secret: bytes = b"2" * 32) -> tuple[Keyring, str, str]:
    """A keyring with a second key for cursors, and the names of the first and the second."""
    first = next(key for key in ring.keys if key.purpose is KeyPurpose.CURSORS)
    second = new_key(KeyPurpose.CURSORS, secret, State.ACCEPTED, LATER)
    return ring.with_new(second), first.id, second.id


def test_processes_that_start_together_agree_on_one_keyring(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: read_keyring(tmp_path, clock), range(16)))
    assert len(found) == 1


def test_it_is_the_owners_alone_and_no_draft_is_left(tmp_path: Path) -> None:
    ring, _, second = with_second(read_keyring(tmp_path, clock))
    change_keyring(tmp_path, lambda _: ring)
    change_keyring(tmp_path, lambda ring: ring.activated(second, LATER))
    assert stat.S_IMODE((tmp_path / KEYRING).stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [KEYRING, "keyring.lock", "secret"]


def written(folder: Path) -> set[str]:
    """What the file has keys for."""
    return {key["purpose"] for key in json.loads((folder / KEYRING).read_bytes())["keys"]}


def test_what_an_earlier_release_does_not_know_is_not_written_until_it_is_changed(tmp_path: Path) -> None:
    known = {"cursors", "tokens", "pseudonyms", "database", "log"}
    keys = KeysInUse(tmp_path)
    first = keys.secrets(KeyPurpose.SESSIONS)
    assert first == [read_secret(tmp_path)], "an earlier release beside this one opens what is sealed"
    assert written(tmp_path) == known
    rotate(Settings(data_dir=tmp_path), KeyPurpose.CURSORS)
    assert written(tmp_path) == known
    assert keys.look_again()
    assert keys.secrets(KeyPurpose.SESSIONS) == first
    rotate(Settings(data_dir=tmp_path), KeyPurpose.SESSIONS)
    assert written(tmp_path) == {*known, "sessions"}
    assert keys.look_again()
    fresh, former = keys.secrets(KeyPurpose.SESSIONS)
    assert [former] == first != [fresh]


def test_changes_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    def add(number: int) -> None:
        key = new_key(KeyPurpose.CURSORS, bytes([number]) * 32, State.ACCEPTED, NOW)
        change_keyring(tmp_path, lambda ring: ring.with_new(key))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(16)))
    assert len(read_keyring(tmp_path).secrets(KeyPurpose.CURSORS)) == 17


def test_a_key_is_accepted_then_used_then_accepted_then_gone(tmp_path: Path) -> None:
    ring, first, second = with_second(read_keyring(tmp_path, clock))
    before = ring.key(first).secret
    assert ring.secrets(KeyPurpose.CURSORS) == [before, b"2" * 32]
    ring = ring.activated(second, LATER)
    assert ring.secrets(KeyPurpose.CURSORS) == [b"2" * 32, before]
    ring = ring.retired(first, LATER)
    assert ring.secrets(KeyPurpose.CURSORS) == [b"2" * 32]
    gone = ring.key(first)
    assert (gone.state, gone.secret, gone.created, gone.changed) == (State.RETIRED, None, NOW, LATER)


def test_what_may_not_be_is_refused(tmp_path: Path) -> None:
    ring, first, second = with_second(read_keyring(tmp_path, clock))
    with pytest.raises(KeyInUse):
        ring.retired(first, LATER)
    with pytest.raises(NoSuchKey):
        ring.activated("cursors-none", LATER)
    with pytest.raises(KeyRetired):
        ring.retired(second, LATER).activated(second, LATER)


@given(steps=st.lists(st.tuples(st.sampled_from(["activate", "retire"]), st.integers(0, 5)), max_size=12))
def test_whatever_is_done_one_key_is_active_and_no_other_purpose_is_touched(steps: list[tuple[str, int]]) -> None:
    ring = Keyring(tuple(new_key(purpose, b"0" * 32, State.ACTIVE, NOW) for purpose in KeyPurpose))
    others = [ring.secrets(purpose) for purpose in (KeyPurpose.TOKENS, KeyPurpose.DATABASE)]
    for number in range(1, 6):
        ring = ring.with_new(new_key(KeyPurpose.CURSORS, bytes([number]) * 32, State.ACCEPTED, NOW))
    names = [key.id for key in ring.keys if key.purpose is KeyPurpose.CURSORS]
    for what, number in steps:
        try:
            ring = (ring.activated if what == "activate" else ring.retired)(names[number], LATER)
        except (KeyInUse, KeyRetired):
            continue
    states = [ring.key(name).state for name in names]
    assert states.count(State.ACTIVE) == 1
    assert len(ring.secrets(KeyPurpose.CURSORS)) == 6 - states.count(State.RETIRED)
    assert ring.secrets(KeyPurpose.CURSORS)[0] == ring.key(names[states.index(State.ACTIVE)]).secret
    assert [ring.secrets(purpose) for purpose in (KeyPurpose.TOKENS, KeyPurpose.DATABASE)] == others


def test_what_an_earlier_release_left_goes_on_to_be_used(tmp_path: Path) -> None:
    secret, tokens = bytes(range(256)), OKPKey.generate_key("Ed25519")
    (tmp_path / "secret").write_bytes(secret)
    (tmp_path / FORMER_FILE).write_text(json.dumps(tokens.as_dict(private=True)))
    ring = read_keyring(tmp_path, clock)
    assert ring.secrets(KeyPurpose.CURSORS) == ring.secrets(KeyPurpose.DATABASE) == [secret]
    assert [signing_key(key).thumbprint() for key in ring.secrets(KeyPurpose.TOKENS)] == [tokens.thumbprint()]
    assert read_secret(tmp_path) == secret


def test_two_machines_with_the_same_key_name_it_the_same_and_the_name_does_not_tell_it(tmp_path: Path) -> None:
    one, other = (new_key(KeyPurpose.CURSORS, b"1" * 32, State.ACTIVE, at) for at in (NOW, LATER))
    assert one.id == other.id != new_key(KeyPurpose.DATABASE, b"1" * 32, State.ACTIVE, NOW).id
    assert "1111" not in repr(one)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"format": 1, "keys": []}', b'{"format": 2, "keys": []}', b"\xff"]
)
def test_a_damaged_keyring_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEYRING).write_bytes(content)
    with pytest.raises(KeyringDamaged):
        read_keyring(tmp_path)
    assert (tmp_path / KEYRING).read_bytes() == content


def test_a_running_process_sees_a_change_when_it_looks_and_survives_half_a_file(tmp_path: Path) -> None:
    keys, told = KeysInUse(tmp_path), list[list[bytes]]()
    keys.follow(KeyPurpose.CURSORS, told.append)
    ring, _, second = with_second(read_keyring(tmp_path))
    assert not keys.look_again()
    change_keyring(tmp_path, lambda _: ring.activated(second, LATER))
    assert keys.look_again()
    assert not keys.look_again()
    assert told[1] == [b"2" * 32, *told[0]]
    (tmp_path / KEYRING).write_bytes(b"{")
    assert not keys.look_again()
    assert keys.secrets(KeyPurpose.CURSORS) == told[1]


def test_a_keyring_of_an_earlier_release_gets_a_key_for_what_came_later_the_same_on_every_machine(
    tmp_path: Path,
) -> None:
    rings = []
    whole = read_keyring(tmp_path, clock)
    before = [
        key for key in json.loads((tmp_path / KEYRING).read_bytes())["keys"] if key["purpose"] != KeyPurpose.PSEUDONYMS
    ]
    for machine in ("a", "b"):
        (tmp_path / machine).mkdir()
        shutil.copy2(tmp_path / "secret", tmp_path / machine)  # it is every machine's
        (tmp_path / machine / KEYRING).write_text(json.dumps({"format": 1, "keys": before}))
        rings.append(read_keyring(tmp_path / machine, clock))
        assert read_keyring(tmp_path / machine, clock) == rings[-1]
    assert rings[0] == rings[1]
    assert {key.purpose for key in rings[0].keys} == {key.purpose for key in whole.keys}
