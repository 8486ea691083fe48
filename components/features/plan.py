"""From expressions to steps: common parts once, and operators that share work together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from components.features import rolling_moments, rolling_orders
from components.features.expression import Call, Constant, Expression, common_lead, lookback, starts_counting
from components.features.rolling_operators import Array, Layout, Request, RollingOperators, shift

#: Where the value stands among the values of a block, or a number (never a bare one: place 1 would equal it).
Operand = int | Constant


def _sign(series: Array) -> Array:
    return np.sign(series.astype(np.float32))


def _subtract(left: Any, right: Any) -> Array:
    """The difference; conditions count as 1 and 0, which NumPy does by itself but here."""
    if all(isinstance(operand, np.ndarray) and operand.dtype == bool for operand in (left, right)):
        left = left.astype(np.int8)
    return np.asarray(np.subtract(left, right))


_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Sign": _sign,
    "Log": np.log,
    "Add": np.add,
    "Sub": _subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Power": np.power,
    "Greater": np.maximum,
    "Less": np.minimum,
    "Gt": np.greater,
    "Ge": np.greater_equal,
    "Lt": np.less,
    "Le": np.less_equal,
    "Eq": np.equal,
    "Ne": np.not_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Not": np.logical_not,
    "If": np.where,
}
_ROLLING: dict[str, RollingOperators] = {
    **dict.fromkeys(("Ref", "Delta"), shift),
    **dict.fromkeys(("Sum", "Mean"), rolling_moments.sums),
    **dict.fromkeys(("Std", "Var"), rolling_moments.deviations),
    **dict.fromkeys(("Corr", "Cov"), rolling_moments.pairs),
    **dict.fromkeys(("Slope", "Resi", "Rsquare"), rolling_moments.trends),
    **dict.fromkeys(("Max", "IdxMax"), rolling_orders.highest),
    **dict.fromkeys(("Min", "IdxMin"), rolling_orders.lowest),
    **dict.fromkeys(("Quantile", "Med", "Rank"), rolling_orders.ranks),
    **dict.fromkeys(("Skew", "Kurt"), rolling_orders.shapes),
    **dict.fromkeys(("Mad", "WMA"), rolling_orders.means),
    "EMA": rolling_orders.exponential,
    "Count": rolling_orders.count,
}


@dataclass(frozen=True)
class Node:
    """A value to compute: a field, or an operator on other values."""

    #: The operator; of a field its name with the ``$``.
    name: str
    inputs: tuple[Operand, ...] = ()
    window: float | None = None
    quantile: float | None = None
    #: Days before the first day of the period on which its series begin; None: the value does not depend on it.
    begin: int | None = None
    #: Names the state of a running operator.
    key: str = field(default="", compare=False)


@dataclass(frozen=True)
class Step:
    """A computation that gives one or more values."""

    #: ``(operands, layout) -> values``
    compute: Callable[[list[Any], Layout], Sequence[Array]]
    inputs: tuple[Operand, ...]
    outputs: tuple[int, ...]
    #: Values that no later step needs.
    released: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What to compute for a block, in order."""

    #: Field name -> its value's place.
    fields: dict[str, int]
    steps: tuple[Step, ...]
    #: The place of each expression's value.
    columns: tuple[int, ...]

    @cached_property
    def columns_of(self) -> dict[int, list[int]]:
        """The columns that hold a value."""
        columns: dict[int, list[int]] = {}
        for column, place in enumerate(self.columns):
            columns.setdefault(place, []).append(column)
        return columns


def make_plan(expressions: Sequence[Expression]) -> Plan:
    """Number all parts of the expressions, equal ones alike, and order them so that values are short-lived."""
    places: dict[Node, int] = {}
    columns = tuple(_Numbering(places, lookback(expression)).place(expression) for expression in expressions)
    nodes = list(places)
    groups = _group(nodes)
    order = list(dict.fromkeys(groups[place] for place, node in enumerate(nodes) if node.inputs))
    last_use = {operand: group for group in order for operand in nodes[group[0]].inputs if isinstance(operand, int)}
    steps = []
    for group in order:
        touched = {operand for operand in nodes[group[0]].inputs if isinstance(operand, int)}.union(group)
        released = tuple(sorted(place for place in touched if last_use.get(place, group) == group))
        steps.append(Step(_computation([nodes[place] for place in group]), nodes[group[0]].inputs, group, released))
    fields = {node.name[1:]: place for node, place in places.items() if not node.inputs}
    return Plan(fields, tuple(steps), columns)


@dataclass(frozen=True)
class _Numbering:
    """Gives the parts of an expression their places."""

    places: dict[Node, int]
    #: Days before the first day of the period on which the series of the expression begin.
    begin: int

    def place(self, part: Expression, counted: bool = False) -> int:
        """The place of a value; its parts get their places before it.

        Args:
            part: A part of the expression.
            counted: Whether an operator around it goes through all days since its series began, the first ones too,
                on which windows are shorter.
        """
        if not isinstance(part, Call):
            return self.places.setdefault(Node(str(part)), len(self.places))
        begin: int | None = None
        if part.window is not None and (counted or starts_counting(part)):
            counted, begin = True, self.begin
            if (lead := common_lead(part)) is not None:
                # what it goes through begins later, but needs not be computed for each beginning
                counted, begin = False, self.begin - lead
        inputs = tuple(
            series if isinstance(series, Constant) else self.place(series, counted) for series in part.inputs
        )
        key = "" if begin is None else f"{part} from {begin}"
        node = Node(part.operator, inputs, part.window, part.quantile, begin, key)
        return self.places.setdefault(node, len(self.places))


def _group(nodes: Sequence[Node]) -> dict[int, tuple[int, ...]]:
    """Place -> the places computed with it, in one step."""
    members: dict[object, list[int]] = {}
    for place, node in enumerate(nodes):
        operators = _ROLLING.get(node.name)
        members.setdefault((operators, node.inputs) if operators else place, []).append(place)
    return {place: tuple(group) for group in members.values() for place in group}


def _computation(nodes: Sequence[Node]) -> Callable[[list[Any], Layout], Sequence[Array]]:
    name = nodes[0].name
    if name in _ELEMENTWISE:
        return partial(_apply, _ELEMENTWISE[name])
    requests = [Request(node.name, node.window or 0, node.quantile, node.begin, node.key) for node in nodes]
    return partial(_ROLLING[name], requests)


def _apply(function: Callable[..., Array], operands: list[Any], layout: Layout) -> Sequence[Array]:  # noqa: ARG001
    return [function(*operands)]
