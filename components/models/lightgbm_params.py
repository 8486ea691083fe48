"""Whether LightGBM takes parameters, found out before there is anything to train."""

from __future__ import annotations

import math
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import lightgbm as lgb
import numpy as np

from components.errors import InputError, nearest

#: Parameters that only fit together with the features of a dataset.
_OF_THE_FEATURES = (
    "categorical_feature",
    "cegb_penalty_feature_coupled",
    "cegb_penalty_feature_lazy",
    "feature_contri",
    "forcedbins_filename",
    "forcedsplits_filename",
    "interaction_constraints",
    "max_bin_by_feature",
    "monotone_constraints",
)
#: Parameters that may be right on another machine, or that would reach for others.
_OF_THE_MACHINE = (
    "device_type",
    "gpu_device_id",
    "gpu_device_id_list",
    "gpu_platform_id",
    "local_listen_port",
    "machine_list_filename",
    "machines",
    "num_gpu",
    "num_machines",
    "tree_learner",
)
#: File descriptor of the standard error stream, which C++ writes to.
_STDERR = 2
_stderr_lock = threading.Lock()
#: Parameters that LightGBM has taken.
_accepted: set[str] = set()


def check_names(params: Mapping[str, Any], *, model: str = "LGBModel") -> None:
    """Refuse parameters that LightGBM does not know, and would ignore, and numbers that are not finite.

    Args:
        params: LightGBM's parameters.
        model: Name of the class of the model, for the error.

    Raises:
        InputError: naming the parameter.
    """
    names = _aliases()
    for name, value in params.items():
        if names and name not in names:
            hint = nearest(name, names.values()) or nearest(name, names)
            raise InputError(f"{model}: LightGBM has no parameter {name!r}{hint}")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{model}: {name} is {value}; give a finite number")


def check_values(params: Mapping[str, Any], features: int | None = None, *, model: str = "LGBModel") -> None:
    """Refuse parameters that LightGBM does not take, tried on next to no data.

    Args:
        params: LightGBM's parameters, ``num_threads`` among them where a training of this process uses it:
            LightGBM has one number of threads for the whole process.
        features: How many features there are to learn from; None: not known yet, and what depends on them is not
            looked at.
        model: Name of the class of the model, for the error.

    Raises:
        InputError: naming the parameter, where one alone is to blame.
    """
    names = _aliases()
    left_out = {*_OF_THE_MACHINE, *(_OF_THE_FEATURES if features is None else ())}
    tried = {name: value for name, value in params.items() if names.get(name, name) not in left_out}
    key = repr((sorted(tried.items()), features))  # windows of one template have the same
    if key in _accepted:
        return
    if refusal := _refusal(tried, features or 1):
        threads = {name: value for name, value in tried.items() if name == "num_threads"}
        for name, value in tried.items():
            if _refusal({**threads, name: value}, features or 1) == refusal:
                raise InputError(f"{model}: LightGBM does not take {name} {value!r:.60}: {refusal}")
        raise InputError(f"{model}: LightGBM does not take these parameters together: {refusal}")
    _accepted.add(key)


@cache
def _aliases() -> Mapping[str, str]:
    """Names of LightGBM's parameters, each with the main one of the same meaning; empty if it does not tell."""
    try:
        known: Mapping[str, list[str]] = lgb.basic._ConfigAliases._get_all_param_aliases()
    except AttributeError:  # private: another version may have another way to ask
        return {}
    return {alias: name for name, aliases in known.items() for alias in aliases}


def _refusal(params: Mapping[str, Any], features: int) -> str | None:
    """Why LightGBM refuses parameters, tried on next to no data; None: it takes them."""
    X = np.tile(np.arange(8.0)[:, None], features)
    y = 0.5 + np.arange(8) % 2 / 2  # labels that every objective takes
    quiet = {"verbosity": -1, "min_data_in_bin": 1}
    try:
        with _without_fatal_lines():
            data = lgb.Dataset(X, label=y, params={**quiet, **params})
            booster = lgb.Booster({**quiet, **params}, data)
    except (lgb.basic.LightGBMError, TypeError, ValueError) as error:
        return str(error).partition(" at /")[0].strip()
    if booster.num_model_per_iteration() != 1:
        return "it would give several scores a row"
    return None if booster.eval_train() else "it measures nothing, and early stopping needs a metric"


@contextmanager
def _without_fatal_lines() -> Iterator[None]:
    """Keep LightGBM's lines on fatal errors, which it also raises, from the standard error stream."""
    with _stderr_lock, tempfile.TemporaryFile() as written:
        sys.stderr.flush()
        kept = os.dup(_STDERR)
        os.dup2(written.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            written.seek(0)
            for line in written:
                if line.strip() and not line.startswith(b"[LightGBM] [Fatal]"):
                    os.write(_STDERR, line)  # somebody else's
