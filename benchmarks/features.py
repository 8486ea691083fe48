"""How fast Alpha158 of CSI300 is loaded and processed: ours and, with --qlib, Qlib's with one and two processes.

``python -m benchmarks.features [DATA] [--qlib PYTHON] [--repeats N]`` where DATA is a Qlib folder and PYTHON has
pyqlib installed. Ours opens the market and builds the matrix in a fresh folder each time; compiled kernels are
warm, features are not. Peak memory is the largest resident set, of Qlib with its largest child; ours counts the
mapped matrix. Everything runs one after the other, so the ratios are of one machine at one time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import ask_peer, fresh_home
from components.data import open_market
from components.features import Alpha158, MatrixStore
from components.features.kernels import warm_up

_PERIOD = ("2010-01-01", "2020-08-01")
_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cn_csi300"


def build_once(data: Path) -> dict[str, float]:
    """In this process: seconds to load the kernels, then to open the market and build the matrix."""
    start = time.perf_counter()
    warm_up()
    warm = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        handler = Alpha158(
            instruments="csi300",
            start_time=_PERIOD[0],
            end_time=_PERIOD[1],
            fit_start_time=_PERIOD[0],
            fit_end_time=_PERIOD[1],
        )
        matrix = MatrixStore(Path(folder)).open(handler, open_market(f"qlib:{data}"))
        seconds = time.perf_counter() - warm
        rows, columns = len(matrix.infer()), matrix.infer().X.shape[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"kernels": warm - start, "seconds": seconds, "peak_mb": peak, "rows": rows, "columns": columns}


def in_child(command: list[str]) -> dict[str, Any]:
    """The JSON on the last line of a command's output."""
    with fresh_home() as home:
        env = os.environ | {"PYTHONPATH": os.getcwd(), "TQDM_DISABLE": "1"}
        output = subprocess.run(command, env=env, cwd=home, stdout=subprocess.PIPE, text=True, check=True).stdout
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def qlib(python: str, data: Path, kernels: int | None) -> dict[str, Any]:
    given = [str(data), json.dumps(_PERIOD), json.dumps(kernels)]
    with fresh_home() as home:
        answer: dict[str, Any] = ask_peer(python, "features_qlib.py", *given, home=Path(home))
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=_DATA, help="a Qlib folder with csi300")
    parser.add_argument("--qlib", metavar="PYTHON", help="an interpreter with pyqlib")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.once:
        print(json.dumps(build_once(args.data)))
        return
    warm_up()  # so that the first child finds compiled kernels
    command = [sys.executable, "-m", "benchmarks.features", str(args.data.resolve()), "--once"]
    ours = [in_child(command) for _ in range(args.repeats)]
    seconds = statistics.median(run["seconds"] for run in ours)
    peak = max(run["peak_mb"] for run in ours)
    print(
        f"Alpha158 of csi300, {_PERIOD[0]} to {_PERIOD[1]}: {ours[0]['rows']} rows, {ours[0]['columns']} features"
    )
    print(
        f"  ours                 {seconds:7.2f} s   {peak:5.0f} MB   (kernels loaded in {ours[0]['kernels']:.2f} s)"
    )
    for name, kernels in (("Qlib, its default", None), ("Qlib, two processes", 2)) if args.qlib else ():
        theirs = qlib(args.qlib, args.data.resolve(), kernels)
        ratios = (
            f"{theirs['seconds'] / seconds:.1f} times our time, {theirs['peak_mb'] / peak:.1f} times our memory"
        )
        print(f"  {name:20} {theirs['seconds']:7.2f} s   {theirs['peak_mb']:5.0f} MB   {ratios}")


if __name__ == "__main__":
    main()
