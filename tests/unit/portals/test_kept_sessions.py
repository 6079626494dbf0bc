"""Sessions as they stand in the database: sealed, each in its own row."""

import pytest

from helhed.commands.rotating import retire, rotate
from helhed.foundation.ask import ActorKind
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse, read_keyring
from helhed.foundation.seal import Seal
from helhed.foundation.settings import Settings
from helhed.portals.rooms.sessions import PortalSessions
from helhed.portals.sessions import Opened, Principal, start, to_bytes
from tests.support.world import NOW, SECRET

PERSON = Principal(ActorKind.PROFESSIONAL, 7, "Rune Test Dahl", 8, "Akutmodtagelsen", "doctor")
PATIENT = Opened(9, None, "Bodil Test Prøvesen", "0102509995", False, None, "female", True)  # type: ignore[arg-type]


@pytest.fixture
def sessions(world):
    return PortalSessions(world.store.pool, Seal("sessions", [SECRET]))


@pytest.fixture
def session():
    from dataclasses import replace
    from uuid import uuid4

    return start(PERSON, NOW).with_opened(replace(PATIENT, patient=uuid4()))[1]


async def test_a_session_comes_back_as_it_was_kept(sessions, session):
    await sessions.put("a", session)
    assert await sessions.get("a") == session


async def test_a_session_that_was_ended_is_not_brought_back_by_a_request_under_way(sessions, session):
    await sessions.put("a", session)
    await sessions.change("a", session)
    assert await sessions.get("a") == session
    await sessions.drop("a")
    await sessions.change("a", session)
    assert await sessions.get("a") is None


async def test_whoever_logs_out_upstream_loses_every_session_it_names_and_no_other(sessions, session, world):
    from dataclasses import replace

    from helhed.portals.sessions import LogIn

    for key, digests in (("a", ("s1", "p")), ("b", ("s2", "p")), ("c", ("s3", "q"))):
        await sessions.put(key, replace(session, login=LogIn(NOW, "broker", upstream=digests)))
    assert await sessions.drop_upstream(["s1"]) == 1
    assert await sessions.drop_upstream(["p"]) == 1
    assert [key for key, _ in await sessions.of(session.principal)] == ["c"]


async def test_a_copy_of_the_table_names_nobody(sessions, session, world):
    await sessions.put("a", session)
    kept = str(await world.owner.fetch("select * from portals.session")).encode()
    for word in (b"Bodil", b"0102509995", b"Rune", session.csrf.encode()):
        assert word not in kept


async def test_a_session_that_is_moved_to_another_cookie_opens_nothing(sessions, session, world):
    await sessions.put("a", session)
    await world.owner.execute("insert into portals.session (key, kept) select 'b', kept from portals.session")
    assert await sessions.get("b") is None


async def test_a_session_that_an_earlier_release_kept_in_plain_asks_for_a_new_log_in(sessions, session, world):
    await world.owner.execute("insert into portals.session (key, kept) values ('a', $1)", to_bytes(session))
    assert await sessions.get("a") is None


def worker(world, folder):
    """The sessions as a worker has them: by the keyring, followed as it changes."""
    keys = KeysInUse(folder)
    seal = Seal("sessions", keys.secrets(KeyPurpose.SESSIONS), keys.look_again)
    keys.follow(KeyPurpose.SESSIONS, seal.take)
    return PortalSessions(world.store.pool, seal)


async def test_a_session_goes_on_when_its_key_is_rotated_and_ends_when_the_key_is_retired(world, session, tmp_path):
    one, other = worker(world, tmp_path), worker(world, tmp_path)
    await one.put("before", session)
    former = next(key for key in read_keyring(tmp_path).keys if key.purpose is KeyPurpose.SESSIONS)
    rotate(Settings(data_dir=tmp_path), KeyPurpose.SESSIONS)
    fresh = worker(world, tmp_path)
    await fresh.put("after", session)
    for each in (other, fresh):  # also a worker that has not looked at the keys since
        assert await each.get("before") == await each.get("after") == session
    await fresh.change("before", session)
    await fresh.put("left", session)
    await one.put("old", session)  # it has not looked again either: it seals by what it knows
    retire(Settings(data_dir=tmp_path), former.id)
    last = worker(world, tmp_path)
    assert await last.get("before") == session, "it was sealed anew when it was used"
    assert await last.get("old") is None
