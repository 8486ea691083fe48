"""Expressions as values: structurally equal ones are equal, so common parts are found by looking them up."""

from __future__ import annotations

import math
from dataclasses import dataclass

from components.features.operators import EXPANDING, OPERATORS


class Expression:
    """A formula over the fields of an instrument. ``str`` is its canonical text, which parses to an equal one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Field(Expression):
    """A field of the market, written ``$name``."""

    name: str

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """A number. It takes the precision of what it meets, so it never widens a float32 series."""

    value: float

    def __str__(self) -> str:
        return _number(self.value)


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """An operator applied to series."""

    operator: str
    inputs: tuple[Expression, ...]
    #: Trading days; for EMA also a decay between 0 and 1; None for element-wise operators.
    window: float | None = None
    quantile: float | None = None

    def __str__(self) -> str:
        numbers = [_number(number) for number in (self.window, self.quantile) if number is not None]
        return f"{self.operator}({', '.join([*map(str, self.inputs), *numbers])})"


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def is_condition(expression: Expression) -> bool:
    """Whether the values are true and false rather than numbers."""
    return isinstance(expression, Call) and OPERATORS[expression.operator].condition


def lookback(expression: Expression) -> int | None:
    """Trading days before the current one that a value depends on; None when it depends on all of them.

    So do an exponential mean and a standard deviation, however little on the oldest.
    """
    back, _ = _reach(expression)
    return None if math.isinf(back) else int(back)


def lookahead(expression: Expression) -> int:
    """Trading days after the current one that a value depends on: 2 for ``Ref($close, -2)/Ref($close, -1) - 1``.

    An upper bound: a shift to the future and back again counts as one to the future.
    """
    return int(_reach(expression)[1])


def _reach(expression: Expression) -> tuple[float, float]:
    """Days (back, ahead) on which an operator below reads something."""
    if not isinstance(expression, Call):
        return 0, 0
    reaches = [_reach(series) for series in expression.inputs]
    back, ahead = max(back for back, _ in reaches), max(ahead for _, ahead in reaches)
    window = expression.window
    if window is None:
        return back, ahead
    if window == EXPANDING or OPERATORS[expression.operator].running:
        return math.inf, ahead
    if OPERATORS[expression.operator].shortest is None:
        return back + max(window, 0), ahead + max(-window, 0)
    return back + window - 1, ahead


def fields(expression: Expression) -> frozenset[str]:
    """Names of the fields that occur."""
    if isinstance(expression, Field):
        return frozenset({expression.name})
    if isinstance(expression, Call):
        return frozenset().union(*map(fields, expression.inputs))
    return frozenset()
