"""Running commands and telling what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The reference data beside the checkout, and the config that most of the larger benchmarks use.
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cn_csi300"
LIGHTGBM_CONFIG = Path(__file__).resolve().parents[1] / "flows" / "configs" / "lightgbm_alpha158.yaml"


@dataclass(frozen=True)
class Run:
    """A finished process."""

    seconds: float
    #: Largest resident set, in megabytes; mapped files count.
    peak_mb: float
    status: int


def measured(command: Sequence[str], home: Path, **environ: str) -> Run:
    """Run a command with its own home folder; its output goes to ours."""
    env = os.environ | {"ROLLFLOW_HOME": str(home), "PREFECT_HOME": str(home / "prefect"), **environ}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(time.perf_counter() - start, usage.ru_maxrss / 1000, process.returncode)


def rolling(*arguments: str, home: Path, **environ: str) -> tuple[Run, dict[str, Any]]:
    """`python -m flows.rolling` in a process of its own, and what it wrote with --json."""
    outcome = home / "outcome.json"
    command = [sys.executable, "-m", "flows.rolling", *arguments, "--json", str(outcome)]
    run = measured(command, home, **environ)
    return run, json.loads(outcome.read_text())


def ask_peer(python: str, script: str, *arguments: str, home: Path) -> Any:
    """The JSON on the last line of a script of this folder, which works in `home`; told in full only when it fails.

    Args:
        python: An interpreter that has pyqlib.
        script: Name of the script.
        arguments: Its arguments; paths have to be absolute.
        home: Its working folder.
    """
    quiet = {"MLFLOW_ALLOW_FILE_STORE": "true", "PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1"}
    command = [python, str(Path(__file__).with_name(script)), *arguments]
    ended = subprocess.run(command, env=os.environ | quiet, cwd=home, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{script} failed:\n{ended.stderr}")
    return json.loads(ended.stdout.splitlines()[-1])


def fresh_home() -> tempfile.TemporaryDirectory[str]:
    """A home folder to throw away."""
    return tempfile.TemporaryDirectory(prefix="rollflow-bench-")
