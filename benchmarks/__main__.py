"""`python -m benchmarks`: every claim, one script after the other, so that they do not disturb each other."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import DATA, LIGHTGBM_CONFIG


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="a Qlib folder with the universe csi300, 2010-2020")
    parser.add_argument("--qlib", metavar="PYTHON", help="an interpreter with pyqlib, to measure beside")
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="NAME",
        help="windows, features, fingerprint, appended_day, online, pool, backtest, collect, rolling",
    )
    options = parser.parse_args()
    beside = ["--qlib", options.qlib] if options.qlib else []
    scripts: dict[str, list[str]] = {
        "windows": [],
        "pool": beside,
        "collect": beside,
    }
    if options.data.is_dir():
        scripts |= {
            "features": [str(options.data), *beside],
            "fingerprint": [str(options.data)],
            "appended_day": [str(options.data)],
            "online": [str(options.data), *beside],
            "backtest": ["--shared", str(options.data.resolve().parents[1]), *beside],
            "rolling": [str(LIGHTGBM_CONFIG), "--data", f"qlib:{options.data}", *beside],
        }
    else:
        print(
            f"{options.data} is not there; features, fingerprint, appended_day, online, backtest and rolling are "
            "left out",
            file=sys.stderr,
        )
    failed = 0
    for name, arguments in scripts.items():
        if options.only and name not in options.only:
            continue
        print(f"\n== {name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=False).returncode
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())
