"""The demo market: always the same, shaped like a real one, and its signal can be learnt."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from components.data import Market, open_market
from components.errors import InputError
from components.features import Alpha158, MatrixStore


@pytest.fixture(scope="module")
def market() -> Market:
    return open_market("demo:")


def test_options(market: Market) -> None:
    assert market.uri == "demo:?instruments=100&seed=7&years=6"
    assert len(market.instruments) == 101
    assert (str(market.calendar.first), str(market.calendar.last)) == ("2015-01-02", "2020-12-31")
    small = open_market("demo:?years=1&seed=1&instruments=12")
    assert (len(small.instruments), str(small.calendar.last)) == (13, "2015-12-31")


def test_the_same_seed_gives_the_same_market(market: Market) -> None:
    assert open_market(market.uri).version == market.version
    assert open_market("demo:?seed=8").version != market.version


def test_another_regime_changes_nothing_before_its_day(market: Market) -> None:
    changed = open_market("demo:?regime=2019-06-01")  # a Saturday: from Monday on
    assert changed.uri == "demo:?instruments=100&regime=2019-06-01&seed=7&years=6"
    assert open_market(changed.uri).version == changed.version != market.version
    position = market.calendar.at_or_after("2019-06-03")
    for field in market.fields:
        before, after = (each.panel(field, market.instruments) for each in (market, changed))
        assert before[:, :position].tobytes() == after[:, :position].tobytes(), field
        assert np.array_equal(np.isnan(before), np.isnan(after)), field
    close = [each.panel("close", market.instruments)[1:] for each in (market, changed)]
    assert (close[0][:, position] != close[1][:, position])[~np.isnan(close[0][:, position])].all()


def test_what_foretold_a_rise_foretells_a_fall_in_another_regime() -> None:
    market = open_market("demo:?regime=2018-01-02")
    close, low, high = (market.panel(field, market.instruments)[1:] for field in ("close", "low", "high"))
    place = (close - low) / (high - low)
    later = close[:, 2:] / close[:, 1:-1] - 1
    frame = pd.DataFrame({"place": place[:, :-2].T.ravel(), "later": later.T.ravel()})
    daily = frame.groupby(np.repeat(np.arange(later.shape[1]), len(close))).corr().xs("place", level=1)["later"]
    position = market.calendar.at_or_after("2018-01-02")
    assert daily[: position - 2].mean() < -0.03
    assert daily[position:].mean() > 0.02
    assert np.nanmean(place[:, :position]) > 0.49 > 0.45 > np.nanmean(place[:, position:])


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("demo:?sed=1", "no option 'sed'; did you mean 'seed'"),
        ("demo:?seed=x", "seed must be a whole number from 0"),
        ("demo:?years=0", "years must be a whole number from 1 to 30, not '0'"),
        ("demo:?", ""),
        ("demo:7", "no option '7'"),
        ("demo:?regime=June", "regime must be a date after 2015-01-02 and up to 2020-12-31, not 'June'"),
        ("demo:?regime=20190603", "regime must be a date after"),
        ("demo:?regime=2019-W23-1", "regime must be a date after"),
        ("demo:?regime=", "regime must be a date after"),
        ("demo:?regime=2019-02-29", "regime must be a date after"),
        ("demo:?regime=2015-01-02", "regime must be a date after"),
        ("demo:?regime=2016-01-04&years=1", "after 2015-01-02 and up to 2015-12-31, not '2016-01-04'"),
        ("demo:?regime=2019-06-03&regime=2019-06-04", "the option 'regime' is there twice"),
    ],
)
def test_wrong_options(uri: str, message: str) -> None:
    if not message:
        open_market(uri)
        return
    with pytest.raises(InputError, match=message):
        open_market(uri)


def test_bars_are_consistent(market: Market) -> None:
    bars = {field: market.panel(field, market.instruments) for field in market.fields}
    traded = ~np.isnan(bars["close"])
    for field, values in bars.items():
        assert (np.isnan(values) == ~traded).all(), field
        assert (values[traded] > 0).all(), field
    for field in ("open", "close", "vwap"):
        assert (bars["low"][traded] <= bars[field][traded]).all()
        assert (bars[field][traded] <= bars["high"][traded]).all()
    first, last = market.data_range(market.instruments)
    assert 5 < (first > 0).sum() < 30  # listed later
    assert 3 < (last < len(market.calendar) - 1).sum() < 25  # delisted
    gaps = [np.isnan(bars["close"][place, first[place] : last[place] + 1]).mean() for place in range(1, 101)]
    assert 0.005 < np.mean(gaps) < 0.05  # suspended


def test_the_benchmark_follows_the_market_and_is_in_no_universe(market: Market) -> None:
    assert "DEMO000" not in market.membership("all").instruments
    members = market.membership("demo")
    assert "DEMO000" not in members.instruments
    assert len(members) > len(members.instruments)  # some leave and come back
    close = pd.DataFrame(market.panel("close", market.instruments)).T
    change = close.pct_change(fill_method=None)
    assert np.isclose(change[0], change.drop(columns=0).mean(axis=1), atol=2e-3)[1:].all()


def test_the_signal_can_be_learnt(market: Market, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = MatrixStore(tmp_path_factory.mktemp("matrices"))
    matrix = store.open(Alpha158(instruments="all"), market)
    train, test = matrix.learn("2015-04-01", "2018-12-26"), matrix.infer("2019-01-02", "2020-12-28")
    params = {"objective": "mse", "learning_rate": 0.1, "num_leaves": 15, "verbose": -1, "num_threads": 1}
    model = lgb.train(params, lgb.Dataset(train.X, train.y), 25)
    frame = pd.DataFrame({"score": model.predict(test.X), "label": test.y}, index=test.index()).dropna()
    ranks = frame.groupby("datetime").rank()
    daily = ranks.groupby("datetime").corr().xs("score", level=1)["label"]
    assert 0.04 < daily.mean() < 0.12
