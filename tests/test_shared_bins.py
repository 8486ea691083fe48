"""Windows in the bins of the first one's training days."""

from __future__ import annotations

import gc
import weakref
from importlib import resources
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import yaml
from small_datasets import A_DAY, dataset_of

from components.config import parse_config
from components.data import open_market
from components.errors import InputError
from components.features import DatasetH
from components.models import FitContext, LGBModel
from components.models.shared_bins import _binned_matrix
from components.rolling import plan_windows

PARAMS: dict[str, Any] = {"num_leaves": 7, "min_data_in_leaf": 5, "seed": 3, "deterministic": True, "max_bin": 15}


def two_windows() -> tuple[DatasetH, DatasetH]:
    """Two windows of one matrix, in which the features of later days are greater."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(100 * A_DAY, 4)) + np.arange(100 * A_DAY)[:, None] / 300
    X[::7, 1], X[::5, 2] = np.nan, 0
    first = dataset_of(X, X[:, 0] + rng.normal(size=len(X)), train=0.5, valid=0.2, test=0.3)
    days = first.matrix.calendar
    later = {"train": (0, 69), "valid": (70, 89), "test": (90, 99)}
    return first, DatasetH(first.matrix, {name: (str(days[a]), str(days[b])) for name, (a, b) in later.items()})


def trees(model: LGBModel, dataset: DatasetH) -> str:
    model.fit(dataset, FitContext(threads=1))
    return without_parameters(model.native())


def without_parameters(booster: lgb.Booster) -> str:
    return booster.model_to_string().partition("end of trees")[0]


def test_a_later_window_is_in_the_bins_of_the_first() -> None:
    first, later = two_windows()
    train, valid = (later.learn(name) for name in ("train", "valid"))
    reference = lgb.Dataset(first.learn("train").X, params=PARAMS | {"verbosity": -1})
    sets = [lgb.Dataset(rows.X, label=rows.y, reference=reference) for rows in (train, valid)]
    params = PARAMS | {"objective": "mse", "verbosity": -1, "num_threads": 1}
    bare = lgb.train(params, sets[0], 20, sets, ["train", "valid"])
    model = LGBModel(num_boost_round=20, bin_days=first.segments["train"], **PARAMS)
    assert trees(model, later) == without_parameters(bare)
    assert trees(LGBModel(num_boost_round=20, **PARAMS), later) != without_parameters(bare)


def test_the_first_window_is_as_it_is_without_sharing() -> None:
    first, _ = two_windows()
    shared = LGBModel(num_boost_round=20, bin_days=first.segments["train"], **PARAMS)
    assert trees(shared, first) == trees(LGBModel(num_boost_round=20, **PARAMS), first)


def test_rows_are_put_into_bins_once() -> None:
    first, later = two_windows()
    days = first.segments["train"]
    whole = _binned_matrix.of(first.matrix, days, PARAMS)
    assert _binned_matrix.of(later.matrix.within(0, 95), days, PARAMS) is whole
    assert whole.num_data() == 1000
    assert _binned_matrix.of(first.matrix, days, PARAMS | {"max_bin": 7}) is not whole
    other, _ = two_windows()
    assert _binned_matrix.of(other.matrix, days, PARAMS) is not whole


def test_bins_go_with_the_matrix_that_they_were_made_from() -> None:
    first, later = two_windows()
    whole = weakref.ref(_binned_matrix.of(first.matrix, first.segments["train"], PARAMS))
    assert whole() is not None
    del first
    gc.collect()
    assert whole() is not None  # the other window still has the matrix
    del later
    gc.collect()
    assert whole() is None


def test_bins_of_later_days_are_refused() -> None:
    first, later = two_windows()
    model = LGBModel(bin_days=later.segments["train"], **PARAMS)
    with pytest.raises(
        InputError, match=r"bins of the days until 2020-03-10 .* learns until 2020-02-19 of later days"
    ):
        model.fit(first)
    with pytest.raises(InputError, match=r"bin_days: expected \[first day, last day\], not '2020-01-01'"):
        LGBModel(bin_days="2020-01-01")


def plan(**model: Any) -> list[Any]:
    """The tasks of the demo run with shared bins."""
    config = yaml.safe_load(resources.files("components.config").joinpath("demo.yaml").read_text("utf-8"))
    config["rolling"]["shared_bins"] = True
    config["task"]["model"] |= model
    return [window.task for window in plan_windows(parse_config(yaml.safe_dump(config), "x"), open_market("demo:"))]


def test_a_run_shares_the_bins_of_its_first_window() -> None:
    tasks = plan()
    assert tasks[0].segments["train"] == ("2016-01-04", "2017-12-29")
    assert tasks[1].segments["train"] == ("2016-04-25", "2018-04-23")
    assert [task.model["kwargs"]["bin_days"] for task in tasks] == [["2016-01-04", "2017-12-29"]] * 8
    with pytest.raises(InputError, match=r"rolling\.shared_bins: the model takes no bin_days .*'bin_days'"):
        plan(**{"class": "LinearModel", "kwargs": {"estimator": "ols"}})
