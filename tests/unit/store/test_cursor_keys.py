"""Page links live on while keys change: an accepted key opens what it sealed, also on a machine that uses another."""

from contextlib import suppress
from pathlib import Path
from shutil import copyfile
from uuid import uuid4

import pytest

from helhed.commands.rotating import NeverChanged, NoSuchPurpose, activate, prepare, purpose_named, retire, rotate
from helhed.fhir.store.cursor import CursorSigner
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.errors import BadRequest
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KEYRING, KeysInUse, read_keyring
from helhed.foundation.settings import Settings
from tests.support.world import NOW

ASK = Ask(ActorKind.CITIZEN, 1, None, "", Purpose.OWN, "test", None, frozenset(), NOW, uuid4())


def signer_at(data_dir: Path) -> CursorSigner:
    """What a worker has."""
    keys = KeysInUse(data_dir)
    signer = CursorSigner(*keys.secrets(KeyPurpose.CURSORS), look_again=keys.look_again)
    keys.follow(KeyPurpose.CURSORS, signer.take)
    return signer


def opens(signer: CursorSigner, cursor: str) -> bool:
    """Whether a worker opens a cursor."""
    with suppress(BadRequest):
        return signer.read(ASK, b"s", cursor) == b"here"
    return False


def test_a_worker_opens_what_another_sealed_with_a_key_it_has_not_heard_of(tmp_path: Path) -> None:
    old, settings = signer_at(tmp_path), Settings(data_dir=tmp_path)
    before = old.sign(ASK, b"s", b"here")
    rotate(settings, KeyPurpose.CURSORS)
    new = signer_at(tmp_path)
    after = new.sign(ASK, b"s", b"here")
    assert after != before
    assert all(opens(signer, cursor) for signer in (old, new) for cursor in (before, after))
    assert old.sign(ASK, b"s", b"here") == after, "it uses the new key from then on"


def test_a_retired_key_opens_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    first = next(key for key in read_keyring(tmp_path).keys if key.purpose is KeyPurpose.CURSORS)
    before = signer_at(tmp_path).sign(ASK, b"s", b"here")
    rotate(settings, KeyPurpose.CURSORS)
    assert opens(signer_at(tmp_path), before)
    retire(settings, first.id)
    with pytest.raises(BadRequest, match="start the search again"):
        signer_at(tmp_path).read(ASK, b"s", before)


def test_several_machines_go_on_together_when_a_key_is_distributed_before_it_is_used(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    signers = [signer_at(one)]
    other.mkdir()
    copyfile(one / KEYRING, other / KEYRING)
    signers.append(signer_at(other))
    fresh = prepare(Settings(data_dir=one), KeyPurpose.CURSORS)
    copyfile(one / KEYRING, other / KEYRING)
    for place in (one, other):
        cursors = [signer.sign(ASK, b"s", b"here") for signer in signers]
        assert all(opens(signer, cursor) for signer in signers for cursor in cursors)
        activate(Settings(data_dir=place), fresh.id)
        signers = [signer_at(one), signer_at(other)]
        assert all(opens(signer, cursor) for signer in signers for cursor in cursors)


def test_the_identity_of_the_installation_is_no_key_that_changes() -> None:
    with pytest.raises(NeverChanged):
        purpose_named("identity")
    with pytest.raises(NoSuchPurpose):
        purpose_named("passwords")
