"""Scores laid out for a backtest: what is known on the morning of each trading day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.backtest.strategy import Places
from components.data.calendar import Day, TradingCalendar
from components.errors import InputError

_LEVELS = ("datetime", "instrument")


@dataclass(frozen=True, kw_only=True)
class Signal:
    """The names of a prediction by day, best first. Day 0 is the first day that is traded."""

    #: Calendar positions of the first and the last day that is traded.
    first: int
    last: int
    #: The instruments that ever have a score, sorted.
    instruments: tuple[str, ...]
    #: Shape (days, instruments): indexes of the instruments, best score first, those without one at the end.
    order: Places
    #: Per day, how many instruments have a score.
    scored: npt.NDArray[np.intp]

    @classmethod
    def of(
        cls,
        prediction: pd.Series | pd.DataFrame,
        calendar: TradingCalendar,
        start: Day | None,
        end: Day | None,
    ) -> Signal:
        """Lay out a prediction; a day trades on the scores of the trading day before it.

        Args:
            prediction: Scores indexed (datetime, instrument) in either order; of a frame, the first column.
            calendar: Trading days.
            start: First day to trade; None: the first day with scores (Qlib's choice, a day without a trade).
            end: Last day to trade; None: the day after the last one with scores, if the calendar has it.

        Raises:
            InputError: for a prediction of another form, with a day off the calendar, or with no score to trade on.
        """
        scores = _series(prediction)
        dates = scores.index.get_level_values("datetime").to_numpy().astype("datetime64[D]")
        position = np.searchsorted(calendar.days, dates)
        unknown = calendar.days[np.minimum(position, len(calendar) - 1)] != dates
        if unknown.any():
            raise InputError(f"prediction: {dates[unknown][0]} is not a trading day of the market")
        next_day = calendar[min(int(position.max()) + 1, len(calendar) - 1)]
        first, last = calendar.span(dates.min() if start is None else start, next_day if end is None else end)

        place, instruments = pd.factorize(scores.index.get_level_values("instrument"), sort=True)
        table = np.full((last - first + 1, len(instruments)), np.nan)
        row = position + 1 - first
        inside = (row >= 0) & (row < len(table))
        if not inside.any():
            raise InputError(f"prediction: no score to trade on from {calendar[first]} to {calendar[last]}")
        table[row[inside], place[inside]] = scores.to_numpy(np.float64)[inside]
        return cls(
            first=first,
            last=last,
            instruments=tuple(instruments),
            order=best_first(table),
            scored=np.sum(~np.isnan(table), axis=1),
        )

    def __len__(self) -> int:
        return len(self.order)

    def ranked(self, day: int) -> Places:
        """The instruments with a score to trade on, best first."""
        return self.order[day, : self.scored[day]]


def best_first(scores: npt.NDArray[np.float64]) -> Places:
    """The order of scores along the last axis, NaN at the end; equal ones keep the order of the instruments."""
    order: Places = np.argsort(-scores, axis=-1, kind="stable")
    return order


def _series(prediction: pd.Series | pd.DataFrame) -> pd.Series:
    """The scores that are not NaN.

    Raises:
        InputError: when the index is not (datetime, instrument) or names a row twice, or nothing is left.
    """
    scores = prediction.iloc[:, 0] if isinstance(prediction, pd.DataFrame) else prediction
    if set(scores.index.names) != set(_LEVELS):
        raise InputError(
            f"prediction: expected an index of datetime and instrument, not {list(scores.index.names)}"
        )
    if scores.index.has_duplicates:
        raise InputError(f"prediction: the row {scores.index[scores.index.duplicated()][0]} occurs twice")
    scores = scores.dropna()
    if not len(scores):
        raise InputError("prediction: it has no score")
    return scores
