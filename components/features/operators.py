"""The operators of Qlib's expression language: what each takes."""

from __future__ import annotations

from dataclasses import dataclass

#: The window of an operator that looks at all days since its series began (Qlib's N = 0).
EXPANDING = 0
#: Days of the longest window; more than any market has.
LONGEST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The arguments of an operator: first the series, then the window and the quantile if it takes them."""

    #: How many series it takes; numbers may stand in for series of an element-wise operator.
    series: int
    #: It takes a window N in trading days.
    rolling: bool = False
    #: The shortest window, apart from 0 (expanding); None: any number of days, also of the future.
    shortest: int | None = 1
    #: It takes a quantile between 0 and 1 after the window.
    quantile: bool = False
    #: It takes a decay between 0 and 1 in the place of the window.
    decay: bool = False
    #: Its value depends on where its series begins: days before the window leave small weights or rounding errors.
    running: bool = False
    #: It looks at single days, and a NaN among its arguments makes the result NaN.
    propagates_nan: bool = False
    #: It counts the days of its window, whether they are NaN or not.
    positional: bool = False
    #: Its values are true or false.
    condition: bool = False
    #: Its series must be true or false.
    logical: bool = False

    @property
    def arity(self) -> int:
        """The number of arguments it is written with."""
        return self.series + self.rolling + self.quantile


_ONE = Operator(series=1, propagates_nan=True)
_TWO = Operator(series=2, propagates_nan=True)
_COMPARISON = Operator(series=2, condition=True)
_LOGICAL = Operator(series=2, condition=True, logical=True)
_WINDOW = Operator(series=1, rolling=True)

OPERATORS = {
    **dict.fromkeys(("Abs", "Sign", "Log"), _ONE),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Greater", "Less"), _TWO),
    "Power": Operator(series=2),  # NaN to the power of 0 is 1
    **dict.fromkeys(("Gt", "Ge", "Lt", "Le", "Eq", "Ne"), _COMPARISON),
    **dict.fromkeys(("And", "Or"), _LOGICAL),
    "Not": Operator(series=1, condition=True, logical=True),
    "If": Operator(series=3),
    "Ref": Operator(series=1, rolling=True, shortest=None),
    # Qlib lets its series begin a day too late, so that a handler's first day has no value
    "Delta": Operator(series=1, rolling=True, shortest=None, running=True),
    **dict.fromkeys(("Mean", "Sum", "Max", "Min", "Med", "Mad", "Rank", "Count"), _WINDOW),
    **dict.fromkeys(("IdxMax", "IdxMin", "WMA"), Operator(series=1, rolling=True, positional=True)),
    **dict.fromkeys(("Std", "Var", "Slope", "Resi", "Rsquare"), Operator(series=1, rolling=True, running=True)),
    "Skew": Operator(series=1, rolling=True, shortest=3),
    "Kurt": Operator(series=1, rolling=True, shortest=4),
    "EMA": Operator(series=1, rolling=True, decay=True, running=True),
    "Quantile": Operator(series=1, rolling=True, quantile=True),
    **dict.fromkeys(("Corr", "Cov"), Operator(series=2, rolling=True, running=True)),
}

#: Operators that Qlib has and this package does not.
UNSUPPORTED = frozenset({"Mask", "ChangeInstrument", "TResample", "P", "PRef", "Rolling", "Feature", "PFeature"})
