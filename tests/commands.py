"""Running the project's commands as a user does: real processes, a home folder of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml
from dataset_configs import dataset

TOP = Path(__file__).resolve().parents[1]

#: Four windows of a small demo market, with two features that are quick to make.
CONFIG: dict[str, Any] = {
    "data": "demo:?instruments=20&years=2",
    "experiment": "small",
    "task": {
        "model": {"class": "SlowModel", "module_path": "sample_models", "kwargs": {}},
        "dataset": dataset(
            "all",
            [["$close/Ref($close, 1)", "$volume/Mean($volume, 5)"], ["ROC", "VOL"]],
            [["Ref($close, -2)/Ref($close, -1) - 1"], ["LABEL0"]],
            train=["2015-02-02", "2015-12-31"],
            valid=["2016-01-04", "2016-03-31"],
            test=["2016-04-01", "2016-11-30"],
        ),
    },
    "rolling": {"step": 45},
}


@dataclass(frozen=True)
class Outcome:
    """What a finished command left."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """A place to run commands from."""

    home: Path
    environ: Mapping[str, str]

    def config(self, name: str = "run.yaml", **model: Any) -> Path:
        """The small config on disk, with these arguments of its model."""
        content = json.loads(json.dumps(CONFIG))
        content["task"]["model"]["kwargs"] = model
        path = self.home / name
        path.write_text(yaml.safe_dump(content))
        return path

    def start(self, module: str, *arguments: object) -> subprocess.Popen[str]:
        """Start ``python -m MODULE ARGUMENTS``."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            env=dict(self.environ),
            cwd=TOP,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, module: str, *arguments: object, timeout: float = 120) -> Outcome:
        """Run a command to its end."""
        return finish(self.start(module, *arguments), timeout)

    def rolling(self, config: Path, *options: object) -> dict[str, Any]:
        """A rolling run that must end well; what it wrote with --json."""
        outcome = self.run("flows.rolling", config, "--json", self.home / "outcome.json", *options)
        assert outcome.status == 0, outcome.err
        return self.outcome()

    def outcome(self) -> dict[str, Any]:
        """What the last rolling run wrote with --json."""
        content: dict[str, Any] = json.loads((self.home / "outcome.json").read_text())
        return content

    @property
    def log(self) -> Path:
        """Where `SlowModel` tells of its trainings."""
        return self.home / "trained.log"

    def trained(self) -> list[str]:
        """The windows whose training came to its end, in that order, each as often as it did."""
        return self.log.read_text().split() if self.log.exists() else []


def desk(home: Path, **environ: str) -> Desk:
    """A desk with a home of its own, which trusts the models of the tests."""
    own = {
        "ROLLFLOW_HOME": str(home / "rollflow"),
        "ROLLFLOW_TRUSTED_MODULES": "sample_models",
        # this checkout's code, also for the processes of a worker, which work in a folder of their own
        "PYTHONPATH": os.pathsep.join((str(TOP / "tests"), str(TOP))),
        "COLUMNS": "100",
    }
    return Desk(home, os.environ | own | environ)


def finish(process: subprocess.Popen[str], timeout: float = 120) -> Outcome:
    """Wait for a process; one that takes too long is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args} did not end in {timeout} s\n{out[-2000:]}\n{err[-2000:]}") from None
    return Outcome(process.returncode, out, err)


def wait_until(condition: Callable[[], bool], timeout: float = 120) -> None:
    """Wait for something to come true."""
    limit = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.05)


def stop(process: subprocess.Popen[str], number: int = signal.SIGINT, timeout: float = 60) -> Outcome:
    """Send a signal and wait for the end."""
    process.send_signal(number)
    return finish(process, timeout)


def kill_with_children(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it has started."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.communicate()
