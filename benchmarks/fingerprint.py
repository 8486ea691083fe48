"""What it costs to know whether data has changed: fingerprints of all windows of a run, beside their features.

``python -m benchmarks.fingerprint [DATA] [--repeats N]`` where DATA is a Qlib folder with csi300. The windows are
those of the shipped LightGBM config, step 40. Each repeat opens the market afresh; compiled kernels are warm.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import DATA, LIGHTGBM_CONFIG
from components.config import read_config
from components.data import Fingerprints, open_market
from components.data.fingerprint import fingerprints
from components.features import MatrixStore
from components.features.kernels import warm_up
from components.rolling import build_matrices, plan_windows
from components.training import build_handler, data_view


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="a Qlib folder with csi300")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    warm_up()
    address = f"qlib:{args.data.resolve()}"
    windows = plan_windows(read_config(LIGHTGBM_CONFIG), open_market(address))
    features, cold, untouched = [], [], []
    for _ in range(args.repeats):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            build_matrices(windows, open_market(address), MatrixStore(Path(folder)))
            features.append(time.perf_counter() - start)
            market = open_market(address)
            views = [data_view(window.task, build_handler(window.task), market) for window in windows]
            start = time.perf_counter()
            fingerprints(market, views)
            cold.append(time.perf_counter() - start)
            Fingerprints(Path(folder)).of(market, views)
            start = time.perf_counter()
            Fingerprints(Path(folder)).of(market, views)
            untouched.append(time.perf_counter() - start)
    built, taken, known = map(statistics.median, (features, cold, untouched))
    print(f"{len(windows)} windows of csi300")
    print(f"  features                         {built:6.3f} s")
    print(f"  fingerprints, from all bars      {taken:6.3f} s   {taken / built:.1%} of the features")
    print(f"  fingerprints, files not touched  {known:6.3f} s   {known / built:.1%} of the features")


if __name__ == "__main__":
    main()
