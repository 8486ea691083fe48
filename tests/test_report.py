"""What a report computes and says; how it looks in a browser is in test_report_browser."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.report import Compared, ReportContent, Training
from components.report.figures.learning import curve_names, curves
from components.report.figures.timeline import spans
from components.report.measures import (
    excess,
    growth,
    importance_shares,
    monthly_means,
    quantile_returns,
    span_means,
    thinned,
)
from components.report.page import comparison, headlines, render
from components.report.picture import cumulated_ic, data_uri

NAN = float("nan")


def days(*texts: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(texts, name="datetime")


def by_day_and_name(rows: Sequence[tuple[str, str, float]]) -> pd.Series[Any]:
    index = pd.MultiIndex.from_tuples(
        [(pd.Timestamp(day), name) for day, name, _ in rows], names=["datetime", "instrument"]
    )
    return pd.Series([value for *_, value in rows], index=index)


def test_quantile_returns() -> None:
    first, second = "2020-01-02", "2020-01-03"
    score = by_day_and_name(
        [
            *((first, name, value) for name, value in zip("ABCDE", (0.1, 0.5, 0.3, 0.2, 0.4), strict=True)),
            *((second, name, value) for name, value in zip("ABC", (0.1, 0.1, NAN), strict=True)),
        ]
    )
    label = by_day_and_name(
        [
            *((first, name, value) for name, value in zip("ABCDE", (-0.02, 0.03, 0.01, -0.01, 0.02), strict=True)),
            *((second, name, value) for name, value in zip("ABC", (0.05, 0.07, 0.09), strict=True)),
        ]
    )
    # of five names in two groups: B, E, C (places 0, 1, 2) and D, A; of two equal ones: A, then B; C has no score
    assert quantile_returns(score, label, 2).round(12).to_dict("index") == {
        pd.Timestamp(first): {1: 0.02, 2: -0.015},
        pd.Timestamp(second): {1: 0.05, 2: 0.07},
    }
    # two names leave a group of three empty
    assert quantile_returns(score, label, 3).loc[second].tolist() == pytest.approx([0.05, 0.07, NAN], nan_ok=True)


def test_monthly_means() -> None:
    daily = pd.Series([0.1, 0.3, 0.5, 0.7], index=days("2019-12-30", "2019-12-31", "2020-01-02", "2020-03-02"))
    table = monthly_means(daily)
    assert list(table.columns) == list(range(1, 13))
    assert table.loc[2019, 12] == pytest.approx(0.2)
    assert table.loc[2020, [1, 2, 3]].tolist() == pytest.approx([0.5, NAN, 0.7], nan_ok=True)


def test_span_means() -> None:
    daily = pd.Series([0.1, NAN, 0.3, 0.8], index=days("2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"))
    first = np.array(["2020-01-01", "2020-01-07", "2020-02-01"], dtype="datetime64[D]")
    last = np.array(["2020-01-06", "2020-01-07", "2020-02-28"], dtype="datetime64[D]")
    assert span_means(daily, first, last).tolist() == pytest.approx([0.2, 0.8, NAN], nan_ok=True)


def test_growth_and_excess_of_a_backtest() -> None:
    table = pd.DataFrame(
        {"return": [0.10, -0.05], "cost": [0.01, 0.0], "bench": [0.02, 0.03]},
        index=days("2020-01-02", "2020-01-03"),
    )
    assert growth(table).round(12).to_dict("list") == {
        "account": [1.09, 1.0355],
        "without_cost": [1.1, 1.045],
        "benchmark": [1.02, 1.0506],
    }
    assert excess(table).round(12).to_dict("list") == {"with_cost": [0.07, -0.01], "without_cost": [0.08, 0.0]}


def test_importance_shares() -> None:
    importance = {
        "2020-01": {"ROC5": 1.0, "KMID": 3.0},
        "2020-02": {},  # failed
        "2020-03": {"KMID": 0.0, "VOL": 2.0},
    }
    shares = importance_shares(importance, 2)
    assert shares.to_dict("index") == {
        "VOL": {"2020-01": 0.0, "2020-03": 1.0},
        "KMID": {"2020-01": 0.75, "2020-03": 0.0},
    }
    assert importance_shares({"2020-02": {}}, 2).empty


def test_long_curves_are_thinned_evenly() -> None:
    assert thinned(3, 120).tolist() == [0, 1, 2]
    assert thinned(101, 5).tolist() == [0, 25, 50, 75, 100]


def window(name: str, **more: Any) -> Training:
    year = int(name[:4])
    segments = {
        "train": (f"{year - 2}-01-02", f"{year - 1}-06-28"),
        "valid": (f"{year - 1}-07-01", f"{year - 1}-12-27"),
        "test": (name, f"{year}-03-31"),
    }
    return Training(**({"name": name, "segments": segments, "gap": 2} | more))


def test_the_timeline_shows_what_a_window_learns_leaves_out_and_predicts() -> None:
    trainings = [window("2020-01-02", reused=True), window("2021-01-04", status="failed", gap=0)]
    assert [(span.kind, str(span.first), str(span.last)) for span in spans(trainings)] == [
        ("train", "2018-01-02", "2019-06-28"),
        ("valid", "2019-07-01", "2019-12-27"),
        ("gap", "2019-12-28", "2020-01-01"),
        ("test, reused", "2020-01-02", "2020-03-31"),
        ("train", "2019-01-02", "2020-06-28"),
        ("valid", "2020-07-01", "2020-12-27"),
        ("test, failed", "2021-01-04", "2021-03-31"),
    ]


def test_training_curves_are_those_of_the_first_metric_with_the_chosen_iteration() -> None:
    trainings = [
        window(
            "2020-01-02",
            best_iteration=2,
            curves={"l2.train": [4.0, 2.0, 1.0], "l2.valid": [4.0, 3.0, 3.5], "r2.valid": [0.1, 0.2, 0.1]},
        ),
        window("2021-01-04", curves={"l2.valid": [2.0]}),  # one value is no curve
    ]
    names = curve_names(trainings)
    assert names == {"train": "l2.train", "valid": "l2.valid"}
    curve, chosen = curves(trainings, names["valid"]).data
    assert curve.y.tolist() == [1.0, 0.75, 0.875]
    assert (list(chosen.x), list(chosen.y)) == ([2], [0.75])


def content(**more: Any) -> ReportContent:
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product(
        [pd.bdate_range("2020-01-02", periods=30), list("ABCDEFGHIJ")], names=["datetime", "instrument"]
    )
    score, label = (pd.Series(rng.normal(size=len(index)), index=index) for _ in range(2))
    values: dict[str, Any] = {
        "title": "test",
        "facts": {"model": "LGBModel"},
        "trainings": (window("2020-01-02"),),
        "metrics": {"IC": 0.0512, "Rank IC": NAN, "1day.excess_return_with_cost.max_drawdown": -0.0812},
        "prediction": score,
        "label": label,
        "backtest": None,
        "config": {"task": {"model": {"class": "LGBModel"}}},
        "versions": {"python": "3.11"},
        "made": datetime(2020, 3, 1, 12, 30, tzinfo=UTC),
    }
    return ReportContent(**(values | more))


def figures(page: str) -> dict[str, Any]:
    """The figures in a page."""
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert found
    drawn: dict[str, Any] = json.loads(found[1])["figures"]
    assert sorted(drawn) == sorted(re.findall(r'data-figure="([\w-]+)"', page))
    return drawn


SIGNAL = ["group-means", "groups", "ic-cumulated", "ic-days", "ic-months", "ic-windows", "long-short", "timeline"]


def test_a_report_says_why_something_is_missing() -> None:
    page = render(content())
    assert sorted(figures(page)) == SIGNAL
    assert "There is no backtest; add a PortAnaRecord to the task&#39;s records." in page
    assert "There is no feature importance; the model tells of none." in page
    assert "There are no training curves; the model logs none." in page
    assert "<aside>" not in page


def test_a_run_without_any_result_has_a_report_too() -> None:
    error = "ValueError: </script><script>alert(1)</script> & <!-- "
    failed = window("2020-01-02", status="failed", attempts=3, error=error)
    empty = pd.Series(dtype="float64")
    gap = "2020-01-02..2020-03-31"
    page = render(content(trainings=(failed,), prediction=empty, label=empty, metrics={}, gaps=(gap,), title=error))
    assert sorted(figures(page)) == ["timeline"]
    assert "No day has both scores and labels, so nothing can be correlated." in page
    assert (
        "<strong>Window 2020-01-02 failed</strong> after 3\n    attempts: <code>ValueError: &lt;/script&gt;" in page
    )
    assert "No predictions for <strong>2020-01-02 to 2020-03-31</strong>" in page
    assert "alert(1)</script>" not in page


def test_a_run_stands_beside_earlier_ones() -> None:
    daily = pd.Series([0.5, NAN, -0.25], index=days("2020-01-02", "2020-01-03", "2020-01-06"))
    earlier = Compared(
        name="yesterday",
        metrics={"IC": 0.0312, "Rank IC": 0.05},
        likeness=None,
        ic=daily,
        differences={"task.model.kwargs.seed": 7, "data": "<b>"},
    )
    this = Compared(name="this run", metrics={"IC": 0.0512}, likeness=1.0, ic=daily, differences={"data": "demo:"})
    assert comparison([this, earlier]) == {
        "Metrics": {"IC": ["0.0512", "0.0312"], "Rank IC": ["–", "0.0500"]},
        "Scores": {"Correlation with this run": ["1.0000", "–"]},
        "Differences": {"data": ['"demo:"', '"<b>"'], "task.model.kwargs.seed": ["", "7"]},
    }
    page = render(content(compared=(this, earlier)))
    drawn = figures(page)["ic-compared"]["data"]
    heights = {line["name"]: np.frombuffer(b64decode(line["y"]["bdata"]), "f4").tolist() for line in drawn}
    assert heights == {"this run": [0.5, 0.5, 0.25], "yesterday": [0.5, 0.5, 0.25]}
    assert '<td class="number">&#34;&lt;b&gt;&#34;</td>' in page
    assert "There is no earlier run of this experiment to compare with." in render(content())


def test_texts_in_figures_cannot_end_their_script() -> None:
    name = "</script><script>alert(1)</script>"
    page = render(content(trainings=(window("2020-01-02", importance={name: 1.0, "KMID": 1.0}),)))
    assert figures(page)["importance"]["data"][0]["y"] == [name, "KMID"]
    assert name not in page


def test_the_head_shows_the_main_metrics_as_people_write_them() -> None:
    groups = headlines(content().metrics)
    assert {group: [(each.name, each.value) for each in some] for group, some in groups.items()} == {
        "Signal": [("IC", "0.0512"), ("Rank IC", "–")],
        "Backtest: return over the benchmark, after costs": [("Deepest drawdown", "−8.1%")],
    }


def test_the_picture_is_a_small_svg() -> None:
    picture = cumulated_ic(content().daily)
    assert picture.startswith("<svg ")
    assert picture.count("<polyline") == 2
    assert "2020-01-02" in picture
    assert data_uri(picture).startswith("data:image/svg+xml;base64,")
    assert cumulated_ic(content().daily[:1]) == ""
