"""Commands in forks of a process that has imported everything: quick, and otherwise as a user runs them."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

TOP = Path(__file__).resolve().parents[2]
#: Seconds after which a command is taken to hang.
LIMIT = 5.0
_IMPORTED = (
    "components.backtest",
    "components.config",
    "components.data.demo",
    "components.data.qlib_folder",
    "components.data.tables",
    "components.features.kernels.scatter",
    "components.features.kernels.sums",
    "components.pool.mongod.embedded",
    "components.rolling",
    "components.tracking",
    "flows.rolling.check",
    "flows.opening",
    "lightgbm",
    "pyarrow.compute",
    "sklearn.linear_model",
    "sqlalchemy.dialects.mssql",
    "sqlalchemy.dialects.mysql",
    "sqlalchemy.dialects.postgresql",
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    #: None: it did not end in time, and was killed.
    status: int | None
    out: str
    err: str


class Forks:
    """The process that forks, as long as the block lasts."""

    def __enter__(self) -> Forks:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wrong_inputs.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=TOP,
            env=os.environ | {"PYTHONPATH": str(TOP / "tests"), "OPENBLAS_NUM_THREADS": "1"},
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(30)

    def run(self, module: str, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Outcome:
        """Run ``python -m MODULE ARGUMENTS`` in a folder, with only this environment."""
        order = {"module": module, "arguments": list(arguments), "folder": str(folder), "environ": dict(environ)}
        self._process.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        return Outcome(**json.loads(self._process.stdout.readline()))  # type: ignore[union-attr]


def _serve() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        files = [Path(order["folder"]).with_suffix(suffix) for suffix in (".out", ".err")]
        child = os.fork()
        if not child:
            _run(order, files)
        status = _wait(child)
        out, err = (file.read_text("utf-8", "replace") for file in files)
        print(json.dumps({"status": status, "out": out, "err": err}), flush=True)  # noqa: T201


def _wait(child: int) -> int | None:
    limit = time.monotonic() + LIMIT
    while time.monotonic() < limit:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _run(order: dict[str, Any], files: Sequence[Path]) -> NoReturn:
    status: Any = 1
    try:
        os.setsid()
        for number, file in zip((1, 2), files, strict=True):
            os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(order["environ"])
        os.chdir(order["folder"])
        sys.path[:0] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        sys.argv = [order["module"], *order["arguments"]]
        runpy.run_module(order["module"], run_name="__main__")
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


if __name__ == "__main__":
    _serve()
