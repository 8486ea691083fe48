"""The record of a backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from components.backtest import backtest, indicator_analysis, risk_analysis
from components.backtest.analysis import check_method
from components.backtest.arguments import check_arguments
from components.backtest.description import DEFAULT_EXCHANGE, DEFAULT_STRATEGY, read_strategy
from components.data import Market
from components.errors import InputError, nearest
from components.formats.objects import save_json
from components.formats.tables import save_table
from components.records.record import ArtifactFolder, Record

_DEFAULT_BACKTEST = {"account": 1e8, "benchmark": "SH000300", "exchange_kwargs": DEFAULT_EXCHANGE}
_SECTIONS = ("strategy", "backtest", "executor")
_BACKTEST_KEYS = ("start_time", "end_time", "account", "benchmark", "exchange_kwargs")
_EXECUTOR = {"time_per_step": ("day", "1day"), "generate_portfolio_metrics": (True,)}
#: The one frequency, as it stands before Qlib's metric names.
_FREQ = "1day"


class PortAnaRecord(Record):
    """A backtest of the run's prediction.

    Writes ``report.parquet``, ``positions.parquet`` and ``indicators.parquet`` (see `BacktestResult`), and
    ``port_analysis.json``: the figures of excess return without and with cost, of the benchmark and of the orders.

    Args:
        config: Qlib's sections ``strategy``, ``backtest`` and ``executor`` (a daily ``SimulatorExecutor`` is the
            only one); None: Qlib's defaults. Without start and end: from the first day with scores to the day after
            the last.
        risk_analysis_freq: Only ``day``.
        indicator_analysis_freq: Only ``day``.
        indicator_analysis_method: How days are weighted, see `indicator_analysis`; None: ``mean``.
        market: Where prices come from.

    Raises:
        InputError: for an unknown key or a value that is not supported.
    """

    whole_period = True

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        risk_analysis_freq: str | Sequence[str] | None = None,
        indicator_analysis_freq: str | Sequence[str] | None = None,
        indicator_analysis_method: str | None = None,
        market: Market | None = None,
    ) -> None:
        config = {} if config is None else config
        _check_keys("config", config, _SECTIONS)
        _check_freq("risk_analysis_freq", risk_analysis_freq)
        _check_freq("indicator_analysis_freq", indicator_analysis_freq)
        _check_executor(config.get("executor"))
        self.backtest = config.get("backtest", _DEFAULT_BACKTEST)
        _check_keys("config.backtest", self.backtest, _BACKTEST_KEYS)
        check_arguments(market, **self.backtest)
        self.strategy = read_strategy(config.get("strategy", DEFAULT_STRATEGY))
        self.indicator_method = check_method(indicator_analysis_method or "mean")
        self.market = market

    def generate(self, artifacts: ArtifactFolder) -> Mapping[str, float]:
        """Trade on ``pred.parquet``.

        Returns:
            Qlib's names, such as ``1day.excess_return_without_cost.annualized_return`` and ``1day.ffr``.

        Raises:
            RecordInputMissing: when no `SignalRecord` was written before.
            InputError: without a market, or when the market lacks what the config names.
        """
        prediction, _ = artifacts.signal()
        if self.market is None:
            raise InputError("PortAnaRecord: there are no prices to trade at; pass market=open_market(...)")
        result = backtest(prediction, self.market, strategy=self.strategy, **self.backtest)
        save_table(result.report, artifacts.folder / "report.parquet")
        save_table(result.positions.set_index(["datetime", "instrument"]), artifacts.folder / "positions.parquet")
        save_table(result.indicators, artifacts.folder / "indicators.parquet")
        risk = result.analysis["risk"]
        returns = {name: _figures(risk[name]) for name in risk.index.unique(level=0)}
        orders = _figures(indicator_analysis(result.indicators, self.indicator_method)["value"])
        bench = _figures(risk_analysis(result.report["bench"])["risk"])
        save_json({**returns, "benchmark": bench, "indicators": orders}, artifacts.folder / "port_analysis.json")
        flat = {f"{name}.{figure}": value for name, part in returns.items() for figure, value in part.items()}
        return {f"{_FREQ}.{name}": value for name, value in (flat | orders).items()}


def _check_keys(where: str, config: object, known: Sequence[str]) -> None:
    if not isinstance(config, Mapping):
        raise InputError(f"PortAnaRecord: {where} must be a section with {', '.join(known)}, not {config!r:.80}")
    for key in config:
        if key not in known:
            hint = nearest(key, known) or f"; known are {', '.join(known)}"
            raise InputError(f"PortAnaRecord: unknown key {key!r} in {where}{hint}")


def _check_freq(name: str, freq: str | Sequence[str] | None) -> None:
    for item in freq if isinstance(freq, list | tuple) else [] if freq is None else [freq]:
        if item not in ("day", _FREQ):
            raise InputError(f"PortAnaRecord: {name} can only be 'day', not {item!r}")


def _check_executor(config: Any) -> None:
    if config is None:
        return
    if not isinstance(config, Mapping):
        raise InputError(f"PortAnaRecord: config.executor must be a description with 'class', not {config!r:.80}")
    if config.get("class") != "SimulatorExecutor":
        raise InputError(f"PortAnaRecord: the executor can only be SimulatorExecutor, not {config.get('class')!r}")
    kwargs = config.get("kwargs") or {}
    _check_keys("config.executor.kwargs", kwargs, tuple(_EXECUTOR))
    for key, value in kwargs.items():
        if isinstance(value, list | dict) or value not in _EXECUTOR[key]:
            raise InputError(f"PortAnaRecord: config.executor.kwargs.{key}={value!r} is not supported")


def _figures(values: pd.Series) -> dict[str, float]:
    return {str(name): float(value) for name, value in values.items()}
