"""What the values of a matrix depend on, but for the data, as one hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any

from components.data.market import Market
from components.errors import InputError
from components.features.growth import last_fit_day
from components.features.handler import DataHandler
from components.features.matrix_files import FORMAT
from components.features.processors import Processor, Scaler


def matrix_key(handler: DataHandler, market: Market, last: int | None = None) -> str:
    """SHA-256 of what values of a matrix depend on, but for the data.

    The last day only matters where processors are fitted on days until then.

    Args:
        handler: The handler.
        market: Gives the calendar.
        last: Calendar position of the last day, if it is not the handler's.

    Raises:
        InputError: for a processor that cannot be told from others of its class.
    """
    first, end = handler.span(market)
    last = end if last is None else last
    identity = {
        "format": FORMAT,
        "instruments": handler.instruments,
        "start": str(market.calendar[first]),
        "columns": [list(columns.items()) for columns in handler.columns.values()],
        "process_type": handler.process_type,
        "infer": [_identity(step, market, first, last) for step in handler.infer_processors],
        "learn": [_identity(step, market, first, last) for step in handler.learn_processors],
    }
    if handler.overrides:
        name = f"{type(handler).__module__}.{type(handler).__qualname__}"
        identity |= {
            "handler": name,
            "arguments": repr(sorted(vars(handler).items())),
            "data": market.version,
            "end": end,
        }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _identity(processor: Processor, market: Market, first: int, last: int) -> dict[str, Any]:
    identity = {"class": f"{type(processor).__module__}.{type(processor).__qualname__}", **vars(processor)}
    if is_dataclass(processor):  # one with slots has no vars
        identity |= {field.name: getattr(processor, field.name) for field in fields(processor)}
    try:
        json.dumps(identity, sort_keys=True)
    except (TypeError, ValueError) as error:
        name = type(processor).__name__
        raise InputError(
            f"{name}: its attributes must be plain values, which tell it from others ({error})"
        ) from None
    if isinstance(processor, Scaler):
        # two spellings of the same days are the same, and so are days that the handler does not have
        start = max(market.calendar.span(processor.fit_start_time, processor.fit_end_time)[0], first)
        end = last_fit_day(processor, market, last)
        identity |= {"fit_start_time": str(market.calendar[start]), "fit_end_time": str(market.calendar[end])}
    return identity
