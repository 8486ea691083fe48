"""Days as tables write them: texts, whole numbers and times, the distinct ones of a column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.data.calendar import Days

#: Year first: 2015-01-05, 2015-1-5, 2015/01/05, 2015.1.5, 20150105; then perhaps a time of day and its zone.
_DAY = re.compile(
    r"(?P<year>\d{4})(?P<sign>[-/.]?)(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})"
    r"(?:[T ](?P<time>\d{1,2}:\d\d(?::\d\d)?)(?:\.\d+)?\s?(?:Z|UTC|[+-]\d\d:?\d\d)?)?"
)
#: Years without a trading day that no market has had.
_LONGEST_GAP = 20
#: More distinct times than a table of daily bars can have.
_MOST_TIMES = 200_000


class WrongKeys(Exception):
    """A column holds something that is no day, or no code of an instrument."""

    def __init__(self, problem: str, place: int | None = None) -> None:
        super().__init__(problem, place)
        self.problem = problem
        #: Which of the distinct values is wrong; None: all of them.
        self.place = place


@dataclass(frozen=True)
class _Moments:
    """Days, and the time of day of each as text; empty: midnight, or none given."""

    days: Days
    times: npt.NDArray[np.str_]


def to_days(distinct: pa.Array[Any]) -> Days:
    """The day of each of the distinct values of a column.

    A time of day is dropped, a day is not moved to another time zone.

    Raises:
        WrongKeys: for what is not a day, days that a time zone has moved, or one that is far from all others.
    """
    if len(distinct) > _MOST_TIMES:
        raise WrongKeys(f"has {len(distinct):,} different times; the table must hold one row a day and instrument")
    moments = _read(distinct)
    _refuse_moved(moments)
    _refuse_lonely(moments.days)
    return moments.days


def _read(distinct: pa.Array[Any]) -> _Moments:
    kind = distinct.type
    if pa.types.is_integer(kind):
        distinct, kind = distinct.cast(pa.string()), pa.string()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_texts([str(text) for text in distinct.to_pylist()])
    if pa.types.is_date(kind):
        return _Moments(_numpy(distinct).astype("datetime64[D]"), np.full(len(distinct), ""))
    if pa.types.is_timestamp(kind):
        local: Any = pc.local_timestamp(cast("Any", distinct)) if kind.tz else distinct
        return _from_times(_numpy(local))
    raise WrongKeys(f"holds {kind}; write days as YYYY-MM-DD")


def _from_times(moments: npt.NDArray[Any]) -> _Moments:
    days = moments.astype("datetime64[D]")
    seconds = (moments - days).astype("timedelta64[s]").astype(np.int64)
    names = {second: f"{second // 3600:02d}:{second // 60 % 60:02d}" for second in np.unique(seconds).tolist()}
    return _Moments(days, np.array([names[second] if second else "" for second in seconds.tolist()]))


def _from_texts(texts: list[str]) -> _Moments:
    days, times = [], []
    for place, text in enumerate(texts):
        found = _DAY.fullmatch(text.strip())
        # without signs only eight digits tell where the month ends
        if not found or (not found["sign"] and len(found["month"] + found["day"]) != 4):
            raise WrongKeys(f"holds {text[:40]!r}, which is not a day; write YYYY-MM-DD", place)
        try:
            days.append(date(int(found["year"]), int(found["month"]), int(found["day"])))
        except ValueError:
            raise WrongKeys(f"holds {text[:40]!r}, a day that there is not; write YYYY-MM-DD", place) from None
        times.append("" if (time := (found["time"] or "")[:5].zfill(5)) in ("00000", "00:00") else time)
    return _Moments(np.array(days, dtype="datetime64[D]"), np.array(times))


def _refuse_moved(moments: _Moments) -> None:
    """Midnight in China, stored in UTC, is 16:00 of the day before: bars lie on Sundays, and none on a Friday."""
    weekdays = (moments.days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    if (moments.times != "").any() and 6 in weekdays and 4 not in weekdays:
        times = " or ".join(np.unique(moments.times)[:3])
        raise WrongKeys(
            f"has the times {times} on Sundays and none on a Friday: a time zone has moved the days; "
            "store days without a time, or in the zone of the market"
        )


def _refuse_lonely(days: Days) -> None:
    order = np.argsort(days, kind="stable")
    gaps = np.flatnonzero(np.diff(days[order]) > np.timedelta64(366 * _LONGEST_GAP, "D"))
    if len(gaps):
        before, after = gaps[0], gaps[0] + 1
        lonely, near = (before, after) if before < len(days) - after else (after, before)
        raise WrongKeys(
            f"has {days[order[lonely]]}, more than {_LONGEST_GAP} years from the next day, {days[order[near]]}",
            int(order[lonely]),
        )


def _numpy(array: Any) -> npt.NDArray[Any]:
    return np.asarray(array.to_numpy(zero_copy_only=False))
