"""The record of a backtest: Qlib's config in, tables and metrics with Qlib's names out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.backtest import TopkDropoutStrategy, backtest
from components.data import Market, open_market
from components.errors import InputError
from components.records.portfolio import PortAnaRecord
from components.records.record import ArtifactFolder, RecordInputMissing

CONFIG: dict[str, Any] = {
    "strategy": {
        "class": "TopkDropoutStrategy",
        "module_path": "qlib.contrib.strategy",
        "kwargs": {"signal": "<PRED>", "topk": 5, "n_drop": 1},
    },
    "executor": {
        "class": "SimulatorExecutor",
        "module_path": "qlib.backtest.executor",
        "kwargs": {"time_per_step": "day", "generate_portfolio_metrics": True},
    },
    "backtest": {
        "start_time": "2015-03-02",
        "end_time": None,
        "account": 1e6,
        "benchmark": "DEMO000",
        "exchange_kwargs": {"limit_threshold": 0.095, "deal_price": "close", "open_cost": 0.0005},
    },
}


@pytest.fixture(scope="module")
def demo() -> Market:
    return open_market("demo:?instruments=20&years=1")


@pytest.fixture
def signal(demo: Market, tmp_path: Path) -> pd.Series:
    days = pd.DatetimeIndex(demo.calendar.days[40:60].astype("datetime64[ns]"))
    index = pd.MultiIndex.from_product([days, demo.instruments[1:]], names=["datetime", "instrument"])
    scores = pd.Series(np.random.default_rng(1).normal(size=len(index)), index=index, name="score")
    ArtifactFolder(tmp_path).write_signal(scores, scores)
    return scores


def test_it_writes_what_the_backtest_gives(demo: Market, tmp_path: Path, signal: pd.Series) -> None:
    metrics = PortAnaRecord(config=CONFIG, risk_analysis_freq="day", market=demo).generate(ArtifactFolder(tmp_path))

    strategy = TopkDropoutStrategy(topk=5, n_drop=1)
    expected = backtest(signal, demo, strategy=strategy, **CONFIG["backtest"])
    report = pd.read_parquet(tmp_path / "report.parquet").set_index("datetime")
    pd.testing.assert_frame_equal(report, expected.report, check_index_type=False)
    positions = pd.read_parquet(tmp_path / "positions.parquet")
    pd.testing.assert_frame_equal(positions, expected.positions, check_dtype=False)
    indicators = pd.read_parquet(tmp_path / "indicators.parquet").set_index("datetime")
    pd.testing.assert_frame_equal(indicators, expected.indicators, check_index_type=False)

    analysis = json.loads((tmp_path / "port_analysis.json").read_text())
    names = ["excess_return_with_cost", "excess_return_without_cost"]
    assert sorted(analysis) == ["benchmark", *names, "indicators"]
    figures = ["mean", "std", "annualized_return", "information_ratio", "max_drawdown"]
    assert sorted(metrics) == sorted(
        [*(f"1day.{name}.{figure}" for name in names for figure in figures), "1day.ffr", "1day.pa", "1day.pos"]
    )
    for name in names:
        assert {figure: metrics[f"1day.{name}.{figure}"] for figure in figures} == analysis[name]
        assert analysis[name] == expected.analysis["risk"][name].to_dict()


@pytest.mark.usefixtures("signal")
def test_the_default_is_that_of_qlib(demo: Market, tmp_path: Path) -> None:
    config = {"backtest": {"benchmark": "DEMO000"}}
    PortAnaRecord(config, market=demo).generate(ArtifactFolder(tmp_path))
    assert len(pd.read_parquet(tmp_path / "report.parquet")) == 21  # a day more than the signal
    with pytest.raises(InputError, match="no instrument 'SH000300'"):
        PortAnaRecord(market=demo).generate(ArtifactFolder(tmp_path))


def test_a_missing_signal_or_market_is_an_error(
    demo: Market, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(RecordInputMissing, match="put SignalRecord first"):
        PortAnaRecord(CONFIG, market=demo).generate(ArtifactFolder(tmp_path))
    request.getfixturevalue("signal")
    with pytest.raises(InputError, match="there are no prices to trade at"):
        PortAnaRecord(CONFIG).generate(ArtifactFolder(tmp_path))


def changed(section: str, **values: Any) -> dict[str, Any]:
    return {**CONFIG, section: {**CONFIG[section], **values}}


@pytest.mark.parametrize("signal", [None, "<PRED>", ["model", "dataset"]])
def test_however_the_signal_is_described_it_is_the_prediction(signal: object) -> None:
    record = PortAnaRecord(changed("strategy", kwargs={"signal": signal, "topk": 5, "n_drop": 1}))
    assert record.strategy == TopkDropoutStrategy(topk=5, n_drop=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": {"strategie": {}}}, "unknown key 'strategie' in config; did you mean 'strategy'"),
        ({"config": changed("backtest", benchmarks="X")}, "unknown key 'benchmarks' in config.backtest; did you"),
        ({"config": {"backtest": None}}, "config.backtest must be a section"),
        ({"config": changed("strategy", kwargs={"topk": 5, "ndrop": 1})}, "did you mean 'n_drop'"),
        (
            {"config": changed("strategy", kwargs={"signal": "x.pkl", "topk": 5, "n_drop": 1})},
            "signal must be <PRED>",
        ),
        (
            {"config": changed("strategy", **{"class": "Exchange", "kwargs": {}})},
            "Exchange is not a TopkDropoutStrategy",
        ),
        ({"config": changed("executor", **{"class": "NestedExecutor"})}, "can only be SimulatorExecutor"),
        (
            {"config": changed("executor", kwargs={"time_per_step": "30min"})},
            "time_per_step='30min' is not supported",
        ),
        ({"risk_analysis_freq": ["day", "week"]}, "risk_analysis_freq can only be 'day', not 'week'"),
    ],
)
def test_wrong_config(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PortAnaRecord(**arguments)
