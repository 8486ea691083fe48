"""Strategies as Qlib's configs describe them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.backtest.strategy import TopkDropoutStrategy
from components.build import build
from components.errors import InputError

#: Qlib's defaults for daily trading.
DEFAULT_STRATEGY: Mapping[str, Any] = {"class": "TopkDropoutStrategy", "kwargs": {"topk": 50, "n_drop": 5}}
DEFAULT_EXCHANGE: Mapping[str, Any] = {
    "limit_threshold": 0.095,
    "deal_price": "close",
    "open_cost": 0.0005,
    "close_cost": 0.0015,
    "min_cost": 5,
}
#: What describes the signal in Qlib's configs; here it is always the prediction at hand.
_SIGNAL_KEYS = ("signal", "model", "dataset")


def read_strategy(config: Any) -> TopkDropoutStrategy:
    """The strategy that a description (``class``, ``kwargs``) names.

    Raises:
        InputError: for another signal than ``<PRED>``, an unknown class or wrong arguments.
    """
    kwargs = config.get("kwargs") or {} if isinstance(config, Mapping) else None
    if not isinstance(kwargs, Mapping):
        raise InputError(f"strategy: expected a description with 'class' and 'kwargs', not {config!r:.80}")
    signal = kwargs.get("signal")
    if isinstance(signal, str) and signal != "<PRED>":
        raise InputError(f"strategy: signal must be <PRED>, the run's own prediction, not {signal!r}")
    kwargs = {key: value for key, value in kwargs.items() if key not in _SIGNAL_KEYS}
    return build({**config, "kwargs": kwargs}, TopkDropoutStrategy, default_module="components.backtest")
