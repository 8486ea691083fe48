from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.analysis.signal_analysis import signal_analysis
from components.errors import InputError

Series = Any


def series(rows: dict[tuple[str, str], float]) -> Series:
    index = pd.MultiIndex.from_tuples(
        [(pd.Timestamp(day), name) for day, name in rows], names=["datetime", "instrument"]
    )
    return pd.Series(list(rows.values()), index=index, dtype=float)


def one_day(*values: float) -> Series:
    return series({("2020-01-02", f"S{place}"): value for place, value in enumerate(values)})


def by_pandas(prediction: Series, label: Series, quantile: float) -> pd.DataFrame:
    """The definitions, spelt with what pandas has for one day at a time."""
    both = pd.DataFrame({"score": prediction, "label": label})
    rows = {}
    for day, frame in both.groupby("datetime"):
        count = int(len(frame) * quantile)
        pair = frame.dropna()
        varied = len(pair) > 1 and pair["score"].nunique() > 1 and pair["label"].nunique() > 1
        long, short = (getattr(frame, side)(count, "score")["label"].mean() for side in ("nlargest", "nsmallest"))
        rows[day] = {
            "ic": np.corrcoef(pair["score"], pair["label"])[0, 1] if varied else np.nan,
            "rank_ic": np.corrcoef(pair["score"].rank(), pair["label"].rank())[0, 1] if varied else np.nan,
            "long_short_r": (long - short) / 2,
            "long_avg_r": frame["label"].mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


@pytest.mark.shared
def test_gives_qlibs_numbers(shared: Path) -> None:
    signal = pd.read_parquet(shared / "goldens/signal.parquet").set_index(["datetime", "instrument"])
    metrics, daily = signal_analysis(signal["score"], signal["LABEL0"])
    wanted = json.loads((shared / "goldens/signal_metrics.json").read_text())
    assert metrics.keys() == wanted.keys()
    for name, value in wanted.items():
        exact = name in {"IC", "ICIR", "Rank IC", "Rank ICIR"}
        assert metrics[name] == pytest.approx(value, abs=1e-6 if exact else 0, rel=0 if exact else 1e-5), name
    theirs = pd.read_parquet(shared / "goldens/ic.parquet").set_index("datetime")
    assert list(daily.index) == list(theirs.index)
    np.testing.assert_allclose(daily.to_numpy(), theirs.to_numpy(dtype=float), rtol=0, atol=1e-6)


def test_one_day_by_hand() -> None:
    prediction, label = one_day(1, 2, 3, 4, 5), one_day(0.02, 0.01, 0.03, 0.05, 0.04)
    metrics, daily = signal_analysis(prediction, label, quantile=0.4)
    assert list(daily.columns) == ["ic", "rank_ic", "long_short_r", "long_avg_r"]
    assert daily.index.equals(pd.DatetimeIndex(["2020-01-02"], name="datetime"))
    # d = (1, 1, 0, 1, 1): 1 - 6 * 4 / (5 * 24) = 0.8, and the labels are evenly spaced, so both are the same.
    assert daily.iloc[0].tolist() == pytest.approx([0.8, 0.8, (0.045 - 0.015) / 2, 0.03])
    assert metrics["Long-Short Ann Return"] == pytest.approx(0.015 * 252)
    assert np.isnan(metrics["ICIR"])  # one day has no deviation


def test_metrics_over_days() -> None:
    days = {"2020-01-02": (1, 2, 3), "2020-01-03": (3, 2, 1), "2020-01-06": (1, 3, 2)}
    prediction = series({(day, name): 1.0 * place for day in days for place, name in enumerate("abc")})
    label = series(
        {
            (day, name): value / 100
            for day, values in days.items()
            for name, value in zip("abc", values, strict=True)
        }
    )
    metrics, daily = signal_analysis(prediction, label, ann_scaler=100, quantile=0.34)
    assert daily["rank_ic"].tolist() == pytest.approx([1, -1, 0.5])
    assert daily["long_short_r"].tolist() == pytest.approx([0.01, -0.01, 0.005])
    mean, deviation = 0.5 / 3, np.std([1, -1, 0.5], ddof=1)
    assert metrics["Rank IC"] == pytest.approx(mean)
    assert metrics["Rank ICIR"] == pytest.approx(mean / deviation)
    assert metrics["Long-Short Ann Return"] == pytest.approx(mean)
    assert metrics["Long-Short Ann Sharpe"] == pytest.approx(mean / deviation * 10)
    assert metrics["Long-Avg Ann Return"] == pytest.approx(2.0)


def test_without_returns() -> None:
    metrics, daily = signal_analysis(one_day(1, 2, 3), one_day(1, 2, 4), long_short=False)
    assert metrics.keys() == {"IC", "ICIR", "Rank IC", "Rank ICIR"}
    assert list(daily.columns) == ["ic", "rank_ic"]


def test_equal_scores_are_taken_in_row_order_and_share_their_rank() -> None:
    _, daily = signal_analysis(one_day(7, 7, 7, 1), one_day(0.4, 0.2, 0.6, 0.1), quantile=0.5)
    assert daily["long_short_r"].item() == pytest.approx((0.3 - 0.25) / 2)  # best: the first two sevens
    assert daily["rank_ic"].item() == pytest.approx(np.corrcoef([3, 3, 3, 1], [3, 2, 4, 1])[0, 1])


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        ((0.1, 0.1, 0.1), (1.0, 2.0, 4.0)),  # the mean of three 0.1 is not 0.1
        ((1.0, 2.0, 3.0), (0.1, 0.1, 0.1)),
        ((1.0,), (1.0,)),
        ((1.0, np.nan, 3.0), (np.nan, 2.0, 1.0)),  # one pair
    ],
)
def test_no_correlation_where_there_is_none(scores: tuple[float, ...], labels: tuple[float, ...]) -> None:
    _, daily = signal_analysis(one_day(*scores), one_day(*labels))
    assert daily[["ic", "rank_ic"]].isna().all(axis=None)
    assert daily["long_avg_r"].item() == pytest.approx(np.nanmean(labels))


