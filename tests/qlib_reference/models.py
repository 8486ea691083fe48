"""The models of the reference: Qlib's class, its published arguments with fewer rounds, and what `fit` is given.

`CatBoostModel`: examples/benchmarks/CatBoost/workflow_config_catboost_Alpha158.yaml, but for its
`bootstrap_type` Poisson, which needs a GPU.
`DEnsembleModel`: examples/benchmarks/DoubleEnsemble/workflow_config_doubleensemble_Alpha158.yaml, with fewer models
and without its penalties, which leave nothing of so few rows.
`XGBModel`: examples/benchmarks/XGBoost/workflow_config_xgboost_Alpha158.yaml.
"""

from __future__ import annotations

from typing import Any

#: Segments on the days of the market of `bars.py`.
SEGMENTS = {
    "train": ("2015-03-02", "2016-02-26"),
    "valid": ("2016-02-29", "2016-05-31"),
    "test": ("2016-06-01", "2016-08-24"),
}
#: Arguments of the handler Alpha158.
HANDLER = {
    "instruments": ["SH600001", "SH600003", "SZ000001"],
    "start_time": SEGMENTS["train"][0],
    "end_time": SEGMENTS["test"][1],
    "fit_start_time": SEGMENTS["train"][0],
    "fit_end_time": SEGMENTS["train"][1],
    "learn_processors": [
        {"class": "DropnaLabel"},
        {"class": "CSRankNorm", "kwargs": {"fields_group": "label"}},
    ],
    "infer_processors": [{"class": "ProcessInf", "kwargs": {}}],
}
#: Name of a case -> class, arguments of the class, arguments of Qlib's `fit`, which are of our class.
MODELS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "catboost": (
        "qlib.contrib.model.catboost_model.CatBoostModel",
        {
            "loss": "RMSE",
            "learning_rate": 0.0421,
            "subsample": 0.8789,
            "max_depth": 6,
            "num_leaves": 100,
            "thread_count": 1,
            "grow_policy": "Lossguide",
            "bootstrap_type": "Bernoulli",
        },
        {"num_boost_round": 40, "early_stopping_rounds": 10},
    ),
    "double ensemble": (
        "qlib.contrib.model.double_ensemble.DEnsembleModel",
        {
            "base_model": "gbm",
            "loss": "mse",
            "num_models": 4,
            "enable_sr": True,
            "enable_fs": True,
            "alpha1": 1,
            "alpha2": 1,
            "bins_sr": 10,
            "bins_fs": 5,
            "decay": 0.5,
            "sample_ratios": [0.8, 0.7, 0.6, 0.5, 0.4],
            "sub_weights": [1, 0.2, 0.2, 0.2],
            "epochs": 28,
            "colsample_bytree": 0.8879,
            "learning_rate": 0.2,
            "subsample": 0.8789,
            "max_depth": 8,
            "num_leaves": 210,
            "num_threads": 1,
            "verbosity": -1,
        },
        {},
    ),
    "xgboost": (
        "qlib.contrib.model.xgboost.XGBModel",
        {
            "eval_metric": "rmse",
            "colsample_bytree": 0.8879,
            "eta": 0.0421,
            "max_depth": 8,
            "n_estimators": 647,
            "subsample": 0.8789,
            "nthread": 1,
        },
        {"num_boost_round": 40, "early_stopping_rounds": 10},
    ),
}
