"""Which days of a handler are settled, what data they see, and the matrix of them: built at once, or grown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from components.data.fingerprint import DataView
from components.data.market import Market
from components.features.building import Check, DaysBuilder, Progress
from components.features.expression import fields, lookahead, lookback
from components.features.handler import DataHandler
from components.features.matrix import FeatureMatrix, Table
from components.features.matrix_files import Description
from components.features.matrix_writer import TABLES, MatrixWriter, Memory
from components.features.parser import parse
from components.features.processors import Scaler
from components.features.rows import RowIndex


@dataclass(frozen=True)
class Extent:
    """Days of a handler on a market, as calendar positions."""

    #: The handler's first day, and the last one of the matrix.
    first: int
    last: int
    #: The last day whose values later data cannot change, labels among them.
    settled: int
    #: Whether later days can be appended.
    growable: bool
    #: What is seen of the data.
    view: DataView

    @classmethod
    def of(cls, handler: DataHandler, market: Market, last: int) -> Extent:
        """The days from the handler's first one to another."""
        first, _ = handler.span(market)
        ahead, end = _sight(handler).ahead, len(market.calendar) - 1
        settled = min(last, end - ahead)
        fitted = max(
            (last_fit_day(step, market, last) for step in handler.processors if isinstance(step, Scaler)),
            default=first,
        )
        growable = fitted <= settled and not handler.overrides
        return cls(
            first=first,
            last=last,
            settled=settled if growable else last,
            growable=growable,
            view=matrix_view(handler, market, min(last + ahead, end)),
        )


def last_fit_day(scaler: Scaler, market: Market, last: int) -> int:
    """The last day that a scaler is fitted on, in a matrix until `last`."""
    return min(market.calendar.span(scaler.fit_start_time, scaler.fit_end_time)[1], last)


def matrix_view(handler: DataHandler, market: Market, seen: int) -> DataView:
    """What the values of a handler's matrix depend on, if data is seen through some day."""
    first, sight = handler.span(market)[0], _sight(handler)
    return DataView(
        fields=sight.fields,
        universe=handler.instruments,
        start=first,
        first=max(first - sight.back, 0),
        last=seen,
    )


@dataclass(frozen=True)
class _Sight:
    """The fields that expressions look at, and so many days back and ahead."""

    fields: tuple[str, ...]
    back: int
    ahead: int


def _sight(handler: DataHandler) -> _Sight:
    return _sight_of(tuple(text for columns in handler.columns.values() for text in columns.values()))


@lru_cache(maxsize=64)  # the same handler is asked for again and again
def _sight_of(texts: tuple[str, ...]) -> _Sight:
    expressions = [parse(text) for text in texts]
    names = frozenset[str]().union(*map(fields, expressions))
    return _Sight(tuple(sorted(names)), max(map(lookback, expressions)), max(map(lookahead, expressions)))


def write_matrix(
    folder: Path,
    handler: DataHandler,
    market: Market,
    extent: Extent,
    data: str,
    before: Description | None,
    memory: Memory,
    *,
    threads: int | None,
    progress: Progress,
    check: Check,
) -> Description:
    """Build a matrix in an empty folder, or let the one that is `before` grow; what it has stays, byte for byte.

    Args:
        folder: Where it is.
        handler: What to compute.
        market: Where the data comes from.
        extent: The days.
        data: Fingerprint of the data that is seen.
        before: What the folder holds; None: nothing.
        memory: What was kept of its days; empty where there are none.
        threads: Threads to share the work; None: one for each processor.
        progress: Told what is done.
        check: Called between pieces of work.

    Raises:
        InputError: for expressions, universes or processors that do not fit the market.
        OSError: when the disk is full.
    """
    first = extent.first
    days = DaysBuilder(handler, market, threads=threads, progress=progress, check=check)
    writer = MatrixWriter(folder, before, first)
    known = first - 1 if before is None else first + before.settled
    if known < extent.last:
        days.append(_rows(handler, market, known + 1, extent.last), writer, memory, extent.settled)
    calendar = market.calendar
    return writer.finish(
        memory,
        handler=type(handler).__name__,
        universe=handler.instruments
        if isinstance(handler.instruments, str)
        else f"{len(handler.instruments)} instruments",
        uri=market.uri,
        start=str(calendar[first]),
        end=str(calendar[extent.last]),
        last=extent.last - first,
        settled=extent.settled - first,
        seen=extent.view.last - first,
        data=data,
        growable=extent.growable,
        features=tuple(days.features),
        labels=tuple(days.labels),
    )


def _rows(handler: DataHandler, market: Market, first: int, last: int) -> RowIndex:
    if (first, last) == handler.span(market):
        return handler.rows(market)
    return RowIndex.of(market, market.membership(handler.instruments), first, last)


def load_matrix(folder: Path, description: Description, market: Market, first: int) -> FeatureMatrix:
    """The matrix in a folder, mapped into memory.

    Args:
        folder: Where it is.
        description: What the folder holds.
        market: Gives the calendar.
        first: Calendar position of the handler's first day.

    Raises:
        OSError, ValueError, KeyError: when files are missing or broken.
    """
    codes = sorted(description.instruments)
    place = {code: number for number, code in enumerate(codes)}
    number = np.array([place[code] for code in description.instruments], dtype=np.int32)

    def table(name: str) -> Table:
        files = description.tables.get(name, {})
        arrays = {array: file.read(folder) for array, file in files.items()}
        width, labels = len(description.features), len(description.labels)
        day = arrays.get("day", np.empty(0, dtype=np.int32)) + np.int32(first)
        instrument = number[arrays.get("instrument", np.empty(0, dtype=np.int32))]
        X = arrays.get("X", np.empty((0, width), dtype=np.float32))
        y = arrays.get("y", np.empty((0, labels), dtype=np.float32))
        return Table(
            rows=RowIndex(day=day, instrument=instrument, instruments=tuple(codes), calendar=market.calendar),
            X=_plain(X),
            X_learn=_plain(arrays.get("X_learn", X)),
            y=y,
            y_learn=arrays.get("y_learn", y),
            predictable=arrays.get("predictable"),
        )

    learnable, other, late_learnable, late_other = map(table, TABLES)
    return FeatureMatrix(
        features=description.features,
        labels=description.labels,
        learnable=learnable,
        other=other,
        late_learnable=late_learnable,
        late_other=late_other,
        first=first,
        last=first + description.last,
    )


def _plain(values: np.ndarray) -> np.ndarray:
    """An array of NumPy's own class, on the same memory."""
    return np.asarray(values)
