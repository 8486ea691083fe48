"""Expressions over a market, evaluated into a matrix without a second copy of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from components.data.market import Market, Panel
from components.features.expression import Expression, can_resume, depends_on_start, lookahead, lookback
from components.features.plan import Plan, make_plan
from components.features.rolling_operators import Array, Integers
from components.features.rows import RowIndex
from components.features.running import RunningStates
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
    states: RunningStates | None = None,
    keep: int | None = None,
    check: Callable[[], None] | None = None,
) -> RunningStates | None:
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
        states: What running operators go on from, for rows that follow those computed before: most days before them
            need not be computed again.
        keep: Calendar position of the day after which states are kept; None: the last row of each instrument.
        check: Called after each block; what it raises stops the work.

    Returns:
        The states after that day, where states are given, if only `RunningStates.none()`.

    Raises:
        InputError: for a field that the market lacks and that is not optional.

    """
    if out.shape != (len(rows), len(expressions)) or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise ValueError(f"out must be float32 in C order of shape {(len(rows), len(expressions))}")
    if not out.size:
        return states
    if states is not None:
        states = states.extended([rows.instruments[place] for place in np.unique(rows.instrument).tolist()])
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        parts = [_Part.of(program, market, rows, start, states, keep) for program in _programs(tuple(expressions))]
        panels = _panels(parts, market, pool)
        evaluations = [_Evaluation(part, panels, np.asarray(out)) for part in parts]
        blocks = [(evaluation, block) for evaluation in evaluations for block in evaluation.part.segments.blocks()]
        futures = [pool.submit(evaluation.write, block) for evaluation, block in blocks]
        try:
            for future in futures:
                future.result()
                if check:
                    check()
        except BaseException:  # Ctrl-C, too: the pool would else wait until all blocks are done
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    for part in parts:
        part.segments.note_states()
    return states


@dataclass(frozen=True)
class _Program:
    """What to compute of expressions that need the same days: all, those since states were kept, or a few."""

    plan: Plan
    #: The column of each expression in the output.
    columns: Integers
    reach: Reach
    #: Whether the expressions go on from states.
    goes_on: bool

    @classmethod
    def of(cls, expressions: Sequence[Expression], columns: Sequence[int]) -> _Program:
        back, ahead = max(map(lookback, expressions)), max(map(lookahead, expressions))
        reach = Reach(back, ahead, depends_on_start(expressions[0]))
        return cls(make_plan(expressions), np.array(columns), reach, _goes_on(expressions[0]))


@lru_cache(maxsize=16)  # days are appended one after the other, always with the same expressions
def _programs(expressions: tuple[Expression, ...]) -> list[_Program]:
    parts: dict[tuple[bool, bool], list[int]] = {}
    for place, expression in enumerate(expressions):
        parts.setdefault((depends_on_start(expression), _goes_on(expression)), []).append(place)
    return [
        _Program.of([expressions[place] for place in places], places) for places in sorted(parts.values(), key=len)
    ]


def _goes_on(expression: Expression) -> bool:
    return depends_on_start(expression) and can_resume(expression) and not lookahead(expression)


@dataclass(frozen=True)
class _Part:
    """A program, and the stretches of days over which it runs."""

    program: _Program
    segments: Segments

    @classmethod
    def of(
        cls,
        program: _Program,
        market: Market,
        rows: RowIndex,
        start: int,
        states: RunningStates | None,
        keep: int | None,
    ) -> _Part:
        for name in program.plan.fields:
            if name not in OPTIONAL_FIELDS:
                market.check_field(name)
        states = states if program.goes_on else None
        return cls(program, Segments.of(market, rows, start, program.reach, states, keep))


def _panels(parts: Sequence[_Part], market: Market, pool: ThreadPoolExecutor) -> dict[str, Panel]:
    """Field -> values of the fields that the market has, shape (instruments, days)."""
    needed = dict.fromkeys(name for part in parts for name in part.program.plan.fields if name in market.fields)
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

        columns = np.empty((len(self.part.program.columns), len(block.rows)), dtype=np.float32)
        with np.errstate(all="ignore"):
            self._compute(block, columns)
        scatter_rows(columns, block.rows, self.part.program.columns, self.out)

    def _compute(self, block: SeriesBlock, columns: npt.NDArray[np.float32]) -> None:
        values: dict[int, Array] = {}
        for name, place in self.part.program.plan.fields.items():
            values[place] = self._field(name, block)
            self._keep(place, values, columns)
        for step in self.part.program.plan.steps:
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
        for column in self.part.program.plan.columns_of.get(place, ()):
            columns[column] = values[place]
