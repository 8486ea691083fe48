"""Feature matrices: views of the right rows, prepared in Qlib's order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from small_matrices import DROP, FILL, RANK, SCORE, URI, frame_of, handler, open_matrix

from components.data import Market, open_market
from components.errors import InputError
from components.features import Alpha360, MatrixStore, building


@pytest.fixture(scope="module")
def market() -> Market:
    return open_market(URI)


def test_rows_to_learn_from_are_a_view(tmp_path: Path, market: Market) -> None:
    matrix = open_matrix(tmp_path, market)
    rows = matrix.learn("2015-03-01", "2016-06-30")
    for values in (rows.X, rows.y):
        assert values.dtype == np.float32
        assert values.flags.c_contiguous
        assert not values.flags.writeable
        assert np.shares_memory(values, matrix.learnable.X) or np.shares_memory(values, matrix.learnable.y_learn)
    assert isinstance(matrix.learnable.X.base, np.memmap)
    raw = handler().raw(market).loc["2015-03-01":"2016-06-30"].dropna(subset="LABEL0")
    pd.testing.assert_frame_equal(frame_of(rows), raw)
    assert lgb.Dataset(rows.X, rows.y).construct().num_data() == len(rows)


def test_rows_to_predict_on_are_all_rows(tmp_path: Path, market: Market) -> None:
    rows = open_matrix(tmp_path, market).infer("2016-12-01", None)
    raw = handler().raw(market).loc["2016-12-01":]
    assert raw["LABEL0"].isna().sum() > 40  # the last two days, and some suspended
    pd.testing.assert_frame_equal(frame_of(rows), raw)
    assert rows.X.flags.c_contiguous


@pytest.mark.parametrize("process_type", ["append", "independent"])
@pytest.mark.parametrize(
    ("infer", "learn"),
    [
        ([RANK], [DROP]),
        ([], [DROP, RANK]),
        ([RANK], [DROP, FILL]),
        ([RANK, FILL], [DROP, SCORE]),
        ([{"class": "DropnaProcessor", "kwargs": {"fields_group": "feature"}}, RANK], [DROP, FILL]),
        ([FILL], [{"class": "DropnaProcessor"}, RANK, SCORE]),
        ([{"class": "DropCol", "kwargs": {"col_list": ["V"]}}], [DROP]),
    ],
)
def test_processors_run_in_qlibs_order(
    tmp_path: Path, market: Market, process_type: str, infer: list[Any], learn: list[Any]
) -> None:
    if infer and infer[0]["class"] == "DropCol" and process_type == "independent":
        learn = [*infer, *learn]
    described = {"infer_processors": infer, "learn_processors": learn, "process_type": process_type}
    matrix = open_matrix(tmp_path, market, start_time="2015-06-01", **described)
    raw = handler(start_time="2015-06-01").raw(market)
    inferred = apply(raw, infer)
    learned = apply(inferred if process_type == "append" else raw, learn)
    found = frame_of(matrix.infer())
    pd.testing.assert_frame_equal(found.drop(columns="LABEL0"), inferred.drop(columns="LABEL0"), rtol=1e-4)
    pd.testing.assert_series_equal(found["LABEL0"], raw["LABEL0"].reindex(found.index))
    pd.testing.assert_frame_equal(frame_of(matrix.learn()), learned, rtol=1e-4, atol=1e-5, check_dtype=False)


def apply(frame: pd.DataFrame, steps: list[Any]) -> pd.DataFrame:
    """What the processors of these tests do, written with Pandas."""
    frame = frame.copy()
    for step in steps:
        group = step.get("kwargs", {}).get("fields_group")
        features = [name for name in frame if name != "LABEL0"]
        columns = {"label": ["LABEL0"], "feature": features, None: list(frame)}[group]
        match step["class"]:
            case "DropnaLabel":
                frame = frame.dropna(subset="LABEL0")
            case "DropnaProcessor":
                frame = frame.dropna(subset=columns)
            case "DropCol":
                frame = frame.drop(columns=step["kwargs"]["col_list"])
            case "Fillna":
                frame[columns] = frame[columns].fillna(0)
            case "CSRankNorm":
                ranks = frame[columns].groupby("datetime").rank(pct=True)
                frame[columns] = ((ranks - 0.5) * 3.46).astype(np.float32)
            case "CSZScoreNorm":
                days = frame[columns].groupby("datetime")
                frame[columns] = (frame[columns] - days.transform("mean")) / days.transform("std")
    return frame


def test_alpha360_fills_labels_too_as_in_qlib(tmp_path: Path, market: Market) -> None:
    fit = {"fit_start_time": "2015-01-01", "fit_end_time": "2015-12-31"}
    matrix = MatrixStore(tmp_path).open(Alpha360(instruments="demo", **fit), market)
    rows = matrix.learn()
    assert rows.X.shape[1] == 360
    assert not np.isnan(rows.X).any()
    assert len(rows) == len(matrix)  # Fillna leaves DropnaLabel nothing to drop
    fitted = matrix.learn("2015-01-01", "2015-12-31").X
    np.testing.assert_allclose(fitted.std(axis=0)[fitted.std(axis=0) > 0.1], 1, atol=0.15)


def test_nothing_to_learn_from(tmp_path: Path, market: Market) -> None:
    last = open_matrix(tmp_path, market, start_time="2016-12-29")
    assert np.isnan(last.infer().y).all()
    with pytest.raises(InputError, match=r"no row to learn from on 2016-12-29\.\.2016-12-30"):
        last.learn()
    kept = open_matrix(tmp_path, market, start_time="2016-12-29", learn_processors=[])
    with pytest.raises(InputError, match="label LABEL0 is NaN on all rows"):
        kept.learn()


def test_building_copies_features_in_pieces(
    tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = {"infer_processors": [RANK], "learn_processors": [DROP, FILL]}
    whole = frame_of(open_matrix(tmp_path, market, **described).learn())
    shutil.rmtree(tmp_path)
    monkeypatch.setattr(building, "_COPY_ROWS", 7)
    monkeypatch.setattr("components.features.processors.base._PIECE_CELLS", 11)
    pd.testing.assert_frame_equal(frame_of(open_matrix(tmp_path, market, **described).learn()), whole)
