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


def lookback(expression: Expression) -> int:
    """Trading days before a period on which the series of an expression begin, as in Qlib.

    The period is a handler's, from its `start_time`.

    So its windows are full on the first day, as far as the instrument has data. Exponential means and windows over
    all days so far begin there as well, and running updates with whatever rounding errors they keep.
    """
    return int(max(0, _days_before(expression)))


def depends_on_start(expression: Expression) -> bool:
    """Whether values depend on the day on which the series begin, if only in their last bits."""
    return isinstance(expression, Call) and (
        starts_counting(expression) or any(map(depends_on_start, expression.inputs))
    )


def starts_counting(call: Call) -> bool:
    """Whether the operator itself makes values depend on that day."""
    return OPERATORS[call.operator].running or call.window == EXPANDING


def can_resume(expression: Expression) -> bool:
    """Whether the states of running operators and the days of their windows are enough to compute later days.

    They are not where a window looks at what a running operator gave on earlier days, nor over all days so far.
    """
    if not isinstance(expression, Call):
        return True
    windowed = expression.window is not None
    if windowed and (expression.window == EXPANDING or any(map(depends_on_start, expression.inputs))):
        return False
    if starts_counting(expression) and common_lead(expression) is None:
        return False
    return all(map(can_resume, expression.inputs))


def lookahead(expression: Expression) -> int:
    """Trading days after the current one that a value depends on: 2 for ``Ref($close, -2)/Ref($close, -1) - 1``.

    An upper bound: a shift to the future and back again counts as one to the future.
    """
    if not isinstance(expression, Call):
        return 0
    ahead = max(map(lookahead, expression.inputs))
    return (
        ahead + max(-int(expression.window or 0), 0) if OPERATORS[expression.operator].shortest is None else ahead
    )


def leading_days(expression: Expression) -> int | None:
    """Days at the beginning of its series on which an expression is certainly NaN.

    On all later days its values do not depend on where the series begin. None where there is no such number: for
    windows, which are shorter at the beginning, and for conditions, which NaN makes false.
    """
    if not isinstance(expression, Call):
        return 0
    days = [leading_days(series) for series in expression.inputs]
    if None in days:
        return None
    most = max(day for day in days if day is not None)
    if expression.operator == "Ref" and expression.window != EXPANDING:
        return max(0, most + int(expression.window or 0))
    return most if OPERATORS[expression.operator].propagates_nan else None


def common_lead(call: Call) -> int | None:
    """Days by which an operator may begin later because all its series are NaN on them; None: it may not."""
    leads = {leading_days(series) for series in call.inputs}
    if leads == {0}:
        return 0
    days_count = OPERATORS[call.operator].positional or call.window == EXPANDING
    return None if days_count or (call.window or 0) < 0 or len(leads) > 1 else leads.pop()


def _days_before(expression: Expression) -> float:
    """What Qlib reckons; a pair of series with a window over all days so far counts for less than nothing in it."""
    if not isinstance(expression, Call):
        return 0
    before = max(map(_days_before, expression.inputs))
    window, operator = expression.window, OPERATORS[expression.operator]
    if window is None:
        return before
    if window == EXPANDING:
        return before if operator.series == 1 else -math.inf
    if 0 < window < 1:  # until the weight of a day has fallen to a millionth
        window = int(math.log(1e-6) / min(math.log(1 - window), -1e-9))
    return before + max(window if expression.operator == "Ref" else window - 1, 0)


def fields(expression: Expression) -> frozenset[str]:
    """Names of the fields that occur."""
    if isinstance(expression, Field):
        return frozenset({expression.name})
    if isinstance(expression, Call):
        return frozenset().union(*map(fields, expression.inputs))
    return frozenset()
