"""Arguments of models: what LightGBM or scikit-learn would refuse after the data has been made."""

from __future__ import annotations

from typing import Any

from wrong_inputs.case import Case, changed, with_value, write_config

_TREES = changed("task.model", {"class": "LGBModel", "kwargs": {}})


def _lgb(name: str, value: Any, says: str) -> Case:
    config = changed(f"task.model.kwargs.{name}", value, _TREES)
    return Case(name=f"LGBModel {name}={value!r}", says=says, prepare=write_config(config))


def _linear(says: str, **kwargs: Any) -> Case:
    return with_value("task.model.kwargs", kwargs, says)


def _model(model: Any, says: str) -> Case:
    return with_value("task.model", model, says)


def _xgb(name: str, value: Any, says: str) -> Case:
    return _model({"class": "XGBModel", "kwargs": {name: value}}, says)


def _cat(name: str, value: Any, says: str) -> Case:
    return _model({"class": "CatBoostModel", "kwargs": {name: value}}, says)


def _double(says: str, **kwargs: Any) -> Case:
    return _model({"class": "DEnsembleModel", "kwargs": kwargs}, says)


def _sklearn(name: str, module: str, says: str, **kwargs: Any) -> Case:
    return _model({"class": name, "module_path": f"sklearn.{module}", "kwargs": kwargs}, says)


_POPEN = {"class": "Popen", "module_path": "subprocess", "kwargs": {"args": "id"}}

