"""Prefect's server of a command for which none is configured: a process of its own, which ends with the command.

Prefect starts one by itself, too, but imports all of it in the command first, which takes seconds and memory.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.errors import InputError
from flows.console import FAILED, Ended

_ADDRESS = "PREFECT_API_URL"
NO_ANSWER = (
    f"the Prefect server of {_ADDRESS} does not answer; start it with 'prefect server start', or unset the "
    "variable for a private one"
)
#: Seconds in which it has to answer; on a slow machine its first start, which makes its database, takes many.
_START_LIMIT = 120.0
_STOP_LIMIT = 5.0
_ANSWER_LIMIT = 10.0


@dataclass(frozen=True)
class PrefectServer:
    """The server that a command reports to."""

    #: Address of a private one; None: the configured one, which is somebody else's concern.
    private: str | None

    @property
    def lasting_ui(self) -> str | None:
        """Address of its UI; None when it ends with the command."""
        return None if self.private else self.ui

    @property
    def ui(self) -> str:
        """Address of its UI."""
        from prefect.settings import get_current_settings

        return str(get_current_settings().ui_url)

    def wait(self) -> None:
        """Wait until a private server answers.

        Raises:
            Ended: when it does not.
        """
        import httpx

        if self.private:
            try:
                # What the environment says of proxies is not meant for this machine.
                httpx.get(f"{self.private}/health", timeout=_START_LIMIT, trust_env=False).raise_for_status()
            except httpx.HTTPError as error:
                raise Ended(f"the private Prefect server does not start: {error}", FAILED) from None


def check_configured() -> None:
    """Raise when the server does not answer that the environment names.

    Raises:
        InputError: saying what to do.
    """
    address = urlsplit(os.environ.get(_ADDRESS, ""))
    if not address.hostname:
        return
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname, port), timeout=_ANSWER_LIMIT).close()
    except (OSError, ValueError):
        raise InputError(NO_ANSWER) from None


def start_server(home: Path, meanwhile: Callable[[], object]) -> PrefectServer:
    """Let a private server begin to start, unless an address is configured, which becomes known `meanwhile`.

    Nothing may import Prefect before this returns: it would not see the address any more.

    Args:
        home: Folder of everything that is kept; a private server has its database below it, unless PREFECT_HOME
            names a place.
        meanwhile: What can be done while the server says whether one is configured.
    """
    if os.environ.get(_ADDRESS):
        meanwhile()
        return PrefectServer(None)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.server", str(listening.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environ(home, address),
            pass_fds=[listening.fileno()],
            start_new_session=True,  # Ctrl-C is for the command, which still has to tell the server about it
        )
    # Ends it after the threads that report to it have ended, for they were started later.
    atexit.register(_stop, process)
    meanwhile()
    if json.loads(_first_line(process) or b"false"):
        return PrefectServer(None)
    os.environ[_ADDRESS] = address
    return PrefectServer(address)


def _environ(home: Path, address: str) -> dict[str, str]:
    """The environment of a private server: its database below a folder, but profiles where they always are."""
    environ = {"PREFECT_UI_API_URL": address, **os.environ}
    if "PREFECT_HOME" not in environ:
        environ.setdefault("PREFECT_PROFILES_PATH", str(Path("~/.prefect/profiles.toml").expanduser()))
        environ["PREFECT_HOME"] = str(home / "prefect")
    return environ


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    if process.stdout is None:
        return b""
    with process.stdout as output:
        return output.readline()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    """Argument: the number of a listening socket. Says on stdout whether a server is configured; else is one."""
    from prefect.settings import PREFECT_API_URL

    configured = bool(PREFECT_API_URL.value())  # by a profile of Prefect's
    try:
        os.write(sys.stdout.fileno(), f"{json.dumps(configured)}\n".encode())
    except BrokenPipeError:  # the command was killed meanwhile
        return
    if not configured:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads on
        threading.Thread(target=_end_with_command, daemon=True).start()
        _serve(socket.socket(fileno=int(sys.argv[1])))


def _serve(listening: socket.socket) -> None:
    import uvicorn
    from filelock import FileLock, Timeout
    from prefect.server.api.server import create_app, create_ui_app

    api: Any = create_app(
        ephemeral=True, final=True
    )  # without the services of a server that stays, and without a UI
    pages: Any = create_ui_app(ephemeral=False)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        is_page = scope["type"] == "http" and not scope["path"].startswith("/api")
        await (pages if is_page else api)(scope, receive, send)

    # The first start makes the database, and two that make it at once fail.
    lock = FileLock(_database_folder() / "start.lock", timeout=_START_LIMIT / 2)
    with suppress(Timeout):  # one that takes so long hangs
        lock.acquire()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            try:
                await super().startup(sockets)
            finally:
                lock.release()

    Server(uvicorn.Config(app, log_level="error", lifespan="on")).run(sockets=[listening])


def _database_folder() -> Path:
    from prefect.settings import PREFECT_HOME

    folder = Path(PREFECT_HOME.value())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _end_with_command() -> None:
    """Nothing is ever written to stdin; it is closed when the command ends, in whatever way."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
