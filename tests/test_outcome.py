"""How a command that trains begins and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from flows.stopping import run_or_stop

# Opens the store as a command does, and tells how far Prefect's own classes for its database are by then.
OPENING = """
import sys, threading
from flows.outcome import run_to_its_end

class Services:
    def warm_up(self):
        server = sys.modules.get("prefect.server.api.server")
        print("imported" if server and not server.__spec__._initializing else "half imported")

class Result:
    def to_document(self): return {}

run_to_its_end(lambda: Result(), {}, Services(), lambda result: None, None)
[thread.join() for thread in threading.enumerate() if thread.name == "get-ready"]
"""


def test_mlflow_meets_no_half_imported_prefect_server() -> None:
    environ = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    ran = subprocess.run(
        [sys.executable, "-c", OPENING], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.stdout == "imported\n", ran.stderr


def test_what_trains_already_is_stopped_when_the_rest_cannot_be_begun() -> None:
    def begin() -> Iterator[str]:
        yield "first"
        raise KeyboardInterrupt

    stopped: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_or_stop(begin, lambda _: None, stopped.extend)
    assert stopped == ["first"]
