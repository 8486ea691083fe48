"""Data handlers: which rows, features and labels a model sees, and how they are prepared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.data.market import Market
from components.errors import InputError, nearest
from components.features.engine import evaluate
from components.features.parser import parse
from components.features.processors import ColumnFilter, Processor, RowFilter
from components.features.rows import RowIndex

APPEND, INDEPENDENT = "append", "independent"
_PROCESS_TYPES = (APPEND, INDEPENDENT)


@dataclass(frozen=True, kw_only=True)
class DataHandler:
    """A description of rows, columns and their preparation. It holds no data itself.

    Its first day is part of what values are: series begin there, less each expression's `lookback`, as Qlib's do.
    Its last day is not: values are the same whatever end, window or update asks for them.

    What a model predicts on is prepared by `infer_processors`. What it learns from is prepared by
    `learn_processors`, after the others (`append`) or instead of them (`independent`).
    """

    #: A universe of the market, or the instruments themselves.
    instruments: str | tuple[str, ...]
    #: First and last day, inclusive; None is open.
    start_time: str | None
    end_time: str | None
    #: Name -> expression.
    features: Mapping[str, str]
    #: Name -> expression.
    labels: Mapping[str, str]
    infer_processors: tuple[Processor, ...] = ()
    learn_processors: tuple[Processor, ...] = ()
    process_type: str = APPEND

    def __post_init__(self) -> None:
        if self.process_type not in _PROCESS_TYPES:
            hint = nearest(str(self.process_type), _PROCESS_TYPES)
            raise InputError(f"process_type must be append or independent, not {self.process_type!r}{hint}")
        for processor in self.infer_processors:
            if not processor.usable_for_infer:
                name = type(processor).__name__
                raise InputError(f"{name} cannot be an infer processor; put it into learn_processors")
        if self._columns(self.infer_processors) != self._columns(self.learning_processors):
            raise InputError("learn_processors remove columns that infer_processors leave; remove them in both")
        if not all(self.columns.values()):
            raise InputError("the processors leave no feature or no label")

    @property
    def learning_processors(self) -> tuple[Processor, ...]:
        """All processors that the rows to learn from go through."""
        return self.processors if self.appends else self.learn_processors

    @property
    def processors(self) -> tuple[Processor, ...]:
        """All processors."""
        return (*self.infer_processors, *self.learn_processors)

    @property
    def appends(self) -> bool:
        """The learn processors go on from the result of the infer processors."""
        return self.process_type == APPEND

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """Name -> expression of the columns that are left, by group (feature and label)."""
        features, labels = self._columns(self.learning_processors)
        return {"feature": features, "label": labels}

    def rows(self, market: Market) -> RowIndex:
        """The rows before any processor, by day and then by instrument.

        Raises:
            InputError: for an unknown universe or instrument, or when there is no row.

        """
        return RowIndex.of(market, market.membership(self.instruments), *self.span(market))

    def span(self, market: Market) -> tuple[int, int]:
        """Calendar positions of the first and last day."""
        return market.calendar.span(self.start_time, self.end_time)

    @property
    def overrides(self) -> bool:
        """Whether a subclass has rows or columns of its own making, on which a matrix then depends."""
        mine, plain = type(self), DataHandler
        return any(
            getattr(mine, name) is not getattr(plain, name) for name in ("rows", "columns", "span", "_columns")
        )

    def raw(self, market: Market, *, threads: int | None = None) -> pd.DataFrame:
        """Features and labels before any processor, float32, indexed (datetime, instrument); Qlib's DK_R.

        Raises:
            InputError: for wrong expressions, universes or days.

        """
        rows = self.rows(market)
        names = [*self.features, *self.labels]
        values = np.empty((len(rows), len(names)), dtype=np.float32)
        expressions = [parse(text) for text in (*self.features.values(), *self.labels.values())]
        evaluate(expressions, market, rows, values, start=self.span(market)[0], threads=threads)
        return pd.DataFrame(values, index=rows.to_index(), columns=names, copy=False)

    def _columns(self, processors: Sequence[Processor]) -> tuple[dict[str, str], dict[str, str]]:
        features, labels = dict(self.features), dict(self.labels)
        filtered = False
        for processor in processors:
            filtered |= isinstance(processor, RowFilter)
            if isinstance(processor, ColumnFilter):
                if filtered:
                    raise InputError(f"{type(processor).__name__} must stand before processors that remove rows")
                features = {name: text for name, text in features.items() if processor.keeps("feature", name)}
                labels = {name: text for name, text in labels.items() if processor.keeps("label", name)}
        return features, labels
