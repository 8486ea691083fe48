"""The Prefect server of a command for which none is configured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from commands import wait_until

COMMAND = """
import os, sys
from pathlib import Path
from flows.server import start_server

server = start_server(Path(sys.argv[1]), lambda: print("meanwhile", flush=True))
assert "prefect" not in sys.modules
server.wait()
from prefect.settings import PREFECT_API_URL
print(PREFECT_API_URL.value(), flush=True)
sys.stdin.read()
"""


Command = subprocess.Popen[str]
Begin = Callable[..., Command]


@pytest.fixture(scope="module")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of these tests keep their database."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture
def begin(prefect_home: Path) -> Iterator[Begin]:
    """Begins a command that needs a server."""
    begun: list[Command] = []
    environ = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    environ |= {"PREFECT_HOME": str(prefect_home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

    def command(**variables: str) -> Command:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, prefect_home],
            env=environ | variables,
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        begun.append(process)
        assert process.stdout
        assert process.stdout.readline() == "meanwhile\n"
        return process

    yield command
    for process in begun:
        process.kill()
        process.communicate()


def address(process: Command) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.HTTPError:
        return False


def test_it_is_up_as_long_as_the_command_lives(begin: Begin) -> None:
    process = begin()
    url = address(process)
    assert answers(url)
    process.kill()
    wait_until(lambda: not answers(url))


def test_it_ends_without_a_word_where_the_command_was_killed_before_it_is_up(prefect_home: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "flows.server", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"},
        text=True,
    )
    assert server.stdout
    assert server.stderr
    server.stdout.close()
    assert (server.stderr.read(), server.wait(60)) == ("", 0)
    server.stderr.close()


def test_two_that_begin_at_once_in_a_fresh_folder_share_its_database(begin: Begin, tmp_path: Path) -> None:
    both = [begin(PREFECT_HOME=str(tmp_path / "fresh")) for _ in range(2)]
    addresses = [address(process) for process in both]
    assert all(map(answers, addresses))
    assert addresses[0] != addresses[1]


def test_the_end_of_the_command_is_its_end(begin: Begin) -> None:
    process = begin()
    url = address(process)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not answers(url)


def test_a_proxy_of_the_environment_is_not_asked(begin: Begin) -> None:
    dead = "http://127.0.0.1:9"
    assert answers(address(begin(HTTP_PROXY=dead, http_proxy=dead, ALL_PROXY=dead, NO_PROXY="", no_proxy="")))


def test_its_ui_shows_runs_at_the_address_that_is_printed(begin: Begin) -> None:
    url = address(begin())
    page = httpx.get(
        f"{url.removesuffix('/api')}/runs/flow-run/0", headers={"Accept": "text/html"}, follow_redirects=True
    )
    assert "<div id=" in page.text
    assert httpx.get(f"{url.removesuffix('/api')}/ui-settings").json()["api_url"] == url


def test_its_database_is_below_the_home(tmp_path: Path, prefect_home: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = [sys.executable, "-c", COMMAND, tmp_path]
    subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, check=True, timeout=120)
    assert (tmp_path / "prefect" / "prefect.db").exists()


def test_a_configured_one_is_used(begin: Begin) -> None:
    assert address(begin(PREFECT_API_URL="http://127.0.0.1:9/api")) == "http://127.0.0.1:9/api"


def test_one_of_a_profile_is_used(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text(
        'active = "desk"\n[profiles.desk]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    )
    assert address(begin(PREFECT_HOME=str(tmp_path))) == "http://127.0.0.1:9/api"


def test_one_that_cannot_start_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    environ = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    environ |= {"ROLLFLOW_HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "flows.features"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("error: the private Prefect server does not start")
