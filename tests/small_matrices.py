"""A small handler on a small demo market, for tests of handlers, matrices and their store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from components.data import Market
from components.features import DataHandler, DataHandlerLP, FeatureMatrix, MatrixStore, Rows

URI = "demo:?years=2&instruments=30"
FEATURES = [["$close/Ref($close, 1)-1", "Mean($volume, 5)/$volume", "Corr($close, $volume, 10)"], ["R", "V", "C"]]
LABEL = [["Ref($close, -2)/Ref($close, -1) - 1"], ["LABEL0"]]
DROP = {"class": "DropnaLabel"}
RANK = {"class": "CSRankNorm", "kwargs": {"fields_group": "feature"}}
SCORE = {"class": "CSZScoreNorm", "kwargs": {"fields_group": "label"}}
FILL = {"class": "Fillna", "kwargs": {"fields_group": "feature"}}


def handler(**kwargs: Any) -> DataHandler:
    loader = {"class": "QlibDataLoader", "kwargs": {"config": {"feature": FEATURES, "label": LABEL}}}
    defaults = {"instruments": "demo", "learn_processors": [DROP], "data_loader": loader}
    return DataHandlerLP(**{**defaults, **kwargs})


def open_matrix(folder: Path, market: Market, **kwargs: Any) -> FeatureMatrix:
    return MatrixStore(folder).open(handler(**kwargs), market)


def frame_of(rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows.X, index=rows.index(), columns=list(rows.features)).assign(LABEL0=rows.y)
