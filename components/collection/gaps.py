"""Which of the wanted days have a prediction, and which have several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.collection.rows import DAY, Table
from components.data import Segment
from components.data.calendar import TradingCalendar
from components.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How the windows' predictions cover the wanted trading days; spans are written ``first..last``, inclusive."""

    #: Number of wanted trading days.
    wanted: int
    #: Number of those that have a prediction.
    covered: int
    #: Wanted trading days without a prediction.
    gaps: tuple[str, ...]
    #: Trading days that more than one window predicts.
    overlaps: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every wanted day has a prediction."""
        return not self.gaps


def coverage(predictions: Mapping[Any, Table], segments: Iterable[Segment], calendar: TradingCalendar) -> Coverage:
    """Compare the days of each window's predictions with the test segments that were wanted.

    Args:
        predictions: Window -> prediction, with the day in the index or in a column ``datetime``. Windows that
            failed are left out.
        segments: Test segments of all windows, the failed ones too; an open end is the calendar's last day.
        calendar: The trading days.

    Raises:
        InputError: when a prediction has no days, or lies on days that are not on the calendar.

    """
    wanted = np.zeros(len(calendar), dtype=bool)
    for segment in segments:
        first, last = calendar.span(*segment)
        wanted[first : last + 1] = True
    windows = np.zeros(len(calendar), dtype=np.int64)
    for key, prediction in predictions.items():
        windows[_positions(key, prediction, calendar)] += 1
    return Coverage(
        wanted=int(wanted.sum()),
        covered=int((wanted & (windows > 0)).sum()),
        gaps=_spans(wanted & (windows == 0), calendar),
        overlaps=_spans(windows > 1, calendar),
    )


def _positions(key: object, prediction: Table, calendar: TradingCalendar) -> npt.NDArray[np.intp]:
    """Positions of the days of a prediction, each once."""
    if DAY in prediction.index.names:
        days = prediction.index.get_level_values(DAY).unique()
    elif isinstance(prediction, pd.DataFrame) and DAY in prediction.columns:
        days = pd.Index(prediction[DAY].unique())
    else:
        raise InputError(f"prediction {key}: no level or column 'datetime'")
    stamps = days.to_numpy(dtype="datetime64[D]")
    positions = np.minimum(np.searchsorted(calendar.days, stamps), len(calendar) - 1)
    off = stamps[calendar.days[positions] != stamps]
    if len(off):
        raise InputError(
            f"prediction {key}: {off.min()} is not on the calendar, which runs from {calendar.first} to "
            f"{calendar.last}; was it made from other market data?"
        )
    return positions


def _spans(chosen: npt.NDArray[np.bool_], calendar: TradingCalendar) -> tuple[str, ...]:
    """The runs of chosen days in a row."""
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
    return tuple(
        f"{calendar[first]}..{calendar[end - 1]}" for first, end in zip(edges[::2], edges[1::2], strict=True)
    )
