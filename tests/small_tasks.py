"""A task on a small demo market, quick to train."""

from __future__ import annotations

from typing import Any

from dataset_configs import dataset
from small_matrices import FEATURES, LABEL

CONFIG: dict[str, Any] = {
    "model": {"class": "LGBModel", "kwargs": {"num_boost_round": 12, "num_leaves": 4, "early_stopping_rounds": 3}},
    "dataset": dataset(
        "demo",
        FEATURES,
        LABEL,
        train=["2015-02-02", "2016-03-31"],
        valid=["2016-04-01", "2016-06-30"],
        test=["2016-07-01", "2016-12-30"],
    ),
}
