"""The peer's half of `benchmarks.backtest`, run by an interpreter that has pyqlib and none of our code."""

import json
import sys
import time

import pandas as pd
import qlib
from qlib.backtest import get_strategy_executor
from qlib.backtest.backtest import backtest_loop


def main(data, signal, period, strategy, exchange, repeats):
    qlib.init(provider_uri=data, region="cn", logging_level=40)
    score = pd.read_parquet(signal).set_index(["datetime", "instrument"])["score"]
    start, end = json.loads(period)
    runs = []
    for _ in range(int(repeats)):
        begin = time.perf_counter()
        made = get_strategy_executor(
            start,
            end,
            {
                "class": "TopkDropoutStrategy",
                "module_path": "qlib.contrib.strategy",
                "kwargs": {"signal": score, **json.loads(strategy)},
            },
            {
                "class": "SimulatorExecutor",
                "module_path": "qlib.backtest.executor",
                "kwargs": {"time_per_step": "day", "generate_portfolio_metrics": True},
            },
            account=1e8,
            exchange_kwargs=json.loads(exchange),
        )
        loaded = time.perf_counter()
        portfolio, _ = backtest_loop(start, end, *made)
        traded = time.perf_counter()
        account = portfolio["1day"][0]["account"].iloc[-1]
        runs.append({"load": loaded - begin, "trade": traded - loaded, "account": account})
    print(json.dumps(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
