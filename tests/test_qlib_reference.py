"""Values and processors are Qlib's to the last bit, wherever the handler starts.

The committed reference is made by `qlib_reference/make.py`. Where ROLLFLOW_TEST_QLIB names a Python with pyqlib,
it is made anew and compared on all days.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qlib_reference.bars import END, EXPRESSIONS, FIT, STARTS, UNIVERSE, write_folder
from qlib_reference.processors import PROCESSORS

from components.data import Market, open_market
from components.features import Alpha158, DataHandlerLP, MatrixStore
from components.features.alpha import alpha158_fields

REFERENCE = Path(__file__).with_name("qlib_reference")
INDEX = ["datetime", "instrument"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("reference") / "market")


@pytest.fixture(scope="module")
def market(folder: Path) -> Market:
    return open_market(f"qlib:{folder}")


def different(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[str]:
    """The columns that are not the same to the last bit, or those of Skew and Kurt to the last two."""
    return [
        name
        for name in theirs
        if not np.allclose(
            ours[name],
            theirs[name],
            rtol=3e-7 if name.startswith(("Skew", "Kurt")) else 0,
            atol=0,
            equal_nan=True,
        )
    ]


def check_values(market: Market, start: str, expected: pd.DataFrame) -> None:
    columns = {**alpha158_fields(), **{text: text for text in EXPRESSIONS}}
    config = {"feature": [list(columns.values()), list(columns)], "label": ["$close"]}
    loader = {"class": "QlibDataLoader", "kwargs": {"config": config}}
    handler = DataHandlerLP(instruments="all", start_time=start, end_time=END, data_loader=loader)
    expected = expected.loc[expected["start"] == start].drop(columns="start").set_index(INDEX)
    assert list(expected.columns) == list(columns)
    raw = handler.raw(market)
    assert set(expected.index) <= set(raw.index)
    assert different(raw.loc[expected.index], expected) == []


def check_processed(market: Market, folder: Path, name: str, expected: pd.DataFrame) -> None:
    infer, learn = ([{"class": step, "kwargs": kwargs} for step, kwargs in part] for part in PROCESSORS[name])
    handler = Alpha158(
        instruments=list(UNIVERSE),
        start_time=STARTS[-1],
        end_time=END,
        fit_start_time=FIT[0],
        fit_end_time=FIT[1],
        infer_processors=infer,
        learn_processors=learn,
    )
    matrix = MatrixStore(folder).open(handler, market)
    for learning, rows in ((False, matrix.infer()), (True, matrix.learn())):
        ours = pd.DataFrame(rows.X, index=rows.index(), columns=list(rows.features)).assign(LABEL0=rows.y)
        chosen = (expected["processors"] == name) & (expected["learn"] == learning)
        theirs = expected.loc[chosen].drop(columns=["processors", "learn"]).set_index(INDEX)
        assert len(theirs) > 10
        if name == "scores" and not learning:
            theirs = theirs.drop(columns="LABEL0")  # to predict on, we leave labels as the data has them
        assert different(ours.loc[theirs.index], theirs) == []


@pytest.mark.parametrize("start", STARTS)
def test_values_begin_where_qlibs_begin(start: str, market: Market) -> None:
    check_values(market, start, pd.read_parquet(REFERENCE / "values.parquet"))


@pytest.mark.parametrize("name", PROCESSORS)
def test_processors_give_qlibs_numbers(name: str, market: Market, tmp_path: Path) -> None:
    check_processed(market, tmp_path, name, pd.read_parquet(REFERENCE / "processed.parquet"))


def test_values_do_not_depend_on_the_end_of_the_handler(market: Market) -> None:
    whole, short = (Alpha158(instruments="all", start_time=STARTS[2], end_time=end) for end in (END, "2016-01-29"))
    early = short.raw(market)
    assert different(whole.raw(market).loc[early.index], early) == []


@pytest.mark.skipif("ROLLFLOW_TEST_QLIB" not in os.environ, reason="ROLLFLOW_TEST_QLIB names no Python with pyqlib")
def test_a_fresh_reference_agrees_on_all_days(market: Market, tmp_path: Path) -> None:
    command = [os.environ["ROLLFLOW_TEST_QLIB"], str(REFERENCE / "make.py"), str(tmp_path), "--all"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    for start in STARTS:
        check_values(market, start, pd.read_parquet(tmp_path / "values.parquet"))
    for name in PROCESSORS:
        check_processed(market, tmp_path / "matrices", name, pd.read_parquet(tmp_path / "processed.parquet"))
