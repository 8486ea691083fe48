"""Arguments of records, of the backtest and of its strategy."""

from __future__ import annotations

from typing import Any

from wrong_inputs.case import CONFIG, Case, changed, with_value, write_config

_SIGNAL, _ANALYSIS = CONFIG["task"]["record"]
_PORTFOLIO = {
    "strategy": {"class": "TopkDropoutStrategy", "kwargs": {"topk": 5, "n_drop": 1}},
    "backtest": {"account": 1e6, "benchmark": None, "exchange_kwargs": {"deal_price": "close"}},
}


def _record(record: Any, says: str) -> Case:
    return with_value("task.record", record, says)


def _analysis(says: str, **kwargs: Any) -> Case:
    return _record([_SIGNAL, {"class": "SigAnaRecord", "kwargs": kwargs}], says)


def _portfolio(path: str, value: Any, says: str) -> Case:
    kwargs = {"config": changed(path, value, _PORTFOLIO)}
    records = [_SIGNAL, {"class": "PortAnaRecord", "kwargs": kwargs}]
    return Case(
        name=f"PortAnaRecord {path}={value!r:.60}", says=says, prepare=write_config(changed("task.record", records))
    )


def _strategy(name: str, value: Any, says: str) -> Case:
    return _portfolio(f"strategy.kwargs.{name}", value, says)


def _exchange(name: str, value: Any, says: str) -> Case:
    return _portfolio(f"backtest.exchange_kwargs.{name}", value, says)


