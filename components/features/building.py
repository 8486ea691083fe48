"""Building a feature matrix, and appending days to it: which rows, then features straight to where they stay."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.data.market import Market
from components.features.engine import evaluate
from components.features.expression import Expression
from components.features.handler import DataHandler
from components.features.matrix import Floats, Offsets
from components.features.matrix_writer import Counts, MatrixWriter, Memory
from components.features.parser import parse
from components.features.processors import Block, Pipeline, Processor, RowFilter, Scaler, Transform
from components.features.processors.base import Group
from components.features.rows import RowIndex
from components.features.running import RunningStates

#: Told in a few words what is done next.
Progress = Callable[[str], None]
#: Called between pieces of work; what it raises stops the work.
Check = Callable[[], None]

#: Rows of features that are copied at a time.
_COPY_ROWS = 50_000


def quiet(step: str) -> None:
    """Progress that nobody reads."""


def never() -> None:
    """A check that stops nothing."""


@dataclass(frozen=True)
class _Decisions:
    """What the processors' row filters leave, found before any feature is in its place."""

    infer: tuple[Offsets, ...]
    learn: tuple[Offsets, ...]
    #: The rows that are left to predict on and to learn from, by day and then by instrument.
    predictable: Offsets
    learnable: Offsets
    #: Labels of the learnable rows after the learn processors.
    y_learn: Floats


class DaysBuilder:
    """Computes rows of consecutive days of a handler.

    Labels are few and decide, as a rule, which rows are dropped: they are computed and processed first. Then
    the engine writes every feature to its final row, and processors of features work there, in place. Only
    processors that drop rows by their features need those twice.
    """

    def __init__(
        self, handler: DataHandler, market: Market, *, threads: int | None, progress: Progress, check: Check
    ) -> None:
        self._handler, self._market, self._progress, self._check = handler, market, progress, check
        self._threads = threads or os.cpu_count() or 1
        self._start, _ = handler.span(market)
        self.features = {name: parse(text) for name, text in handler.columns["feature"].items()}
        self.labels = {name: parse(text) for name, text in handler.columns["label"].items()}
        self._infer = self._pipeline(handler.infer_processors)
        self._learn = self._pipeline(handler.learn_processors)

    def append(self, rows: RowIndex, writer: MatrixWriter, memory: Memory, settled: int) -> None:
        """Append rows to a matrix.

        Args:
            rows: All rows of some days that follow those of earlier calls, by day and then by instrument.
            writer: Gets them.
            memory: What was kept of earlier days; what the days after `settled` need replaces it.
            settled: Calendar position of the last day that is not late.

        Raises:
            InputError: for expressions or processors that do not fit the market.
            OSError: when the disk is full.
        """
        self._progress(f"labels of {len(rows):,} rows")
        y = np.empty((len(rows), len(self.labels)), dtype=np.float32)
        self._evaluate(self.labels, rows, y)
        decisions = self._decide(rows, y, writer, memory)
        order, counts = _order(decisions.learnable, rows.day > settled)
        self._progress(f"{len(self.features)} features of {len(rows):,} rows")
        with ExitStack() as arrays:
            width = len(self.features)
            X = arrays.enter_context(writer.filling("X", counts, width))
            X_learn = None
            if self._learning_differs():
                X_learn = arrays.enter_context(writer.filling("X_learn", counts, width))
            states = self._write_features(rows, order, X, X_learn, decisions, memory, settled)
        y_learn = np.full_like(y, np.nan)
        y_learn[decisions.learnable] = decisions.y_learn
        writer.save("y", y[order], counts)
        writer.save("y_learn", y_learn[order], counts)
        if any(isinstance(step, RowFilter) for step in self._handler.infer_processors):
            writer.save("predictable", np.isin(order, decisions.predictable), counts)
        writer.save_rows(rows.take(order), counts)
        memory.states = states

    def _decide(self, rows: RowIndex, y: Floats, writer: MatrixWriter, memory: Memory) -> _Decisions:
        """Run all processors over the labels, and over the features only if rows depend on them."""
        infer = [self._block("label", y.copy(), rows)]
        with ExitStack() as scratch:
            if any(isinstance(step, RowFilter) and "feature" in step.groups() for step in self._handler.processors):
                values = scratch.enter_context(writer.scratch(len(rows), len(self.features)))
                self._evaluate(self.features, rows, values, memory.states)
                infer.append(self._block("feature", values, rows))
            learn = infer
            if not self._handler.appends:
                learn = [self._block(block.group, block.values.copy(), rows) for block in infer]
            every = np.arange(len(rows))
            predictable = self._infer.run(infer, every, fits=memory.infer)
            first = predictable.rows if self._handler.appends else every
            learnable = self._learn.run(learn, first, fits=memory.learn)
            y_learn = learn[0].values[learnable.rows]
        return _Decisions(predictable.decisions, learnable.decisions, predictable.rows, learnable.rows, y_learn)

    def _write_features(
        self,
        rows: RowIndex,
        order: Offsets,
        X: Floats,
        X_learn: Floats | None,
        decisions: _Decisions,
        memory: Memory,
        settled: int,
    ) -> RunningStates:
        states = self._evaluate(self.features, rows.take(order), X, memory.states, settled)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        every = np.arange(len(order))
        block = self._block("feature", X, rows, place)
        learn_start = every
        if self._handler.appends:
            learn_start = self._infer.run([block], every, decisions.infer, memory.infer).rows
        if X_learn is not None:
            self._progress("features to learn from")
            for start in range(0, len(X), _COPY_ROWS):
                X_learn[start : start + _COPY_ROWS] = X[start : start + _COPY_ROWS]
            learned = self._block("feature", X_learn, rows, place)
            self._learn.run([learned], learn_start, decisions.learn, memory.learn)
        if not self._handler.appends:
            self._infer.run([block], every, decisions.infer, memory.infer)
        return states

    def _learning_differs(self) -> bool:
        """Whether a model learns from other features than it predicts on."""
        handler = self._handler
        steps = handler.learn_processors if handler.appends else handler.processors
        return any(isinstance(step, Transform | Scaler) and "feature" in step.groups() for step in steps)

    def _pipeline(self, processors: Sequence[Processor]) -> Pipeline:
        return Pipeline(processors=processors, calendar=self._market.calendar, threads=self._threads)

    def _evaluate(
        self,
        columns: Mapping[str, Expression],
        rows: RowIndex,
        out: Floats,
        states: RunningStates | None = None,
        keep: int | None = None,
    ) -> RunningStates:
        after = evaluate(
            list(columns.values()),
            self._market,
            rows,
            out,
            start=self._start,
            threads=self._threads,
            states=states,
            keep=keep,
            check=self._check,
        )
        return after or RunningStates.none()

    def _block(
        self, group: Group, values: Floats, rows: RowIndex, place: npt.NDArray[np.int64] | None = None
    ) -> Block:
        names = tuple(self.features if group == "feature" else self.labels)
        return Block(group=group, names=names, values=values, day=rows.day, place=place)


def _order(learnable: Offsets, late: npt.NDArray[np.bool_]) -> tuple[Offsets, Counts]:
    """The rows by table, and how many each table gets."""
    other = np.ones(len(late), dtype=np.bool_)
    other[learnable] = False
    table = other + 2 * late
    first, second, third, fourth = np.bincount(table, minlength=4).tolist()
    return np.argsort(table, kind="stable"), (first, second, third, fourth)
