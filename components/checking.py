"""Checks of single arguments, in the words that all of them share."""

from __future__ import annotations

import math

from components.errors import InputError


def check_flag(name: str, value: object) -> None:
    """Do nothing for true and false.

    Raises:
        InputError: for anything else.
    """
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false, not {value!r:.60}")


def check_count(name: str, value: object, least: int = 1) -> None:
    """Do nothing for a whole number that is large enough.

    Raises:
        InputError: for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, not {value!r:.60}")


def check_number(name: str, value: object, least: float | None = None, above: float | None = None) -> None:
    """Do nothing for a finite number within the bounds that are given.

    Raises:
        InputError: for anything else.
    """
    bounds = f" of at least {least:g}" if least is not None else f" above {above:g}" if above is not None else ""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or (least is not None and value < least)
        or (above is not None and value <= above)
    ):
        raise InputError(f"{name} must be a number{bounds}, not {value!r:.60}")
