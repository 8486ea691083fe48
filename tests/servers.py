"""Real servers that tests start, kill and start again, and what Prefect's says of flow runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
from commands import wait_until


class Server:
    """``python -m COMMAND`` on a port of its own, which stays the same when it is started again.

    Args:
        home: Folder of its log.
        command: Without host and port.
        health: Path of a page that answers when it is up.
        environ: Variables of its environment.
    """

    def __init__(self, home: Path, *command: str, health: str, **environ: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", *command, "--host", "127.0.0.1", "--port", str(port)]
        self._log = home / "server.log"
        self._health = f"{self.url}/{health}"
        self.environ = os.environ | environ

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                self._command, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self.answers, timeout=120)

    def kill(self) -> None:
        """End it and all its processes at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            with urllib.request.urlopen(self._health, timeout=2) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False


def prefect_server(home: Path) -> Server:
    """A Prefect server with a database of its own; its API is below ``/api``."""
    environ = {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    server = Server(home, "prefect", "server", "start", health="api/health", **environ)
    server.environ["PREFECT_UI_API_URL"] = f"{server.url}/api"  # its pages ask port 4200 otherwise
    return server


def ask(method: str, url: str, **options: Any) -> httpx.Response:
    """A request to Prefect's API, made again while the server is too busy, as Prefect's own client does."""
    for _ in range(60):
        reply = httpx.request(method, url, timeout=20, **options)
        if reply.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(0.5)
    return reply


def flow_runs(api: str, **criteria: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Flow runs that meet Prefect's criteria, the newest first."""
    body = {"flow_runs": criteria, "sort": "EXPECTED_START_TIME_DESC"}
    found: list[dict[str, Any]] = ask("POST", f"{api}/flow_runs/filter", json=body).json()
    return found


def node_states(api: str, flow_run: str) -> dict[str, list[tuple[str, str, str]]]:
    """Type, name and message of the states that each node of a flow run went through, by the name of the node."""
    body = {"flow_runs": {"id": {"any_": [flow_run]}}}
    nodes = ask("POST", f"{api}/task_runs/filter", json=body).json()
    return {
        node["name"]: [
            (state["type"], state["name"], state["message"] or "")
            for state in ask("GET", f"{api}/task_run_states/", params={"task_run_id": node["id"]}).json()
        ]
        for node in nodes
    }


def cancel(api: str, flow_run: str) -> None:
    """What the button in Prefect's UI does."""
    body = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    ask("POST", f"{api}/flow_runs/{flow_run}/set_state", json=body).raise_for_status()
