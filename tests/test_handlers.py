"""Handlers: what they describe, and what is said of wrong descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_matrices import DROP, URI, open_matrix

from components.data import Market, open_market
from components.errors import InputError
from components.features import Alpha158


@pytest.fixture(scope="module")
def market() -> Market:
    return open_market(URI)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"instruments": "dmo"}, "no universe 'dmo' .*did you mean 'demo'"),
        ({"instruments": ["DEMO01"]}, "no instrument 'DEMO01'"),
        ({"instruments": 3}, "expected the name of a universe or a list of codes"),
        ({"start_time": "2030-01-01"}, "no trading day between 2030-01-01 and None"),
        ({"start_time": "soon"}, "not a date: 'soon'"),
        ({"process_type": "apend"}, "did you mean 'append'"),
        ({"infer_processors": [DROP]}, "DropnaLabel cannot be an infer processor"),
        ({"learn_processors": [{"class": "DropCol", "kwargs": {"col_list": ["V"]}}]}, "remove them in both"),
        ({"infer_processors": [{"class": "FilterCol"}]}, "leave no feature"),
        (
            {"data_loader": {"class": "QlibDataLoader", "kwargs": {"config": {"feature": ["$close"]}}}},
            "feature and label",
        ),
        (
            {
                "infer_processors": [
                    {
                        "class": "ZScoreNorm",
                        "kwargs": {"fit_start_time": "2015-01-01", "fit_end_time": "2015-02-01"},
                    }
                ],
                "start_time": "2016-01-01",
            },
            "ZScoreNorm: no row to fit on from 2015-01-01 to 2015-02-01",
        ),
    ],
)
def test_wrong_handlers(tmp_path: Path, market: Market, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        open_matrix(tmp_path, market, **kwargs)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*/*"))


@pytest.mark.parametrize(
    "kwargs",
    [{"freq": "1min"}, {"filter_pipe": [{"filter_type": "NameDFilter"}]}, {"inst_processors": [{"class": "X"}]}],
)
def test_what_is_not_supported_is_refused(kwargs: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"Alpha158: {next(iter(kwargs))} .*not supported"):
        Alpha158(**kwargs)


def test_raw_is_before_all_processors(market: Market) -> None:
    frame = Alpha158(instruments=["DEMO001", "DEMO000"], start_time="2016-01-01", end_time="2016-01-29").raw(market)
    assert frame.shape[1] == 159
    assert list(frame.columns[[0, 157, 158]]) == ["KMID", "VSUMD60", "LABEL0"]
    assert frame.index.names == ["datetime", "instrument"]
    assert frame.index[0] == (pd.Timestamp("2016-01-04"), "DEMO000")
