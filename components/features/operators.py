"""The operators of Qlib's expression language: what each takes."""

from __future__ import annotations

from dataclasses import dataclass

#: The window of an operator that looks at all days since the instrument's first (Qlib's N = 0).
EXPANDING = 0


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
    #: All days so far tell on its value, those before the window by small weights or by rounding errors.
    running: bool = False
    #: Its values are true or false.
    condition: bool = False
    #: Its series must be true or false.
    logical: bool = False

    @property
    def arity(self) -> int:
        """The number of arguments it is written with."""
        return self.series + self.rolling + self.quantile


_ONE = Operator(series=1)
_TWO = Operator(series=2)
_COMPARISON = Operator(series=2, condition=True)
_LOGICAL = Operator(series=2, condition=True, logical=True)
_WINDOW = Operator(series=1, rolling=True)
_SHIFT = Operator(series=1, rolling=True, shortest=None)

OPERATORS = {
    **dict.fromkeys(("Abs", "Sign", "Log"), _ONE),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Power", "Greater", "Less"), _TWO),
    **dict.fromkeys(("Gt", "Ge", "Lt", "Le", "Eq", "Ne"), _COMPARISON),
    **dict.fromkeys(("And", "Or"), _LOGICAL),
    "Not": Operator(series=1, condition=True, logical=True),
    "If": Operator(series=3),
    **dict.fromkeys(("Ref", "Delta"), _SHIFT),
    **dict.fromkeys(("Mean", "Sum", "Max", "Min", "IdxMax", "IdxMin"), _WINDOW),
    **dict.fromkeys(("Med", "Mad", "Rank", "Count", "WMA"), _WINDOW),
    **dict.fromkeys(("Std", "Var", "Slope", "Resi", "Rsquare"), Operator(series=1, rolling=True, running=True)),
    "Skew": Operator(series=1, rolling=True, shortest=3),
    "Kurt": Operator(series=1, rolling=True, shortest=4),
    "EMA": Operator(series=1, rolling=True, decay=True, running=True),
    "Quantile": Operator(series=1, rolling=True, quantile=True),
    **dict.fromkeys(("Corr", "Cov"), Operator(series=2, rolling=True, running=True)),
}

#: Operators that Qlib has and this package does not.
UNSUPPORTED = frozenset({"Mask", "ChangeInstrument", "TResample", "P", "PRef", "Rolling", "Feature", "PFeature"})
