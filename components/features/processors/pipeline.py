"""Running processors over blocks of columns, in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from components.data.calendar import TradingCalendar
from components.errors import InputError
from components.features.processors.base import (
    Block,
    Group,
    Integers,
    Mask,
    Processor,
    RowFilter,
    Transform,
    Values,
    pieces,
)
from components.features.processors.fitted import Scaler

Item = TypeVar("Item")

#: Columns that are read together to fit a scaler, so that each row's memory is fetched once for all of them.
_FIT_COLUMNS = 16


#: Number of a scaler among its pipeline's processors and group of columns -> centre and scale of each column.
Fits = dict[tuple[int, Group], Values]


@dataclass(frozen=True)
class Outcome:
    """What is left after some processors."""

    #: The rows that are left, in the order of processing.
    rows: Integers
    #: The rows that each row filter left, one element per filter.
    decisions: tuple[Integers, ...]


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Processors in the order in which they run."""

    processors: Sequence[Processor]
    calendar: TradingCalendar
    #: Number of threads that share the work.
    threads: int = 1

    def run(
        self,
        blocks: Sequence[Block],
        rows: Integers,
        decisions: Sequence[Integers] | None = None,
        fits: Fits | None = None,
    ) -> Outcome:
        """Change the values of blocks in place and find which rows are left.

        Args:
            blocks: The columns at hand: features, labels or both, with the same rows.
            rows: The rows to begin with.
            decisions: What the row filters decided in an earlier run on other columns; None: they decide now.
            fits: What scalers were fitted to in an earlier run; those that are missing are fitted now, and added.

        Raises:
            InputError: when a processor has no row to fit on.

        """
        made: list[Integers] = []
        fits = {} if fits is None else fits
        for number, processor in enumerate(self.processors):
            if isinstance(processor, RowFilter):
                rows = rows[_keep(processor, blocks, rows)] if decisions is None else decisions[len(made)]
                made.append(rows)
                continue
            for block in blocks:
                columns = processor.columns(block)
                if not len(columns) or not len(rows):
                    continue
                if isinstance(processor, Scaler):
                    if (number, block.group) not in fits:
                        fits[number, block.group] = self._fit(processor, block, rows, columns)
                    self._scale(processor, fits[number, block.group], block, rows, columns)
                elif isinstance(processor, Transform):
                    self._transform(processor, block, rows, columns)
        return Outcome(rows, tuple(made))

    def _transform(self, processor: Transform, block: Block, rows: Integers, columns: Integers) -> None:
        def work(piece: tuple[slice, Integers]) -> None:
            with _Piece(block, rows[piece[0]]) as values:
                processor.transform(values, piece[1], columns)

        self._share(work, pieces(block, rows))

    def _fit(self, processor: Scaler, block: Block, rows: Integers, columns: Integers) -> Values:
        """Centre and scale of each column, shape (2, columns); NaN where there is nothing to fit on."""
        fit_rows = block.places(rows[self._fit_days(processor, block.day[rows])])
        fitted = np.full((2, len(block.names)), np.nan, dtype=np.float32)

        def fit(some: Integers) -> None:
            sample = np.ascontiguousarray(block.values[fit_rows[:, None], some].T)
            with np.errstate(all="ignore"):  # a sum of very large values may be infinite
                for values, column in zip(sample, some, strict=True):
                    if not np.isnan(values).all():
                        fitted[:, column] = processor.fit(values)

        self._share(fit, (columns[at : at + _FIT_COLUMNS] for at in range(0, len(columns), _FIT_COLUMNS)))
        return fitted

    def _scale(self, processor: Scaler, fitted: Values, block: Block, rows: Integers, columns: Integers) -> None:
        centre, scale = fitted

        def work(piece: tuple[slice, Integers]) -> None:
            with _Piece(block, rows[piece[0]]) as values:
                if len(columns) == len(block.names):
                    processor.scale(values, centre, scale)
                else:
                    part = values[:, columns]
                    processor.scale(part, centre[columns], scale[columns])
                    values[:, columns] = part

        self._share(work, pieces(block, rows))

    def _fit_days(self, processor: Scaler, day: npt.NDArray[np.int32]) -> Mask:
        first, last = self.calendar.span(processor.fit_start_time, processor.fit_end_time)
        chosen: Mask = (day >= first) & (day <= last)
        if not chosen.any():
            name, start, end = type(processor).__name__, processor.fit_start_time, processor.fit_end_time
            raise InputError(
                f"{name}: no row to fit on from {start} to {end}; the handler's days must include them"
            )
        return chosen

    def _share(self, work: Callable[[Item], None], items: Iterable[Item]) -> None:
        with ThreadPoolExecutor(self.threads) as pool:
            for _ in pool.map(work, items):
                pass


def _keep(processor: RowFilter, blocks: Sequence[Block], rows: Integers) -> Mask:
    kept = np.ones(len(rows), dtype=np.bool_)
    for block in blocks:
        columns = processor.columns(block)
        if len(columns):
            for piece, _ in pieces(block, rows):
                kept[piece] &= processor.keep(block.values[block.places(rows[piece])][:, columns])
    return kept


class _Piece:
    """Rows of a block to change in place: a view where they lie together, else a copy that is written back."""

    def __init__(self, block: Block, rows: Integers) -> None:
        self._values = block.values
        self._at = block.places(rows)

    def __enter__(self) -> Values:
        first, last = self._at[0], self._at[-1]
        self._together = last - first + 1 == len(self._at) and bool((np.diff(self._at) == 1).all())
        self._part = self._values[first : last + 1] if self._together else self._values[self._at]
        return self._part

    def __exit__(self, *error: object) -> None:
        if not self._together:
            self._values[self._at] = self._part
