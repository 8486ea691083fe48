"""Expressions over a market, evaluated into a matrix without a second copy of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.data.market import Market, Panel
from components.features.expression import Expression, depends_on_start, lookahead, lookback
from components.features.plan import Plan, make_plan
from components.features.rolling_operators import Array, Integers
from components.features.rows import RowIndex
from components.features.segments import Reach, Segments, SeriesBlock

#: Fields that Qlib's data may lack, and that are then NaN: Alpha158 asks for `vwap` of any data.
OPTIONAL_FIELDS = frozenset({"vwap", "change", "factor"})


def evaluate(
    expressions: Sequence[Expression],
    market: Market,
    rows: RowIndex,
    out: npt.NDArray[np.float32],
    *,
    start: int,
    threads: int | None = None,
) -> None:
    """Write the value of each expression on each row to `out`, float32 of shape (rows, expressions).

    The series of each expression begin `lookback` days before `start`, as in Qlib, or where the instrument's data
    does. So values do not depend on which rows are asked for.

    Args:
        expressions: What to compute.
        market: Where the data comes from.
        rows: Rows in any order.
        out: An array in C order, which may be a memory map.
        start: Calendar position of the first day of the period, as a rule a handler's; no row is earlier.
        threads: Threads that compute blocks of instruments at once; None: one for each processor.

    Raises:
        InputError: for a field that the market lacks and that is not optional.

    """
    if out.shape != (len(rows), len(expressions)) or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise ValueError(f"out must be float32 in C order of shape {(len(rows), len(expressions))}")
    if not out.size:
        return
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        parts = [_Part.of(expressions, columns, market, rows, start) for columns in _by_history(expressions)]
        panels = _panels(parts, market, pool)
        evaluations = [_Evaluation(part, panels, np.asarray(out)) for part in parts]
        blocks = [(evaluation, block) for evaluation in evaluations for block in evaluation.part.segments.blocks()]
        for done in [pool.submit(evaluation.write, block) for evaluation, block in blocks]:
            done.result()


def _by_history(expressions: Sequence[Expression]) -> list[list[int]]:
    """The places of the expressions that need all days so far, and of the others, for which that would be waste."""
    from_start = [depends_on_start(expression) for expression in expressions]
    parts = [[place for place, flag in enumerate(from_start) if flag is wanted] for wanted in (True, False)]
    return [part for part in parts if part]


@dataclass(frozen=True)
class _Part:
    """Expressions that are evaluated over the same stretches of days."""

    plan: Plan
    segments: Segments
    #: The column of each expression in the output.
    columns: Integers

    @classmethod
    def of(
        cls,
        expressions: Sequence[Expression],
        columns: Sequence[int],
        market: Market,
        rows: RowIndex,
        start: int,
    ) -> _Part:
        mine = [expressions[column] for column in columns]
        plan = make_plan(mine)
        for name in plan.fields:
            if name not in OPTIONAL_FIELDS:
                market.check_field(name)
        reach = Reach(max(map(lookback, mine)), max(map(lookahead, mine)), any(map(depends_on_start, mine)))
        return cls(plan, Segments.of(market, rows, start, reach), np.array(columns))


def _panels(parts: Sequence[_Part], market: Market, pool: ThreadPoolExecutor) -> dict[str, Panel]:
    """Field -> values of the fields that the market has, shape (instruments, days)."""
    needed = dict.fromkeys(name for part in parts for name in part.plan.fields if name in market.fields)
    codes = parts[0].segments.codes  # those of the rows, so the same in all parts
    return dict(zip(needed, pool.map(lambda name: market.panel(name, codes), needed), strict=True))


@dataclass(frozen=True)
class _Evaluation:
    part: _Part
    #: Field -> values, shape (instruments, days).
    panels: dict[str, Panel]
    out: npt.NDArray[np.float32]

    def write(self, block: SeriesBlock) -> None:
        """Compute a block and write the rows in it."""
        from components.features.kernels.scatter import scatter_rows

        columns = np.empty((len(self.part.columns), len(block.rows)), dtype=np.float32)
        with np.errstate(all="ignore"):
            self._compute(block, columns)
        scatter_rows(columns, block.rows, self.part.columns, self.out)

    def _compute(self, block: SeriesBlock, columns: npt.NDArray[np.float32]) -> None:
        values: dict[int, Array] = {}
        for name, place in self.part.plan.fields.items():
            values[place] = self._field(name, block)
            self._keep(place, values, columns)
        for step in self.part.plan.steps:
            operands = [values[item] if isinstance(item, int) else item.value for item in step.inputs]
            values.update(zip(step.outputs, step.compute(operands, block.layout), strict=True))
            for place in step.outputs:
                self._keep(place, values, columns)
            for place in step.released:
                del values[place]

    def _field(self, name: str, block: SeriesBlock) -> Array:
        if name in self.panels:
            return block.series(self.panels[name])
        return np.full(len(block.rows), np.nan, dtype=np.float32)

    def _keep(self, place: int, values: dict[int, Array], columns: npt.NDArray[np.float32]) -> None:
        for column in self.part.plan.columns_of.get(place, ()):
            columns[column] = values[place]
