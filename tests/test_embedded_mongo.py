"""The private mongod, with real processes that come, go and are killed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from components.errors import InputError
from components.pool import TaskPool, TaskStatus
from components.pool.mongod import embedded_mongo

USER = """
import sys
from pathlib import Path
from components.pool.mongod import embedded_mongo
with embedded_mongo(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.readline()
"""


def start_user(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def url_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate("\n", timeout=10)
    assert user.returncode == 0


def processes(home: Path) -> list[psutil.Process]:
    """Supervisors and mongods of a home."""
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            if str(home / "mongo") in " ".join(command) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def mongod_of(home: Path) -> psutil.Process:
    (process,) = [process for process in processes(home) if process.name() == "mongod"]
    return process


def supervisor_of(home: Path) -> psutil.Process:
    (process,) = [process for process in processes(home) if process.name() != "mongod"]
    return process


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.05)


def submit(url: str, number: int) -> None:
    with TaskPool(url, "tests", "kept") as pool:
        pool.submit([{"n": number}])


def count(url: str) -> int:
    with TaskPool(url, "tests", "kept") as pool:
        return pool.counts()[TaskStatus.WAITING]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "a home"
    for process in processes(tmp_path / "a home"):
        process.kill()


def test_starts_soon_stops_after_the_last_user_and_keeps_its_data(home: Path) -> None:
    start = time.monotonic()
    with embedded_mongo(home) as url:
        assert time.monotonic() - start < 5  # below 0.5 s on a machine with nothing else to do
        submit(url, 1)
        with embedded_mongo(home) as again:
            assert again == url
    eventually(lambda: not processes(home))
    assert not (home / "mongo" / "address.json").exists()
    with embedded_mongo(home) as url:
        assert count(url) == 1
    assert sum(file.stat().st_size for file in home.rglob("*") if file.is_file()) < 50_000_000


def test_many_at_once_share_one(home: Path) -> None:
    users = [start_user(home) for _ in range(6)]
    assert len({url_of(user) for user in users}) == 1
    assert len(processes(home)) == 2  # a supervisor, a mongod
    for user in users[:-1]:
        leave(user)
    users[-1].kill()
    users[-1].communicate()
    eventually(lambda: not processes(home))


def test_coming_while_it_stops(home: Path) -> None:
    for number in range(5):
        with embedded_mongo(home) as url:
            submit(url, number)
        time.sleep(0.05 * number)  # the supervisor looks every 0.1 s: meet it before, during and after stopping
    with embedded_mongo(home) as url:
        assert count(url) == 5


def test_ctrl_c_does_not_reach_it(home: Path) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    )
    url = url_of(user)
    with embedded_mongo(home):
        os.killpg(user.pid, signal.SIGINT)  # what a terminal does
        user.communicate(timeout=10)
        assert count(url) == 0


def test_mongod_is_restarted_where_it_was(home: Path) -> None:
    with embedded_mongo(home) as url, TaskPool(url, "tests", "kept") as pool:
        pool.submit([{"n": 1}])
        killed = mongod_of(home)
        killed.kill()
        killed.wait(5)
        assert pool.counts()[TaskStatus.WAITING] == 1  # waits for the new one
        assert mongod_of(home).pid != killed.pid
        record = pool.claim("x")
        assert record is not None
        time.sleep(0.3)  # a claim reaches the disk within 0.1 s; a completion is there when it is acknowledged
        mongod_of(home).kill()
        pool.complete(record)
        mongod_of(home).kill()
        assert pool.counts() == {TaskStatus.DONE: 1}


def test_everything_killed(home: Path) -> None:
    user = start_user(home)
    submit(url_of(user), 1)
    for process in [supervisor_of(home), mongod_of(home)]:
        process.kill()
    user.kill()
    user.communicate()
    assert (home / "mongo" / "address.json").exists()  # stale now
    with embedded_mongo(home) as url:
        assert count(url) == 1


def test_the_supervisor_killed_alone(home: Path) -> None:
    user = start_user(home)
    first = url_of(user)
    submit(first, 1)
    orphan = mongod_of(home)
    supervisor = supervisor_of(home)
    supervisor.kill()
    supervisor.wait(10)  # until then it may still hold its lock
    with embedded_mongo(home) as url:
        assert url == first  # users of the orphan reconnect
        assert mongod_of(home).pid != orphan.pid
        assert count(url) == 1
        leave(user)
        assert count(url) == 1


def test_a_port_that_is_taken(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is taken"), embedded_mongo(home, port=port):
            pass
    with embedded_mongo(home, port=port) as url:
        assert url == f"mongodb://127.0.0.1:{port}"
        with pytest.raises(InputError, match=f"already runs on port {port}, not on 1234"):  # noqa: SIM117
            with embedded_mongo(home, port=1234):
                pass


#: Pretends to be mongod, but a stranger listens on its port: a program that was faster.
STRANGER = """#!{python}
import os, socket, sys, time
port = int(sys.argv[sys.argv.index("--port") + 1])
if os.fork():
    time.sleep(1)  # as long as mongod takes to see that the port is taken
    os._exit(48)
os.setsid()
with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    time.sleep(15)
"""


def test_another_program_on_the_port_is_not_taken_for_mongod(home: Path, tmp_path: Path) -> None:
    program = tmp_path / "mongod"
    program.write_text(STRANGER.format(python=sys.executable))
    program.chmod(0o755)
    with pytest.raises(InputError, match="mongod does not start"), embedded_mongo(home, mongod=program):
        pass


def test_nothing_is_sent_to_a_stranger_with_the_number_of_a_mongod_elsewhere(home: Path) -> None:
    with embedded_mongo(home):
        pass
    eventually(lambda: not processes(home))
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lock = home / "mongo" / "data" / "mongod.lock"
        with lock.open("w") as held:  # as the mongod of another container does, which shares the home
            held.write(f"{stranger.pid}\n")
            held.flush()
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(InputError, match="in use by a mongod of another machine or container"):
                embedded_mongo(home).__enter__()
        assert stranger.poll() is None
        stranger.kill()
    with embedded_mongo(home) as url:
        assert count(url) == 0


def test_programs_that_are_no_mongod(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"set ROLLFLOW_MONGOD"), embedded_mongo(home, mongod=tmp_path / "none"):
        pass
    wrong = tmp_path / "wrong"
    wrong.write_text("#!/bin/sh\nexit 1\n")
    wrong.chmod(0o755)
    with pytest.raises(InputError, match="mongod does not start"), embedded_mongo(home, mongod=wrong):
        pass
    wrong.write_text("not a program")
    with pytest.raises(InputError, match="cannot be run"), embedded_mongo(home, mongod=wrong):
        pass
    eventually(lambda: not processes(home))
    with embedded_mongo(home) as url:  # a failed start is in nobody's way
        assert count(url) == 0


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="set ROLLFLOW_HOME"), embedded_mongo(tmp_path / "file"):
        pass


def test_data_that_mongod_cannot_read(home: Path) -> None:
    with embedded_mongo(home):
        pass
    eventually(lambda: not processes(home))
    (home / "mongo" / "data" / "WiredTiger.turtle").write_text("broken")
    with pytest.raises(InputError, match=r"mongod does not start: .*mongod\.log"), embedded_mongo(home):
        pass


def test_the_address_file_is_for_people_too(home: Path) -> None:
    with embedded_mongo(home) as url:
        assert json.loads((home / "mongo" / "address.json").read_text())["url"] == url
