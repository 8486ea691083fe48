"""Arguments of handlers, data loaders and processors."""

from __future__ import annotations

from typing import Any

from wrong_inputs.case import HANDLER, LOADER, Case, changed, lacking, with_value, write_config

_ALPHA = changed(HANDLER, {"class": "Alpha158", "kwargs": {"instruments": "demo"}})


def _alpha(name: str, value: Any, says: str) -> Case:
    config = changed(f"{HANDLER}.kwargs.{name}", value, _ALPHA)
    return Case(name=f"Alpha158 {name}={value!r:.60}", says=says, prepare=write_config(config))


def _learn(processors: Any, says: str) -> Case:
    return with_value(f"{HANDLER}.kwargs.learn_processors", processors, says)


def _infer(processors: Any, says: str) -> Case:
    return with_value(f"{HANDLER}.kwargs.infer_processors", processors, says)


CASES = [
    with_value(HANDLER, 5, "task.dataset.kwargs.handler: expected class, module_path and kwargs, not 5"),
    with_value(HANDLER, "handler.pkl", "names a dumped handler, which would have to be unpickled"),
    with_value(HANDLER, {"class": 5}, "task.dataset.kwargs.handler: expected class"),
    with_value(
        f"{HANDLER}.class", "Alpha185", "no class 'Alpha185' in components.features; did you mean 'Alpha158'?"
    ),
    with_value(f"{HANDLER}.class", "DatasetH", "DatasetH is not a DataHandler"),
    with_value(f"{HANDLER}.kwargs", 5, "handler.kwargs: expected names and values, not 5"),
    with_value(f"{HANDLER}.kwargs", [1], "handler.kwargs: expected names and values"),
    with_value(f"{HANDLER}.kwarg", {}, "unknown key 'kwarg'"),
    with_value(f"{HANDLER}.module_path", "qlib.contrib.data.highfreq_handler", "has no counterpart here"),
    with_value(f"{HANDLER}.kwargs.instrumnts", "all", "did you mean 'instruments'?"),
    with_value(f"{HANDLER}.kwargs.trusted", ["os"], "unexpected keyword argument 'trusted'"),
    with_value(f"{HANDLER}.kwargs.instruments", "al", "no universe 'al'"),
    with_value(f"{HANDLER}.kwargs.instruments", "csi300", "no universe 'csi300'"),
    with_value(f"{HANDLER}.kwargs.instruments", [], "expected the name of a universe or a list of codes"),
    with_value(f"{HANDLER}.kwargs.instruments", 5, "expected the name of a universe or a list of codes"),
    with_value(f"{HANDLER}.kwargs.instruments", [1, 2], "expected the name of a universe or a list of codes"),
    with_value(f"{HANDLER}.kwargs.instruments", ["DEMO01"], "no instrument 'DEMO01'"),
    with_value(f"{HANDLER}.kwargs.instruments", ["demo001"], "no instrument 'demo001'"),
    with_value(
        f"{HANDLER}.kwargs.instruments", {"market": "all", "filter_pipe": [{}]}, "filter_pipe is not supported"
    ),
    with_value(f"{HANDLER}.kwargs.instruments", {"universe": "all"}, "expected the name of a universe"),
    with_value(f"{HANDLER}.kwargs.start_time", "2015-1-1", "not a date: '2015-1-1'"),
    with_value(f"{HANDLER}.kwargs.start_time", 20150101, "not a date: 20150101"),
    with_value(f"{HANDLER}.kwargs.start_time", "2030-01-01", "no trading day between 2030-01-01"),
    with_value(f"{HANDLER}.kwargs.end_time", "2010-01-01", "no trading day between"),
    with_value(f"{HANDLER}.kwargs.start_time", "2016-01-01", "segment 'train'"),
    with_value(f"{HANDLER}.kwargs.process_type", "appended", "did you mean 'append'?"),
    with_value(f"{HANDLER}.kwargs.process_type", 5, "process_type must be append or independent"),
    lacking(f"{HANDLER}.kwargs.data_loader", "data_loader"),
    with_value(f"{HANDLER}.kwargs.data_loader", "QlibDataLoader", "expected a description with 'class'"),
    with_value(f"{HANDLER}.kwargs.data_loader.class", "StaticDataLoader", "no class 'StaticDataLoader'"),
    with_value(f"{HANDLER}.kwargs.data_loader.class", "Alpha158", "Alpha158 is not a QlibDataLoader"),
    with_value(f"{HANDLER}.kwargs.data_loader.kwargs.freq", "1min", "freq '1min' is not supported"),
    with_value(f"{HANDLER}.kwargs.data_loader.kwargs.swap_level", False, "swap_level must be true"),
    with_value(f"{HANDLER}.kwargs.data_loader.kwargs.inst_processors", [{}], "inst_processors are not supported"),
    with_value(LOADER, 5, "config must hold the groups feature and label"),
    lacking(f"{LOADER}.label", "config must hold the groups feature and label"),
    with_value(f"{LOADER}.labels", [], "unknown group 'labels'; did you mean 'label'?"),
    _learn("DropnaLabel", "learn_processors: expected a list of processors, not 'DropnaLabel'"),
    _learn({"class": "DropnaLabel"}, "learn_processors: expected a list of processors"),
    _learn(5, "learn_processors: expected a list of processors, not 5"),
    _learn([5], "expected a description with 'class'"),
    _learn(["DropnaLable"], "did you mean 'DropnaLabel'?"),
    _learn([{"class": "Block"}], "Block is not a Processor"),
    _learn([{"class": "Transform"}], "Transform is abstract"),
    _learn([{"class": "Fillna", "kwargs": {"fill": 0}}], "it takes fields_group, fill_value"),
    _learn([{"class": "Fillna", "kwargs": {"fields_group": "features"}}], "did you mean 'feature'?"),
    _learn([{"class": "Fillna", "kwargs": {"fields_group": 5}}], "fields_group"),
    _learn([{"class": "Fillna", "kwargs": {"fill_value": "zero"}}], "Fillna: fill_value must be a number"),
    _learn([{"class": "CSZScoreNorm", "kwargs": {"method": "zcore"}}], "did you mean 'zscore'?"),
    _learn([{"class": "CSZScoreNorm", "kwargs": {"method": 5}}], "method must be zscore or robust"),
    _learn([{"class": "DropCol", "kwargs": {"col_list": ["KLEN"]}}], "remove them in both"),
    _learn([{"class": "DropCol", "kwargs": {"col_list": 5}}], "DropCol: col_list must be a list of column names"),
    _learn([{"class": "HashStockFormat"}], "no class 'HashStockFormat'"),
    _learn([{"class": "Popen", "module_path": "subprocess"}], "is not one of rollflow's"),
    _learn([{"class": "MyProc", "module_path": "mypkg"}], "ROLLFLOW_TRUSTED_MODULES=mypkg"),
    _infer(
        [{"class": "FilterCol", "kwargs": {"col_list": ["NONE"]}}], "the processors leave no feature or no label"
    ),
    _infer(["DropnaLabel"], "DropnaLabel cannot be an infer processor"),
    _infer([{"class": "RobustZScoreNorm"}], "missing a required argument: 'fit_start_time'"),
    _infer(
        [{"class": "ZScoreNorm", "kwargs": {"fit_start_time": "2030-01-01", "fit_end_time": "2030-12-31"}}],
        "no trading day between 2030-01-01",
    ),
    _infer(
        [{"class": "ZScoreNorm", "kwargs": {"fit_start_time": "2015-1-1", "fit_end_time": None}}],
        "not a date: '2015-1-1'",
    ),
    _infer(
        [
            {
                "class": "RobustZScoreNorm",
                "kwargs": {"fit_start_time": None, "fit_end_time": None, "clip_outlier": "x"},
            },
        ],
        "RobustZScoreNorm: clip_outlier must be true or false",
    ),
    _alpha("infer_processors", ["RobustZScoreNorm"], "give the handler fit_start_time and fit_end_time"),
    _alpha("infer_processors", "Fillna", "infer_processors: expected a list of processors"),
    _alpha("freq", "60min", "freq '60min' is not supported"),
    _alpha("filter_pipe", [{"class": "NameDFilter"}], "filter_pipe is not supported"),
    _alpha("label", 5, "label: expected [expression, ...]"),
    _alpha("label", ["Ref($clos, -2)/$close"], "no field $clos"),
    _alpha("label", ["$close/Ref($close, 1)", "$open"], "two labels"),
    _alpha("fit_start_time", "01/02/2015", "not a date: '01/02/2015'"),
    _alpha("windows", [5], "unexpected keyword argument 'windows'"),
]
