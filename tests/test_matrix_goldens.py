"""The matrix against what Qlib computes on the same data, bit for bit, with handlers that start amid the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.data import Market, open_market
from components.features import Alpha158, MatrixStore, Rows

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def market(shared: Path) -> Market:
    return open_market(f"qlib:{shared / 'data' / 'cn_csi300'}")


def golden(shared: Path, name: str) -> pd.DataFrame:
    frame = pd.read_parquet(shared / "goldens" / f"{name}.parquet")
    return frame.set_index(["datetime", "instrument"]).sort_index()


def frame_of(rows: Rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows.X, index=rows.index(), columns=list(rows.features))
    return frame.assign(LABEL0=rows.y)


def check(rows: Rows, expected: pd.DataFrame) -> None:
    found = frame_of(rows)[list(expected.columns)]
    assert list(found.index) == list(expected.index)
    for column in expected.columns:
        assert np.array_equal(found[column], expected[column].astype(np.float32), equal_nan=True), column


def matrix_rows(tmp_path: Path, market: Market, what: str, **handler: Any) -> Rows:
    matrix = MatrixStore(tmp_path).open(Alpha158(instruments="csi300", **handler), market)
    rows: Rows = getattr(matrix, what)("2016-03-01", "2016-04-26")
    return rows


def test_default_learn_processors(shared: Path, tmp_path: Path, market: Market) -> None:
    rows = matrix_rows(tmp_path, market, "learn", start_time="2016-03-01", end_time="2016-04-26")
    check(rows, golden(shared, "alpha158_learn"))


def test_robust_scores_fitted_on_earlier_days(shared: Path, tmp_path: Path, market: Market) -> None:
    rows = matrix_rows(
        tmp_path,
        market,
        "infer",
        start_time="2014-01-01",
        end_time="2016-04-26",
        fit_start_time="2014-01-01",
        fit_end_time="2015-12-31",
        infer_processors=[
            {"class": "RobustZScoreNorm", "kwargs": {"fields_group": "feature", "clip_outlier": True}},
            {"class": "Fillna", "kwargs": {"fields_group": "feature"}},
        ],
        learn_processors=[],
    )
    check(rows, golden(shared, "alpha158_infer_norm"))


def test_cross_sections_of_features_and_label(shared: Path, tmp_path: Path, market: Market) -> None:
    rows = matrix_rows(
        tmp_path,
        market,
        "learn",
        start_time="2016-03-01",
        end_time="2016-04-26",
        infer_processors=[{"class": "CSZScoreNorm", "kwargs": {"fields_group": "feature"}}],
        learn_processors=[
            {"class": "DropnaLabel"},
            {"class": "CSRankNorm", "kwargs": {"fields_group": "label"}},
        ],
    )
    check(rows, golden(shared, "alpha158_cs"))
