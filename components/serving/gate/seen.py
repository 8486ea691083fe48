"""What is kept of the bars that were seen on a day, to tell later whether they were revised since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.data.calendar import Days
from components.data.market import Panel

Vector = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]

#: Added to each logarithm, so that a value of 1 is not the same as none; a missing value counts as 0.
_OFFSET = 64.0
#: What stands for the logarithm of 0 and of infinity, and what a negative value adds to that of its size.
_ZERO, _INFINITE, _NEGATIVE = 256.0, 512.0, 1024.0


@dataclass(frozen=True, eq=False, kw_only=True)
class SeenBars:
    """Sums of the logarithms of bars, by instrument and by day.

    When all values of an instrument grow by one ratio, as they do when a vendor adjusts its history for a split,
    its sums grow in step; when a bar is mended, they do not. The noise of float32 hardly moves them. So they tell
    the three apart, and take a thousandth of the room of the bars.
    """

    #: The trading days that were seen.
    days: Days
    fields: tuple[str, ...]
    #: Sorted.
    instruments: tuple[str, ...]
    #: Over the days, plainly and with two weights for each day; shape (fields, instruments, 3).
    by_instrument: Vector
    #: Over fields and instruments, with a weight for each pair of them; shape (days,).
    by_day: Vector

    @property
    def last(self) -> np.datetime64:
        """The last day that was seen."""
        return np.datetime64(self.days[-1])

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "days": np.datetime_as_string(self.days).tolist(),
            "fields": list(self.fields),
            "instruments": list(self.instruments),
            "by_instrument": self.by_instrument.tolist(),
            "by_day": self.by_day.tolist(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> SeenBars:
        """Read the JSON form."""
        return cls(
            days=np.array(document["days"], dtype="datetime64[D]"),
            fields=tuple(document["fields"]),
            instruments=tuple(document["instruments"]),
            by_instrument=np.array(document["by_instrument"], dtype=np.float64),
            by_day=np.array(document["by_day"], dtype=np.float64),
        )


class BarSums:
    """Adds up bars, block after block of the panels of some instruments and days.

    Args:
        instruments: The instruments of the panels.
        days: The days of the panels.
        fields: The fields to add up.
        counted: The instruments that count, a part of those of the panels.
        span: The days that count, from the first to before the last.
    """

    def __init__(
        self,
        instruments: Sequence[str],
        days: Days,
        *,
        fields: Sequence[str],
        counted: Iterable[str],
        span: slice = slice(None),
    ) -> None:
        self._instruments, self._days, self._span = instruments, days[span], span
        self._fields, wanted = tuple(fields), set(counted)
        self._counted = np.array([code in wanted for code in instruments], dtype=np.bool_)
        self._code_keys = code_keys(instruments)
        self._day_weights = day_weights(self._days)
        self._by_instrument = np.zeros((len(self._fields), len(instruments), 3))
        self._by_day = np.zeros(len(self._days))

    def add(self, field: str, rows: slice, logs: Vector) -> None:
        """Add the logarithms of some rows of a field's panel; nothing if the field does not count."""
        if field in self._fields:
            logs = logs[:, self._span]
            weights = field_weights(field, self._code_keys[rows]) * self._counted[rows]
            # no BLAS: for products as thin as these, its threads cost more than they do
            self._by_instrument[self._fields.index(field), rows] = np.einsum("rd,kd->rk", logs, self._day_weights)
            self._by_day += np.einsum("r,rd->d", weights, logs)

    def result(self) -> SeenBars:
        """The sums."""
        return SeenBars(
            days=self._days,
            fields=self._fields,
            instruments=tuple(np.array(self._instruments, dtype=object)[self._counted].tolist()),
            by_instrument=self._by_instrument[:, self._counted],
            by_day=self._by_day,
        )


def logarithms(panel: Panel) -> Vector:
    """What is added up of values; it differs by the logarithm of the ratio of two values with the same sign."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.abs(panel), dtype=np.float64)
        logs += _OFFSET
        np.nan_to_num(logs, copy=False, nan=0.0, posinf=_INFINITE, neginf=_ZERO)
        if (negative := panel < 0).any():
            logs[negative] += _NEGATIVE
    return logs


def has_logarithm(panel: Panel) -> npt.NDArray[np.bool_]:
    """Whether a value has one: it is there, finite, and not 0."""
    found: npt.NDArray[np.bool_] = np.isfinite(panel) & (panel != 0)
    return found


def day_weights(days: Days) -> Vector:
    """A 1 and two weights between -1 and 1 for each day, the same in every market; shape (3, days)."""
    first = _mixed(days.astype(np.int64).astype(np.uint64))
    return np.stack([np.ones(len(days)), 2 * _unit(first) - 1, 2 * _unit(_mixed(first)) - 1])


def field_weights(field: str, keys: Keys) -> Vector:
    """A weight between 0.5 and 1.5 for each instrument, given by its key, and a field."""
    return 0.5 + _unit(_mixed(keys ^ np.uint64(_key(field))))


def code_keys(codes: Sequence[str]) -> Keys:
    """A hash of each instrument."""
    return np.array([_key(code) for code in codes], dtype=np.uint64)


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(values: Keys) -> Keys:
    """The output function of SplitMix64 (Steele, Lea and Flood, 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _unit(keys: Keys) -> Vector:
    """Numbers from 0 to below 1."""
    return (keys >> np.uint64(11)).astype(np.float64) / 2**53
