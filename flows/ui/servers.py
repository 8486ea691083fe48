"""Private servers of the UIs, which end with the command, in whatever way it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flows.console import FAILED, Ended

_START_LIMIT, _STOP_LIMIT = 120.0, 10.0


@contextmanager
def mlflow_ui(store: str) -> Iterator[str]:
    """MLflow's UI on a store of this machine; its address.

    Raises:
        Ended: when it does not start.
    """
    address = f"http://127.0.0.1:{free_port()}"
    command = ["mlflow", "server", "--backend-store-uri", store, "--workers", "1", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.ui.servers", *command, "--port", address.rpartition(":")[2]],
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the command
    )
    try:
        _await(f"{address}/health", process)
        yield address
    finally:
        if process.stdin:
            process.stdin.close()  # see `main`
        process.wait()


def free_port() -> int:
    """A port of the loopback address that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers, without the proxy that the environment may name."""
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    limit = time.monotonic() + _START_LIMIT
    while time.monotonic() < limit and process.poll() is None:
        try:
            with ask(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise Ended("MLflow's UI does not start; 'mlflow ui' says why", FAILED)


def main(command: Sequence[str]) -> int:
    """Run a module with arguments, and end it with all its processes when stdin is closed; its exit status."""
    process = subprocess.Popen([sys.executable, "-m", *command], stdin=subprocess.DEVNULL, start_new_session=True)

    def end() -> None:
        sys.stdin.buffer.read()  # nothing is ever written: it is closed when the command ends
        _end(process)

    threading.Thread(target=end, daemon=True).start()
    return process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_STOP_LIMIT)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
