"""The service of the reference, as Qlib and ours are given it: two strategies over two rollings."""

from __future__ import annotations

from typing import Any

#: Trading days from window to window, and days left out before a test.
STEP, GAP = 10, 2
#: First and last day that is served.
BEGIN, LAST = "2016-04-04", "2016-05-04"
_FIELDS = {
    "KMID": "($close-$open)/$open",
    "ROC5": "Ref($close, 5)/$close",
    "STD10": "Std($close, 10)/$close",
    "MA20": "Mean($close, 20)/$close",
    "VMA5": "Mean($volume, 5)/($volume+1e-12)",
}
_LABEL = "Ref($close, -2)/Ref($close, -1) - 1"
_FEATURE = {"fields_group": "feature"}
_NORM = [
    {"class": "RobustZScoreNorm", "kwargs": {**_FEATURE, "clip_outlier": True}},
    {"class": "Fillna", "kwargs": _FEATURE},
]
_TREES = {
    "loss": "mse",
    "num_boost_round": 20,
    "early_stopping_rounds": 20,
    "learning_rate": 0.2,
    "num_leaves": 7,
    "min_data_in_leaf": 10,
    "num_threads": 1,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
}


def _task(model: dict[str, Any], infer_processors: list[dict[str, Any]]) -> dict[str, Any]:
    config = {"feature": [list(_FIELDS.values()), list(_FIELDS)], "label": [[_LABEL], ["LABEL0"]]}
    handler = {
        "class": "DataHandlerLP",
        "module_path": "qlib.data.dataset.handler",
        "kwargs": {
            "instruments": "all",
            "start_time": "2015-04-01",
            "end_time": "2016-08-26",
            "data_loader": {"class": "QlibDataLoader", "kwargs": {"config": config, "freq": "day"}},
            "infer_processors": [
                {**each, "kwargs": {**each["kwargs"], "fit_start_time": "2015-05-01", "fit_end_time": "2016-01-29"}}
                if each["class"] == "RobustZScoreNorm"
                else each
                for each in infer_processors
            ],
            "learn_processors": [
                {"class": "DropnaLabel"},
                {"class": "CSZScoreNorm", "kwargs": {"fields_group": "label"}},
            ],
        },
    }
    return {
        "model": model,
        "dataset": {
            "class": "DatasetH",
            "module_path": "qlib.data.dataset",
            "kwargs": {
                "handler": handler,
                "segments": {
                    "train": ["2015-05-01", "2016-01-29"],
                    "valid": ["2016-02-01", "2016-03-31"],
                    "test": [BEGIN, "2016-04-15"],
                },
            },
        },
        "record": [
            {
                "class": "SignalRecord",
                "module_path": "qlib.workflow.record_temp",
                "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"},
            }
        ],
    }


#: Strategy -> its first window.
TASKS: dict[str, dict[str, Any]] = {
    "trees": _task({"class": "LGBModel", "module_path": "qlib.contrib.model.gbdt", "kwargs": _TREES}, []),
    "lines": _task(
        {"class": "LinearModel", "module_path": "qlib.contrib.model.linear", "kwargs": {"estimator": "ols"}}, _NORM
    ),
}
