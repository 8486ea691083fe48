"""Making one result of several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.collection.rows import Ints, Rows, Table
from components.errors import InputError

Floats = npt.NDArray[np.float64]


class Ensemble(ABC):
    """Turns {key: result} into one result."""

    @abstractmethod
    def __call__(self, results: Any) -> Any:
        """The one result of several.

        Raises:
            InputError: when they cannot be made one.

        """


class SingleKeyEnsemble(Ensemble):
    """{only key: value} -> value, to make results readable; whatever has more keys, or none, stays."""

    def __call__(self, results: Any, recursion: bool = True) -> Any:
        """Unwrap the result, and with `recursion` those within it, from the innermost outwards."""
        if not isinstance(results, Mapping):
            return results
        if recursion:
            results = {key: self(value) for key, value in results.items()}
        return next(iter(results.values())) if len(results) == 1 else results


class RollingEnsemble(Ensemble):
    """Joins the results of rolling windows, such as predictions: for each row the latest window has the word.

    The latest is the one with the latest first day, and among equals the later in the mapping. Its value counts
    even when it is NaN. Of rows that a window has twice the last counts. A row that only an older window has
    stays.
    """

    def __call__(self, results: Mapping[Any, Table]) -> Any:
        """The joined table, sorted by its index; of tables indexed by day or by (datetime, instrument).

        Raises:
            InputError: when there is no table, or their indexes or columns differ.

        """
        if not results:
            raise InputError("no window to join; did all of them fail?")
        tables = list(results.values())
        _check_columns(results)
        rows = Rows.of(results)
        # Numbers sort by day first, so the smallest one is of the first day.
        firsts = rows.days(np.array([numbers.min(initial=np.iinfo(np.int64).max) for numbers in rows.numbers]))
        order = sorted(range(len(tables)), key=firsts.__getitem__)
        numbers = np.concatenate([rows.numbers[place] for place in order])
        by_row = np.argsort(numbers, kind="stable")
        numbers = numbers[by_row]
        last = np.append(numbers[1:] != numbers[:-1], True)[: len(numbers)]
        in_order: list[Any] = [tables[place] for place in order]
        joined = pd.concat(in_order, ignore_index=True).take(by_row[last])
        joined.index = rows.index(numbers[last])
        return joined


class AverageEnsemble(Ensemble):
    """The mean of several models' scores, each standardised per day so that their scales do not matter.

    A score becomes (score - mean) / standard deviation (ddof 1) over the names that its model scores on the day.
    The mean is over the models that have a value; a model that scores all names of a day alike has none there.
    """

    def __call__(self, results: Mapping[Any, Any]) -> pd.Series[Any]:
        """The averaged scores, sorted; of tables, or of mappings of tables to any depth.

        Raises:
            InputError: when there is no table, their indexes differ, or one has a row twice.

        """
        tables = dict(_flat(results))
        if not tables:
            raise InputError("no prediction to average; did all models fail?")
        rows = Rows.of(tables)
        union = np.sort(
            np.concatenate(rows.numbers), kind="stable"
        )  # sorted runs; np.unique hashes, 20 times slower
        union = union[np.diff(union, prepend=-1) > 0]
        days = rows.days(union)
        starts = np.flatnonzero(np.diff(days, prepend=-1))
        total, count = np.zeros(len(union)), np.zeros(len(union))
        for (key, table), numbers in zip(tables.items(), rows.numbers, strict=True):
            places = np.searchsorted(union, numbers)
            if (np.bincount(places, minlength=1) > 1).any():
                raise InputError(
                    f"{key}: some (datetime, instrument) stands there more than once; keep one of each"
                )
            for scores in table.to_numpy(dtype=np.float64).reshape(len(places), -1).T:
                column = np.full(len(union), np.nan)
                column[places] = scores
                standard = _standardised(column, starts)
                known = ~np.isnan(standard)
                total[known] += standard[known]
                count[known] += 1
        with np.errstate(invalid="ignore"):
            return pd.Series(total / count, index=rows.index(union))


def _standardised(scores: Floats, starts: Ints) -> Floats:
    """Each day's scores less their mean, over their deviation; days begin at `starts`."""
    if not len(scores):
        return scores
    known = ~np.isnan(scores)
    sizes = np.diff(starts, append=len(scores))
    counts = np.add.reduceat(known, starts, dtype=np.int64)

    def summed(values: Floats) -> Floats:
        return np.add.reduceat(np.where(known, values, 0.0), starts)

    # The sum of equal floats, divided again, need not give them back: a constant is told by its bounds.
    constant = np.fmax.reduceat(scores, starts) == np.fmin.reduceat(scores, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = scores - np.repeat(summed(scores) / counts, sizes)
        deviation = np.sqrt(summed(centred * centred) / (counts - 1))
        standard: Floats = centred / np.repeat(np.where(constant, np.nan, deviation), sizes)
    return standard


def _flat(results: Mapping[Any, Any], above: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Table]]:
    for key, value in results.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*above, key))
        else:
            yield (*above, key), value


def _check_columns(results: Mapping[Any, Table]) -> None:
    """Windows of one run have the same columns."""
    first = next(iter(results))
    for key, table in results.items():
        if _columns(table) != _columns(results[first]):
            raise InputError(
                f"{key} has {_columns(table)}, but {first} has {_columns(results[first])}; join alike ones"
            )


def _columns(table: Table) -> object:
    return f"columns {list(table.columns)}" if isinstance(table, pd.DataFrame) else "one unnamed column"
