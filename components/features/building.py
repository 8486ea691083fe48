"""Building a feature matrix: which rows, then features straight to where they stay."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.data.market import Market
from components.features.engine import evaluate
from components.features.expression import Expression
from components.features.handler import DataHandler
from components.features.matrix import Floats, Offsets
from components.features.matrix_files import Draft
from components.features.parser import parse
from components.features.processors import Block, Pipeline, Processor, RowFilter, Scaler, Transform
from components.features.processors.base import Group
from components.features.rows import RowIndex

#: Told in a few words what is done next.
Progress = Callable[[str], None]

#: Rows of features that are copied at a time.
_COPY_ROWS = 50_000


def quiet(step: str) -> None:
    """Progress that nobody reads."""


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


class MatrixBuilder:
    """Builds the matrix of a handler in a folder.

    Labels are few and decide, as a rule, which rows are dropped: they are computed and processed first. Then
    the engine writes every feature to its final row, and processors of features work there, in place. Only
    processors that drop rows by their features need those twice.
    """

    def __init__(self, handler: DataHandler, market: Market, *, threads: int | None, progress: Progress) -> None:
        self._handler, self._market, self._progress = handler, market, progress
        self._threads = threads or os.cpu_count() or 1
        self._start, _ = handler.span(market)
        self._rows = handler.rows(market)
        self._features = {name: parse(text) for name, text in handler.columns["feature"].items()}
        self._labels = {name: parse(text) for name, text in handler.columns["label"].items()}
        self._infer = self._pipeline(handler.infer_processors)
        self._learn = self._pipeline(handler.learn_processors)

    def build(self, folder: Path) -> None:
        """Write the matrix to an empty folder; only when it is complete, the folder holds a description.

        Raises:
            InputError: for expressions, universes or processors that do not fit the market.
            OSError: when the disk is full.

        """
        draft = Draft(folder)
        self._progress(f"labels of {len(self._rows):,} rows")
        y = np.empty((len(self._rows), len(self._labels)), dtype=np.float32)
        self._evaluate(list(self._labels.values()), self._rows, y)
        decisions = self._decide(y, draft)
        order = _order(decisions.learnable, len(self._rows))
        self._progress(f"{len(self._features)} features of {len(self._rows):,} rows")
        self._write_features(draft, order, decisions)
        draft.save("y", y[order])
        draft.save("y_learn", decisions.y_learn)
        draft.save("day", self._rows.day[order])
        draft.save("instrument", self._rows.instrument[order])
        if len(decisions.predictable) < len(self._rows):
            draft.save("predictable", np.isin(order, decisions.predictable))
        first, last = self._handler.span(self._market)
        draft.finish(
            features=list(self._features),
            labels=list(self._labels),
            instruments=list(self._rows.instruments),
            learnable=len(decisions.learnable),
            first=first,
            last=last,
        )

    def _decide(self, y: Floats, draft: Draft) -> _Decisions:
        """Run all processors over the labels, and over the features only if rows depend on them."""
        infer = [self._block("label", y.copy())]
        if any(isinstance(step, RowFilter) and "feature" in step.groups() for step in self._handler.processors):
            scratch = draft.scratch((len(self._rows), len(self._features)))
            self._evaluate(list(self._features.values()), self._rows, scratch)
            infer.append(self._block("feature", scratch))
        learn = infer
        if not self._handler.appends:
            learn = [self._block(block.group, block.values.copy()) for block in infer]
        every = np.arange(len(self._rows))
        predictable = self._infer.run(infer, every)
        learnable = self._learn.run(learn, predictable.rows if self._handler.appends else every)
        y_learn = learn[0].values[learnable.rows]
        draft.drop_scratch()
        return _Decisions(predictable.decisions, learnable.decisions, predictable.rows, learnable.rows, y_learn)

    def _write_features(self, draft: Draft, order: Offsets, decisions: _Decisions) -> None:
        shape = (len(self._rows), len(self._features))
        X = draft.create("X", shape)
        self._evaluate(list(self._features.values()), self._rows.take(order), X)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        every = np.arange(len(order))
        block = self._block("feature", X, place)
        learn_start = every
        if self._handler.appends:
            learn_start = self._infer.run([block], every, decisions.infer).rows
        if self._learning_differs():
            self._progress("features to learn from")
            X_learn = draft.create("X_learn", shape)
            for start in range(0, len(X), _COPY_ROWS):
                X_learn[start : start + _COPY_ROWS] = X[start : start + _COPY_ROWS]
            self._learn.run([self._block("feature", X_learn, place)], learn_start, decisions.learn)
        if not self._handler.appends:
            self._infer.run([block], every, decisions.infer)

    def _learning_differs(self) -> bool:
        """Whether a model learns from other features than it predicts on."""
        handler = self._handler
        steps = handler.learn_processors if handler.appends else handler.processors
        return any(isinstance(step, Transform | Scaler) and "feature" in step.groups() for step in steps)

    def _pipeline(self, processors: Sequence[Processor]) -> Pipeline:
        return Pipeline(processors=processors, calendar=self._market.calendar, threads=self._threads)

    def _evaluate(self, expressions: Sequence[Expression], rows: RowIndex, out: Floats) -> None:
        evaluate(expressions, self._market, rows, out, start=self._start, threads=self._threads)

    def _block(self, group: Group, values: Floats, place: npt.NDArray[np.int64] | None = None) -> Block:
        names = tuple(self._features if group == "feature" else self._labels)
        return Block(group=group, names=names, values=values, day=self._rows.day, place=place)


def _order(learnable: Offsets, count: int) -> Offsets:
    """The learnable rows, then the others."""
    other = np.ones(count, dtype=np.bool_)
    other[learnable] = False
    return np.concatenate([learnable, np.flatnonzero(other)])
