"""Whether XGBoost takes parameters, found out before there is anything to train."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xgboost as xgb

from components.errors import InputError, nearest

#: Parameters that may be right on another machine, and one that changes what all boosters of a process print.
_NOT_TRIED = {"device", "verbosity"}
#: Parameters that only fit together with the features of a dataset.
_OF_THE_FEATURES = {"monotone_constraints", "interaction_constraints", "feature_weights"}
#: What XGBoost puts before its messages: the time, a place in its code, what it has checked there.
_PLACE = re.compile(r"^\[\d\d:\d\d:\d\d\] \S+: (WARNING: )?(\S+: )?(Check failed: .*?: )?")
#: Parameters that XGBoost has taken.
_accepted: set[str] = set()


def check_params(params: Mapping[str, Any], features: int | None = None) -> None:
    """Refuse parameters that XGBoost does not take or would ignore, tried on next to no data.

    Args:
        params: XGBoost's parameters.
        features: How many features there are to learn from; None: not known yet, and what depends on them is not
            looked at.

    Raises:
        InputError: naming the parameter, where one alone is to blame.
    """
    for name, value in params.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"XGBModel: {name} is {value}; give a finite number")
    if str(params.get("objective")).startswith(("multi:", "rank:")):
        raise InputError(f"XGBModel: objective {params['objective']!r} does not give one score a row by itself")
    left_out = _NOT_TRIED | (set() if features else _OF_THE_FEATURES)
    tried = {name: value for name, value in params.items() if name not in left_out}
    key = repr((sorted(tried.items()), features))  # windows of one template have the same
    if key in _accepted:
        return
    if refusal := _refusal(tried, features or 1):
        for name, value in tried.items():
            if _refusal({name: value}, features or 1) == refusal:
                raise InputError(f"XGBModel: XGBoost does not take {name} {value!r:.60}: {refusal}")
        raise InputError(f"XGBModel: XGBoost does not take these parameters together: {refusal}")
    _accepted.add(key)


def _refusal(params: Mapping[str, Any], features: int) -> str | None:
    """Why XGBoost refuses parameters, tried on next to no data; None: it takes them.

    Raises:
        InputError: naming a parameter that XGBoost does not use.
    """
    data = xgb.DMatrix(np.tile(np.arange(8.0)[:, None], features), label=np.arange(8) % 2)
    with warnings.catch_warnings(record=True) as said, xgb.config_context(verbosity=1):
        warnings.simplefilter("always")
        try:
            booster = xgb.train(dict(params), data, 1, evals=[(data, "train")], verbose_eval=False)
        except (xgb.core.XGBoostError, AttributeError, TypeError, ValueError) as error:
            return _PLACE.sub("", str(error).strip().splitlines()[0])
    if unused := re.findall(
        r'"([^"]*)"', "".join(str(each.message) for each in said if "not used" in str(each.message))
    ):
        hint = nearest(unused[0], set(_names(json.loads(booster.save_config()))))
        raise InputError(
            f"XGBModel: XGBoost has no parameter {unused[0]!r}, or no use for it beside the others{hint}"
        )
    return None


def _names(config: Any) -> Iterator[str]:
    """Names of the parameters in a booster's config."""
    if isinstance(config, Mapping):
        for name, value in config.items():
            if isinstance(value, str):
                yield name
            else:
                yield from _names(value)
    elif isinstance(config, list):
        for value in config:
            yield from _names(value)
