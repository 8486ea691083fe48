"""How fast a backtest is: ours and, with --qlib, Qlib's, of the same signal on the same bars.

``python -m benchmarks.backtest [--shared FOLDER] [--qlib PYTHON] [--repeats N]`` where PYTHON has pyqlib installed.
Ours counts everything that `backtest` does, with the quotes read from disk; of Qlib's, loading the quotes is told
apart and not compared. It fails when the two do not end with the same money.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.measuring import ask_peer, fresh_home
from components.backtest import TopkDropoutStrategy, backtest
from components.data import Market, open_market

_PERIOD = ("2017-01-01", "2018-12-31")
_STRATEGY = {"topk": 50, "n_drop": 5}
_EXCHANGE = {"deal_price": "close", "open_cost": 0.0005, "close_cost": 0.0015, "min_cost": 5}
_SHARED = Path(__file__).resolve().parents[2] / "shared"


def ours(market: Market, signal: Path) -> dict[str, float]:
    score = pd.read_parquet(signal).set_index(["datetime", "instrument"])["score"]
    start = time.perf_counter()
    result = backtest(
        score,
        market,
        strategy=TopkDropoutStrategy(**_STRATEGY),
        start_time=_PERIOD[0],
        end_time=_PERIOD[1],
        exchange_kwargs=_EXCHANGE,
    )
    return {"trade": time.perf_counter() - start, "account": result.report["account"].iloc[-1]}


def qlib(python: str, data: Path, signal: Path, repeats: int) -> list[dict[str, float]]:
    given = [json.dumps(value) for value in (_PERIOD, _STRATEGY, _EXCHANGE, repeats)]
    with fresh_home() as home:
        runs: list[dict[str, float]] = ask_peer(
            python, "backtest_qlib.py", str(data), str(signal), *given, home=Path(home)
        )
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=_SHARED, help="folder with data/ and goldens/")
    parser.add_argument("--qlib", metavar="PYTHON", help="an interpreter with pyqlib")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    data, signal = options.shared / "data" / "cn_csi300", options.shared / "goldens" / "signal.parquet"

    market = open_market(f"qlib:{data}")
    first, *rest = [ours(market, signal) for _ in range(options.repeats + 1)]
    mine = _median(rest, "trade")
    print(f"ours   {mine:7.3f} s, quotes read from disk ({first['trade']:.3f} s the first time, kernels compiled)")
    if options.qlib:
        runs = qlib(options.qlib, data, signal, options.repeats)
        theirs = _median(runs, "trade")
        print(f"qlib   {theirs:7.3f} s, and {_median(runs, 'load'):.3f} s before to load the quotes")
        print(f"faster {theirs / mine:7.1f} times")
        assert abs(first["account"] / runs[0]["account"] - 1) < 1e-9, (first, runs[0])


def _median(runs: list[dict[str, Any]], name: str) -> float:
    return statistics.median(run[name] for run in runs)


if __name__ == "__main__":
    main()
