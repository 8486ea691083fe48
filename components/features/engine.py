"""Expressions over a market, evaluated into a matrix in one pass."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.data.market import Market, Panel
from components.features.expression import Expression, lookahead, lookback
from components.features.families import Array
from components.features.plan import Plan, make_plan
from components.features.rows import RowIndex
from components.features.segments import Block, Segments

#: Fields that Qlib's data may lack, and that are then NaN: Alpha158 asks for `vwap` of any data.
OPTIONAL_FIELDS = frozenset({"vwap", "change", "factor"})


def evaluate(
    expressions: Sequence[Expression],
    market: Market,
    rows: RowIndex,
    out: npt.NDArray[np.float32],
    *,
    threads: int | None = None,
) -> None:
    """Write the value of each expression on each row to `out`, float32 of shape (rows, expressions).

    Windows reach back before the first row, to wherever the data begins. `out` may be a memory map, and rows may
    have any order. Blocks of instruments are computed by `threads` at once (default: all processors).

    Raises:
        InputError: for a field that the market lacks and that is not optional.

    """
    if out.shape != (len(rows), len(expressions)) or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise ValueError(f"out must be float32 in C order of shape {(len(rows), len(expressions))}")
    if not out.size:
        return
    plan = make_plan(expressions)
    _check_fields(plan, market)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        segments = Segments.of(market, rows, *_reach(expressions))
        present = [name for name in plan.fields if name in market.fields]
        panels = pool.map(lambda name: market.panel(name, segments.codes), present)
        evaluation = _Evaluation(plan, dict(zip(present, panels, strict=True)), np.asarray(out))
        for done in [pool.submit(evaluation.write, block) for block in segments.blocks()]:
            done.result()


def _check_fields(plan: Plan, market: Market) -> None:
    for name in plan.fields:
        if name not in OPTIONAL_FIELDS:
            market.check_field(name)


def _reach(expressions: Sequence[Expression]) -> tuple[int | None, int]:
    """Days (back, ahead) that the expressions look at; back None: all."""
    backs = [lookback(expression) for expression in expressions]
    known = [back for back in backs if back is not None]
    return (max(known) if len(known) == len(backs) else None), max(map(lookahead, expressions))


@dataclass(frozen=True)
class _Evaluation:
    plan: Plan
    #: Field -> values, shape (instruments, days).
    panels: dict[str, Panel]
    out: npt.NDArray[np.float32]

    def write(self, block: Block) -> None:
        """Compute a block and write the rows in it."""
        from components.features.kernels.scatter import scatter_rows

        columns = np.empty((len(self.plan.columns), len(block.rows)), dtype=np.float32)
        with np.errstate(all="ignore"):
            self._compute(block, columns)
        scatter_rows(columns, block.rows, self.out)

    def _compute(self, block: Block, columns: npt.NDArray[np.float32]) -> None:
        values: dict[int, Array] = {}
        for name, place in self.plan.fields.items():
            values[place] = self._field(name, block)
            self._keep(place, values, columns)
        for step in self.plan.steps:
            operands = [values[item] if isinstance(item, int) else item.value for item in step.inputs]
            values.update(zip(step.outputs, step.compute(operands, block.offsets), strict=True))
            for place in step.outputs:
                self._keep(place, values, columns)
            for place in step.released:
                del values[place]

    def _field(self, name: str, block: Block) -> Array:
        if name in self.panels:
            return block.series(self.panels[name])
        return np.full(len(block.rows), np.nan, dtype=np.float32)

    def _keep(self, place: int, values: dict[int, Array], columns: npt.NDArray[np.float32]) -> None:
        for column in self.plan.columns_of.get(place, ()):
            columns[column] = values[place]
