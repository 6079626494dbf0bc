"""The embedded PostgreSQL: shared by who needs it, gone with the last one, whole after whatever happens to it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from helhed.foundation.database import connect, embedded_target
from helhed.foundation.database_log import talkative
from helhed.foundation.postgres import EmbeddedPostgres, PostgresUnavailable, find_programs

PID_FILE = "postmaster.pid"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cluster for the module; each test leaves it stopped."""
    made = tmp_path_factory.mktemp("cluster")
    yield made
    EmbeddedPostgres(made).discard()


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    opened = user_of(folder)
    opened.start()
    yield opened
    opened.start()
    opened.stop()


def user_of(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, shared_buffers="16MB")


def ask(server: EmbeddedPostgres, statement: str) -> Any:
    async def work() -> Any:
        connection = await connect(embedded_target(server, "postgres").owner)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(work())


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.cluster / PID_FILE).read_text().split("\n", 1)[0])


def runs(server: EmbeddedPostgres) -> bool:
    return (server.cluster / PID_FILE).exists()


def test_starting_again_changes_nothing(server: EmbeddedPostgres) -> None:
    first = postmaster(server)
    server.start()
    assert postmaster(server) == first


def test_a_restart_keeps_what_was_committed(server: EmbeddedPostgres) -> None:
    ask(server, "create table kept as select 7 as x")
    server.stop()
    assert not runs(server)
    server.start()
    assert ask(server, "select x from kept") == 7


def test_a_killed_server_comes_back_with_what_was_committed(server: EmbeddedPostgres) -> None:
    ask(server, "create table survived as select 8 as x")
    before = postmaster(server)
    server.kill()
    server.start()
    assert ask(server, "select x from survived") == 8
    assert postmaster(server) != before


def test_the_last_of_two_to_leave_stops_it(server: EmbeddedPostgres, folder: Path) -> None:
    other = user_of(folder)
    other.start()
    server.stop()
    assert ask(other, "select 1") == 1
    other.stop()
    assert not runs(other)


def test_leaving_without_having_come_stops_nothing(server: EmbeddedPostgres, folder: Path) -> None:
    user_of(folder).stop()
    assert ask(server, "select 1") == 1


def test_a_killed_user_does_not_keep_it_running(server: EmbeddedPostgres, folder: Path) -> None:
    program = (
        "import sys, pathlib; from helhed.foundation.postgres import EmbeddedPostgres;"
        "used = EmbeddedPostgres(pathlib.Path(sys.argv[1])); used.start(); print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"in\n"
        server.stop()
        assert runs(server), "somebody else uses it"
        user.kill()
    server.start()
    server.stop()
    assert not runs(server)


def test_users_who_come_at_once_share_one_server(folder: Path) -> None:
    users = [user_of(folder) for _ in range(4)]
    with ThreadPoolExecutor(len(users)) as together:
        list(together.map(lambda user: user.start(), users))
    assert len({ask(user, "select pg_postmaster_start_time()::text") for user in users}) == 1
    for user in users:
        user.stop()
    assert not runs(users[0])


@pytest.mark.parametrize("holder", ["nobody", "somebody else"])
def test_a_pid_file_left_behind_does_not_keep_it_from_starting(server: EmbeddedPostgres, holder: str) -> None:
    """After a power cut the number in the file is free, or belongs to a program that has nothing to do with us."""
    server.kill()
    with _bystander(server) as bystander:
        if holder == "nobody":
            bystander.kill()
            bystander.wait()
        _put_pid(server.cluster / PID_FILE, bystander.pid)
        _put_pid(server.socket_dir / ".s.PGSQL.5432.lock", bystander.pid)
        server.start()
        assert ask(server, "select 1") == 1
        bystander.kill()


def test_leaving_harms_no_program_that_took_over_its_number(server: EmbeddedPostgres) -> None:
    server.kill()
    with _bystander(server) as bystander:
        _put_pid(server.cluster / PID_FILE, bystander.pid)
        server.stop()
        assert bystander.poll() is None
        bystander.kill()


def _bystander(server: EmbeddedPostgres) -> "subprocess.Popen[bytes]":
    """A program of the same user as the server that waits for its standard input."""
    owner = server.cluster.stat().st_uid
    command = ["cat"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, user=owner if owner != os.geteuid() else None)


def _put_pid(path: Path, pid: int) -> None:
    lines = path.read_text().split("\n") if path.exists() else ["", "", ""]
    mode, owner = (path.stat().st_mode, path.stat().st_uid) if path.exists() else (0o600, path.parent.stat().st_uid)
    path.write_text("\n".join([str(pid), *lines[1:]]))
    path.chmod(mode)
    os.chown(path, owner, -1)


def test_nobody_comes_in_over_a_network_and_commits_are_durable(server: EmbeddedPostgres) -> None:
    wanted = {
        "listen_addresses": "",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
    }
    assert {name: ask(server, f"show {name}") for name in wanted} == wanted
    assert server.socket_dir.stat().st_mode & 0o077 == 0
    assert (server.cluster / "pg_hba.conf").read_text().split() == ["local", "all", "all", "peer", "map=helhed"]


def test_a_socket_folder_of_somebody_else_is_refused(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.stop()
    if os.geteuid() == 0:
        foreign = tmp_path / "foreign"
        foreign.mkdir()
        os.chown(foreign, 12345, -1)
    else:
        foreign = Path("/")
    monkeypatch.setattr(server, "socket_dir", foreign)
    with pytest.raises(PostgresUnavailable):
        server.start()


def test_programs_are_found_where_they_were_configured(tmp_path: Path) -> None:
    assert find_programs(str(tmp_path)) == tmp_path
    assert (find_programs() / "initdb").exists()


def test_a_stop_is_orderly(server: EmbeddedPostgres, folder: Path) -> None:
    """The next start finds nothing to recover."""
    server.stop()
    log = folder / "postgres.log"
    before = log.stat().st_size
    server.start()
    assert "not properly shut down" not in log.read_text()[before:]
    os.kill(postmaster(server), signal.SIGKILL)
    server.start()
    assert "not properly shut down" in log.read_text()[before:]


async def test_its_log_holds_no_values_of_rows(server: EmbeddedPostgres) -> None:
    connection = await connect(embedded_target(server, "postgres").owner)
    assert await talkative(connection) == []
    await connection.close()
