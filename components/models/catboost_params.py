"""Whether CatBoost takes parameters, found out before there is anything to train."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import catboost
import numpy as np

from components.errors import InputError, nearest

#: Parameters that only fit together with the features of a dataset.
_OF_THE_FEATURES = {
    "feature_weights",
    "first_feature_use_penalties",
    "ignored_features",
    "monotone_constraints",
    "penalties_coefficient",
    "per_float_feature_quantization",
    "per_object_feature_penalties",
}
#: Parameters that print or write.
_OF_THE_OUTPUT = {"verbose", "logging_level", "verbose_eval", "silent", "allow_writing_files", "train_dir"}
#: What CatBoost puts before its messages: a place in its code.
_PLACE = re.compile(r"^\S+\.(cpp|h):\d+: (Error: )?")
#: Parameters that CatBoost has taken.
_accepted: set[str] = set()


def check_params(params: Mapping[str, Any], features: int | None = None) -> None:
    """Refuse parameters that CatBoost does not take, tried on next to no data.

    Args:
        params: CatBoost's parameters, for the CPU.
        features: How many features there are to learn from; None: not known yet, and what depends on them is not
            looked at.

    Raises:
        InputError: naming the parameter, where one alone is to blame.
    """
    left_out = _OF_THE_OUTPUT | (set() if features else _OF_THE_FEATURES)
    tried = {name: value for name, value in params.items() if name not in left_out}
    key = repr((sorted(tried.items()), features))  # windows of one template have the same
    if key in _accepted:
        return
    if refusal := _refusal(tried, features or 2):
        if unknown := re.match(r"Unknown option \{(\w+)\}", refusal):
            known = inspect.signature(catboost.CatBoostRegressor).parameters
            raise InputError(f"CatBoostModel: CatBoost has no parameter {unknown[1]!r}{nearest(unknown[1], known)}")
        for name, value in tried.items():
            if _refusal({name: value}, features or 2) == refusal:
                raise InputError(f"CatBoostModel: CatBoost does not take {name} {value!r:.60}: {refusal}")
        raise InputError(f"CatBoostModel: CatBoost does not take these parameters together: {refusal}")
    _accepted.add(key)


def _refusal(params: Mapping[str, Any], features: int) -> str | None:
    """Why CatBoost refuses parameters, tried on next to no data; None: it takes them."""
    X = np.tile(np.arange(8, dtype=np.float32)[:, None], features)
    quiet = {"iterations": 1, "logging_level": "Silent", "allow_writing_files": False}
    try:
        model = catboost.CatBoost({**quiet, **params})
        model.fit(X, np.arange(8) % 2)
    except (catboost.CatBoostError, TypeError, ValueError) as error:
        line = _PLACE.sub("", str(error).strip().splitlines()[0])
        if names := re.match(r"Key '(.*?)' not found in enum \w+\. Valid options are: (.*)", line):
            options = re.findall(r"'(\w+)'", names[2])
            return f"{names[1]!r} is unknown{nearest(names[1], options)}"
        return line
    return None if model.predict(X).ndim == 1 else "it would give several scores a row"