def test_days_without_labels_do_not_count() -> None:
    prediction = series(
        {(day, name): place for day in ("2020-01-02", "2020-01-03") for place, name in enumerate("abc")}
    )
    label = series({("2020-01-02", name): value for name, value in zip("abc", (1, 2, 4), strict=True)})
    metrics, daily = signal_analysis(prediction, label)
    assert daily["ic"].isna().tolist() == [False, True]
    assert metrics["Rank IC"] == pytest.approx(1)


def test_frames_of_one_column_and_any_row_order_of_days() -> None:
    prediction = series(
        {(f"2020-01-{day:02}", name): day * ord(name) % 7 for day in range(2, 20) for name in "abcde"}
    )
    label = series({key: (place * 37 % 11) / 10 for place, key in enumerate(prediction.index)})
    label.index = prediction.index
    _, daily = signal_analysis(prediction, label)
    shuffled = np.random.default_rng(0).permutation(len(label))
    _, again = signal_analysis(prediction.to_frame("score"), label.iloc[shuffled].to_frame("LABEL0"))
    pd.testing.assert_frame_equal(daily, again)
    _, backwards = signal_analysis(prediction.iloc[::-1], label.iloc[::-1])
    pd.testing.assert_frame_equal(daily[["ic", "rank_ic"]], backwards[["ic", "rank_ic"]])


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([0.1, 0.2, 0.5]))
def test_equals_the_definitions_on_ragged_days_with_ties_and_holes(seed: int, names: int, quantile: float) -> None:
    draw = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [pd.date_range("2020-01-01", periods=6), range(names)], names=["datetime", "i"]
    )
    rows = index[draw.permutation(len(index))][draw.random(len(index)) < 0.8]
    if not len(rows):
        return
    prediction, label = (
        pd.Series(np.where(draw.random(len(rows)) < 0.15, np.nan, draw.integers(0, 8, len(rows)) / 7), index=rows)
        for _ in range(2)
    )
    if seed % 2:  # else the order of the rows decides between equal scores
        label = label[draw.random(len(rows)) < 0.95]
    if not len(label):
        return
    _, daily = signal_analysis(prediction, label, quantile=quantile)
    np.testing.assert_allclose(daily.to_numpy(), by_pandas(prediction, label, quantile).to_numpy(), atol=1e-12)


def test_many_names_need_more_than_one_block() -> None:
    index = pd.MultiIndex.from_product(
        [pd.date_range("2020-01-01", periods=30), range(999)], names=["datetime", "i"]
    )
    draw = np.random.default_rng(1)
    prediction, label = (pd.Series(draw.normal(size=len(index)), index=index) for _ in range(2))
    _, daily = signal_analysis(prediction, label)
    np.testing.assert_allclose(daily.to_numpy(), by_pandas(prediction, label, 0.2).to_numpy(), atol=1e-12)


def test_what_cannot_be_compared_is_refused() -> None:
    label = one_day(1, 2, 3)
    with pytest.raises(InputError, match=r"label: expected one column, got \['a', 'b'\]"):
        signal_analysis(label, pd.DataFrame({"a": label, "b": label}))
    with pytest.raises(InputError, match=r"prediction: expected an index \(datetime, instrument\), got \[None\]"):
        signal_analysis(pd.Series([1.0, 2.0]), label)
    with pytest.raises(InputError, match=r"have no .* in common"):
        signal_analysis(series({("2020-01-03", "S0"): 1.0}), label)
    with pytest.raises(InputError, match="are empty"):
        signal_analysis(label[:0], label[:0])
    with pytest.raises(
        InputError, match=r"prediction: \('2020-01-02 00:00:00', 'S0'\) stands there more than once"
    ):
        signal_analysis(pd.concat([label, label]), label)