CASES = [
    _lgb("num_leaves", -5, "num_leaves"),
    _lgb("num_leaves", 1, "num_leaves"),
    _lgb("num_leaves", "many", "num_leaves"),
    _lgb("num_leaves", 2.5, "num_leaves"),
    _lgb("num_leafs", 5, "LGBModel: LightGBM has no parameter 'num_leafs'; did you mean 'num_leaves'?"),
    _lgb("learning_rate", -1, "learning_rate"),
    _lgb("learning_rate", 0, "learning_rate"),
    _lgb("learning_rate", "fast", "learning_rate"),
    _lgb("learning_rte", 0.1, "did you mean 'learning_rate'?"),
    _lgb("num_boost_round", 0, "LGBModel: num_boost_round must be a whole number of at least 1, not 0"),
    _lgb("num_boost_round", -5, "num_boost_round must be a whole number of at least 1"),
    _lgb("num_boost_round", "x", "num_boost_round must be a whole number of at least 1"),
    _lgb("num_boost_round", 2.5, "num_boost_round must be a whole number of at least 1"),
    _lgb("num_boost_round", True, "num_boost_round must be a whole number of at least 1"),
    _lgb("early_stopping_rounds", 0, "early_stopping_rounds must be a whole number of at least 1"),
    _lgb("early_stopping_rounds", "x", "early_stopping_rounds must be a whole number of at least 1"),
    _lgb("num_threads", "x", "num_threads must be a whole number, not 'x'"),
    _lgb("num_threads", 2.5, "num_threads must be a whole number, not 2.5"),
    _lgb("n_jobs", "all", "n_jobs must be a whole number, not 'all'"),
    _lgb("loss", "mae", "loss 'mae' is not supported; use mse or binary"),
    _lgb("loss", 5, "loss 5 is not supported"),
    _lgb("objective", "squared", "squared"),
    _lgb("boosting", "gdbt", "gdbt"),
    _lgb("metric", "ic", "metric 'ic'"),
    _lgb("lambda_l1", -2, "lambda_l1"),
    _lgb("lambda_l2", "x", "lambda_l2"),
    _lgb("max_bin", 1, "max_bin"),
    _lgb("max_depth", "deep", "max_depth"),
    _lgb("bagging_fraction", 2, "bagging_fraction"),
    _lgb("colsample_bytree", 0, "colsample_bytree"),
    _lgb("min_data_in_leaf", -1, "min_data_in_leaf"),
    _lgb("bin_days", ["2015-01-01"], "bin_days: expected [first day, last day]"),
    _lgb("bin_days", 5, "bin_days: expected [first day, last day]"),
    _lgb("bin_days", ["2015-1-1", "2015-12-31"], "not a date: '2015-1-1'"),
    _lgb("verbosity", "loud", "verbosity"),
    _lgb("params", {"num_leaves": 5}, "LightGBM has no parameter 'params'"),
    _lgb("kwargs", {}, "LightGBM has no parameter 'kwargs'"),
    _lgb("callbacks", ["x"], "LightGBM has no parameter 'callbacks'"),
    _linear("unknown estimator 'olss'", estimator="olss"),
    _linear("unknown estimator 5", estimator=5),
    _linear("alpha is for ridge and lasso, not for ols", alpha=1),
    _linear("alpha must be a number of at least 0, not -1", estimator="ridge", alpha=-1),
    _linear("alpha must be a number of at least 0, not 'x'", estimator="ridge", alpha="x"),
    _linear("alpha must be a number of at least 0, not True", estimator="ridge", alpha=True),
    _linear("alpha must be a number of at least 0, not [1]", estimator="lasso", alpha=[1]),
    _linear("fit_intercept must be true or false, not 'yes'", fit_intercept="yes"),
    _linear("include_valid must be true or false, not 1", include_valid=1),
    _linear("unexpected keyword argument 'alhpa'; did you mean 'alpha'?", alhpa=1),
    _model(5, "task: the section 'model' is missing"),
    _model("LGBModel", "task: the section 'model' is missing"),
    _model([{"class": "LGBModel"}], "task: the section 'model' is missing"),
    _model({}, "task.model: expected a class"),
    _model({"class": 5}, "task.model: expected a class"),
    _model({"class": ""}, "task.model"),
    _model({"class": "LGBModle"}, "did you mean 'LGBModel'?"),
    _model({"class": "Model"}, "Model is abstract"),
    _model({"class": "Fit"}, "Fit is not a Model"),
    _model({"class": "LinearModel", "kwargs": 5}, "kwargs must be names and values, not 5"),
    _model({"class": "LinearModel", "args": {}}, "unknown key 'args'"),
    _model({"class": "LinearModel", "module_path": 5}, "module_path 5"),
    _model({"class": "LinearModel", "module_path": "../models"}, "must be dotted names"),
    _model({"class": "LinearModel", "module_path": "components.model"}, "cannot be imported"),
    _model(
        {"class": "LinearModel", "module_path": "components.models.linear\n"},
        "class and module_path must be dotted names",
    ),
    _model({"class": "XGBRegressor", "module_path": "xgboost"}, "derive a class of your own"),
    _sklearn("Rigde", "linear_model", "no class 'Rigde' in sklearn.linear_model; did you mean 'Ridge'?"),
    _sklearn("Ridge", "nowhere", "module 'sklearn.nowhere' of class 'Ridge' cannot be imported"),
    _sklearn("PCA", "decomposition", "PCA is neither a regressor nor a classifier"),
    _sklearn("load_iris", "datasets", "no class 'load_iris' in sklearn.datasets"),
    _sklearn("Ridge", "linear_model", "The 'alpha' parameter of Ridge must be", alpha="x"),
    _sklearn("Ridge", "linear_model", "did you mean 'alpha'?", alhpa=1),
    _sklearn("RandomForestRegressor", "ensemble", "The 'n_jobs' parameter", n_jobs="all"),
    _sklearn("RandomForestRegressor", "ensemble", "The 'n_estimators' parameter", n_estimators=0),
    _sklearn("BaggingRegressor", "ensemble", "The 'estimator' parameter", estimator="Ridge"),
    _sklearn("Pipeline", "pipeline", "The 'steps' parameter of Pipeline", steps=5),
    _sklearn("Pipeline", "pipeline", "The pipeline is empty", steps=[]),
    _sklearn("Pipeline", "pipeline", "class subprocess.Popen is not one of", steps=[["a", _POPEN]]),
    _xgb("max_dept", 5, "XGBoost has no parameter 'max_dept'"),
    _xgb("max_depth", "deep", "max_depth"),
    _xgb("eta", -1, "learning_rate"),
    _xgb("eta", "fast", "eta"),
    _xgb("subsample", 2, "subsample"),
    _xgb("objective", "squared", "Unknown objective function"),
    _xgb("eval_metric", "ic", "Unknown metric function ic"),
    _xgb("tree_method", "fast", "does not take tree_method 'fast'"),
    _xgb("nthread", "all", "nthread must be a whole number, not 'all'"),
    _xgb("num_boost_round", 0, "num_boost_round must be a whole number of at least 1"),
    _xgb("early_stopping_rounds", "x", "early_stopping_rounds must be a whole number of at least 1"),
    _xgb("use_best_iteration", "yes", "use_best_iteration must be true or false, not 'yes'"),
    _cat("bootstrap_type", "Poisson", "say bootstrap_type: Bernoulli, or task_type: GPU where there is one"),
    _cat("max_dept", 5, "CatBoost has no parameter 'max_dept'; did you mean 'max_depth'?"),
    _cat("max_depth", "deep", "does not take max_depth 'deep'"),
    _cat("learning_rate", 0, "learning_rate must be a number above 0, not 0"),
    _cat("subsample", 2, "Subsample should be in (0,1]"),
    _cat("grow_policy", "Deep", "'Deep' is unknown"),
    _cat("loss", "MAE", "loss 'MAE' is not supported; use RMSE or Logloss"),
    _cat("thread_count", "all", "thread_count must be a whole number, not 'all'"),
    _cat("iterations", 100, "for iterations say num_boost_round"),
    _cat("num_boost_round", 0, "num_boost_round must be a whole number of at least 1"),
    _double("decay must be a number of at least 0, not None"),
    _double("base_model 'mlp' is not supported; use gbm", decay=0.5, base_model="mlp"),
    _double("loss 'binary' is not supported; use mse", decay=0.5, loss="binary"),
    _double("num_models must be a whole number of at least 1", decay=0.5, num_models=0),
    _double("sub_weights: expected a list of 6 weights", decay=0.5, sub_weights=[1]),
    _double("sample_ratios: expected a list of 5 shares", decay=0.5, sample_ratios=0.5),
    _double("DEnsembleModel: LightGBM has no parameter 'num_leafs'", decay=0.5, num_leafs=5),
    _double("DEnsembleModel: LightGBM does not take learning_rate -1", decay=0.5, learning_rate=-1),
    _model({"class": "SklearnModel"}, "missing a required argument: 'estimator'"),
    _model({"class": "SklearnModel", "kwargs": {"estimator": "Ridge"}}, "estimator must be a description"),
    _model({"class": "system", "module_path": "os"}, "is not one of rollflow's"),
    _model({"class": "Popen", "module_path": "subprocess", "kwargs": {"args": "id"}}, "is not one of rollflow's"),
    _model({"class": "eval", "module_path": "builtins"}, "is not one of rollflow's"),
    _model({"class": "MongoClient", "module_path": "components.pool.connection"}, "is not a Model"),
    _model({"class": "ChildProcess", "module_path": "components.execution.subprocess_handle"}, "is not a Model"),
    _model(
        {"class": "HIST", "module_path": "qlib.contrib.model.pytorch_hist"},
        "qlib.contrib.model.pytorch_hist.HIST has no counterpart here; take CatBoostModel, DEnsembleModel, "
        "LGBModel, LinearModel, SklearnModel, XGBModel, or one of your own as docs/models.md shows",
    ),
    _model({"class": "MyModel", "module_path": "nowhere.models"}, "ROLLFLOW_TRUSTED_MODULES=nowhere.models"),
    _model({"class": "MyModel", "module_path": "componentsx"}, "ROLLFLOW_TRUSTED_MODULES=componentsx"),
]
