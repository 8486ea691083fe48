"""What one more day of data costs: the matrix of Alpha158 of CSI300 grows by ten days, one after the other.

``python -m benchmarks.appended_day [DATA] [--days N]`` where DATA is a Qlib folder with csi300. A copy of it is cut
and gets its last days back. A day counts from a market that is open to a matrix that has the day: fingerprint
of all bars, features, and all of it on the disk; at most 100 ms. What it takes to open the market stands beside.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.measuring import DATA, fresh_home
from components.data import Fingerprints, open_market
from components.features import Alpha158, MatrixStore
from components.features.kernels import warm_up

#: Milliseconds that a day may take.
_LIMIT = 100


class CutFolder:
    """A copy of a Qlib folder that ends earlier."""

    def __init__(self, data: Path, copy: Path) -> None:
        shutil.copytree(data / "instruments", copy / "instruments")
        self._copy = copy
        self._days = (data / "calendars" / "day.txt").read_text().split()
        (copy / "calendars").mkdir()
        self._bins = {}
        for file in data.glob("features/*/*.day.bin"):
            (target := copy / file.relative_to(data)).parent.mkdir(parents=True, exist_ok=True)
            self._bins[target] = np.fromfile(file, dtype="<f4")

    def end(self, days: int) -> None:
        """Let it end so many days before the original does."""
        left = len(self._days) - days
        for file, values in self._bins.items():
            values[: max(left - int(values[0]), 0) + 1].tofile(file)
        (self._copy / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in self._days[:left]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="a Qlib folder with csi300")
    parser.add_argument("--days", type=int, default=10)
    args = parser.parse_args()
    warm_up()
    handler = Alpha158(instruments="csi300", start_time="2010-01-01")
    opening, growing = [], []
    with fresh_home() as home:
        folder = CutFolder(args.data, Path(home) / "data")
        store = MatrixStore(Path(home) / "matrices", fingerprints=Fingerprints(Path(home) / "fingerprints"))
        for left in range(args.days, -1, -1):
            folder.end(left)
            start = time.perf_counter()
            market = open_market(f"qlib:{home}/data")
            opened = time.perf_counter()
            matrix = store.open(handler, market)
            growing.append(time.perf_counter() - opened)
            opening.append(opened - start)
    built, *days = growing
    median = 1000 * statistics.median(days)
    print(f"Alpha158 of csi300, {len(matrix):,} rows after {len(days)} appended days")
    print(f"  built at once   {1000 * built:7.0f} ms")
    print(f"  one more day    {median:7.0f} ms   {median / _LIMIT:.2f} of its limit, {_LIMIT} ms")
    print(f"  each            {' '.join(f'{1000 * day:.0f}' for day in days)} ms")
    print(f"  opening before  {1000 * statistics.median(opening[1:]):7.0f} ms")


if __name__ == "__main__":
    main()