CASES = [
    _record(
        "SignalRecord", "task.record: expected a list of descriptions with class and kwargs, not 'SignalRecord'"
    ),
    _record(5, "task.record: expected a list of descriptions"),
    _record(["SignalRecord"], "task.record[0]: expected a class"),
    _record([5], "task.record[0]: expected a class"),
    _record([None], "task.record[0]: expected a class"),
    _record([{"kwargs": {}}], "task.record[0]: expected a class"),
    _record([_SIGNAL, {"class": "SigAnaRecrod"}], "did you mean 'SigAnaRecord'?"),
    _record([_SIGNAL, {"class": "MultiPassPortAnaRecord"}], "no class 'MultiPassPortAnaRecord'"),
    _record([_SIGNAL, {"class": "Draft"}], "Draft is not a Record"),
    _record([_SIGNAL, {"class": "Record"}], "Record is abstract"),
    _record([_SIGNAL, {"class": "ExperimentManager"}], "ExperimentManager is not a Record"),
    _record([_SIGNAL, {"class": "MyRecord", "module_path": "mypkg"}], "ROLLFLOW_TRUSTED_MODULES=mypkg"),
    _record([_ANALYSIS], "SigAnaRecord needs what SignalRecord writes; put SignalRecord before it"),
    _record([_ANALYSIS, _SIGNAL], "put SignalRecord before it"),
    _record([{"class": "PortAnaRecord"}], "PortAnaRecord needs what SignalRecord writes"),
    _record(
        [{"class": "SignalRecord", "kwargs": {"model": "<MODLE>", "dataset": "<DATASET>"}}, _ANALYSIS],
        "unknown placeholder '<MODLE>'; known are <MODEL>, <DATASET>, <PRED>",
    ),
    _record(
        [{"class": "SignalRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATA>"}}, _ANALYSIS],
        "unknown placeholder '<DATA>'",
    ),
    _record(
        [{"class": "SignalRecord", "kwargs": {"model": "LGBModel", "dataset": "<DATASET>"}}],
        "SignalRecord: model must be <MODEL>, not 'LGBModel'",
    ),
    _record(
        [{"class": "SignalRecord", "kwargs": {"model": "<DATASET>", "dataset": "<MODEL>"}}],
        "SignalRecord: model must be <MODEL>",
    ),
    _record([_SIGNAL, {"class": "SigAnaRecord", "kwargs": [1]}], "kwargs must be names and values"),
    _analysis("did you mean 'ann_scaler'?", ann_scaller=252),
    _analysis("ann_scaler must be a number above 0, not 'x'", ann_scaler="x"),
    _analysis("ann_scaler must be a number above 0, not 0", ann_scaler=0),
    _analysis("ann_scaler must be a number above 0, not -5", ann_scaler=-5),
    _analysis("ana_long_short must be true or false, not 'x'", ana_long_short="x"),
    _analysis("a run has one label, number 0", label_col=1),
    _portfolio("strategi", {}, "unknown key 'strategi' in config; did you mean 'strategy'?"),
    _portfolio("strategy", 5, "expected a description with 'class'"),
    _portfolio("strategy", "TopkDropoutStrategy", "expected a description with 'class'"),
    _portfolio("strategy.class", "TopkStrategy", "no class 'TopkStrategy'"),
    _portfolio("strategy.class", "Exchange", "Exchange is not a TopkDropoutStrategy"),
    _portfolio("strategy.kwargs", 5, "strategy"),
    _portfolio("strategy.module_path", "qlib.contrib.strategy.optimizer", "has no counterpart here"),
    _portfolio("strategy.module_path", "mypkg", "ROLLFLOW_TRUSTED_MODULES=mypkg"),
    _strategy("topk", 0, "topk must be a whole number of at least 1, not 0"),
    _strategy("topk", "five", "topk must be a whole number of at least 1, not 'five'"),
    _strategy("topk", 2.5, "topk must be a whole number of at least 1, not 2.5"),
    _strategy("n_drop", -1, "n_drop must be a whole number of at least 0, not -1"),
    _strategy("n_drops", 1, "did you mean 'n_drop'?"),
    _strategy("hold_thresh", None, "hold_thresh must be a whole number"),
    _strategy("risk_degree", 1.5, "risk_degree must be above 0 and at most 1"),
    _strategy("risk_degree", True, "risk_degree must be above 0 and at most 1, not True"),
    _strategy("method_buy", "random", "method_buy='random' is not supported"),
    _strategy("method_sell", "random", "method_sell='random' is not supported"),
    _strategy("only_tradable", "yes", "only_tradable must be true or false, not 'yes'"),
    _strategy("forbid_all_trade_at_limit", 1, "forbid_all_trade_at_limit must be true or false, not 1"),
    _strategy("signal", "close", "signal must be <PRED>"),
    _strategy("signal", "<PREDS>", "unknown placeholder '<PREDS>'"),
    _portfolio("backtest", 5, "config.backtest must be a section"),
    _portfolio("backtest.acount", 1, "did you mean 'account'?"),
    _portfolio("backtest.account", 0, "account: expected an amount of money above 0, not 0"),
    _portfolio("backtest.account", "rich", "account: expected an amount of money above 0, not 'rich'"),
    _portfolio("backtest.account", True, "account: expected an amount of money above 0, not True"),
    _portfolio("backtest.benchmark", "SH000300", "benchmark"),
    _portfolio("backtest.benchmark", ["DEMO001", "NONE"], "no instrument 'NONE'"),
    _portfolio("backtest.benchmark", 5, "benchmark"),
    _portfolio("backtest.benchmark", [], "benchmark"),
    _portfolio("backtest.start_time", "2016-4-1", "not a date: '2016-4-1'"),
    _portfolio("backtest.end_time", "soon", "not a date: 'soon'"),
    _portfolio("backtest.start_time", "2030-01-01", "no trading day between 2030-01-01"),
    _portfolio("backtest.end_time", "2015-12-31", "config.backtest"),
    _portfolio("backtest.exchange_kwargs", 5, "exchange_kwargs"),
    _exchange("deal_prices", "close", "did you mean 'deal_price'?"),
    _exchange("deal_price", "clos", "no field $clos"),
    _exchange("deal_price", "Ref($close", "not an expression"),
    _exchange("deal_price", 5, "deal_price: expected a field or two, not 5"),
    _exchange("deal_price", ["open"], "deal_price: expected a field or two"),
    _exchange("open_cost", -1, "open_cost: expected a number of at least 0, not -1"),
    _exchange("open_cost", "x", "open_cost: expected a number of at least 0, not 'x'"),
    _exchange("min_cost", None, "min_cost: expected a number of at least 0, not None"),
    _exchange("trade_unit", 0, "trade_unit: expected a number above 0 or None, not 0"),
    _exchange("limit_threshold", 0, "limit_threshold: expected a fraction"),
    _exchange("limit_threshold", "x", "limit_threshold: expected a fraction"),
    _exchange("limit_threshold", ["$close >", "$close"], "not an expression"),
    _exchange("freq", "1min", "only 'day' is supported, not '1min'"),
    _exchange("impact_cost", 0.1, "only 0 is supported, not 0.1"),
    _portfolio("executor", 5, "config.executor"),
    _portfolio("executor", {"class": "NestedExecutor"}, "the executor can only be SimulatorExecutor"),
    _portfolio(
        "executor", {"class": "SimulatorExecutor", "kwargs": {"time_per_step": "30min"}}, "'30min' is not supported"
    ),
    _portfolio(
        "executor", {"class": "SimulatorExecutor", "kwargs": [1]}, "config.executor.kwargs must be a section"
    ),
    _record([_SIGNAL, {"class": "PortAnaRecord", "kwargs": {"config": 5}}], "config must be a section"),
    _record(
        [_SIGNAL, {"class": "PortAnaRecord", "kwargs": {"risk_analysis_freq": "week"}}],
        "can only be 'day', not 'week'",
    ),
    _record([_SIGNAL, {"class": "PortAnaRecord", "kwargs": {"risk_analysis_freq": 5}}], "risk_analysis_freq"),
    _record(
        [
            _SIGNAL,
            {"class": "PortAnaRecord", "kwargs": {"config": _PORTFOLIO, "indicator_analysis_method": "median"}},
        ],
        "indicator_analysis_method: unknown method 'median'",
    ),
    _record([_SIGNAL, {"class": "PortAnaRecord"}], "no instrument 'SH000300'"),
]
