"""Rows of many tables under one numbering, so that joining them is arithmetic on integers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.errors import InputError

DAY = "datetime"
#: A column or columns, indexed by day or by (datetime, instrument).
Table: TypeAlias = Union["pd.Series[Any]", pd.DataFrame]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """The rows of several tables as numbers that sort as the rows do; equal rows have equal numbers."""

    #: Names and sorted values of the index levels that all tables share.
    names: tuple[Hashable, ...]
    levels: tuple[pd.Index[Any], ...]
    #: For each table the numbers of its rows.
    numbers: tuple[Ints, ...]

    @classmethod
    def of(cls, tables: Mapping[Any, Table]) -> Rows:
        """Number the rows of the tables.

        Raises:
            InputError: when a table is not indexed by day, or otherwise than the first one.

        """
        indexes = [_checked(key, table.index, tables) for key, table in tables.items()]
        depth = range(len(indexes[0].names))
        parts = [[_level(index, place) for index in indexes] for place in depth]
        numbered = [_numbered([values for values, _ in part]) for part in parts]
        numbers = [np.zeros(len(index), dtype=np.int64) for index in indexes]
        for (level, places), part in zip(numbered, parts, strict=True):
            for table, (_, codes) in enumerate(part):
                numbers[table] = numbers[table] * len(level) + places[table][codes]
        return cls(tuple(indexes[0].names), tuple(level for level, _ in numbered), tuple(numbers))

    def days(self, numbers: Ints) -> Ints:
        """Positions of the days of rows in the first level."""
        return self._codes(numbers)[0]

    def index(self, numbers: Ints) -> pd.Index[Any]:
        """The index of rows."""
        codes = self._codes(numbers)
        if len(self.levels) == 1:
            return self.levels[0].take(codes[0]).rename(self.names[0])
        levels: list[Any] = list(self.levels)
        places: list[Any] = [*codes]
        return pd.MultiIndex(levels, places, names=self.names, verify_integrity=False)

    def _codes(self, numbers: Ints) -> list[Ints]:
        codes: list[Ints] = []
        for level in reversed(self.levels[1:]):
            above = numbers // max(len(level), 1)
            codes.insert(0, numbers - above * len(level))
            numbers = above
        return [numbers, *codes]


def _checked(key: object, index: pd.Index[Any], tables: Mapping[Any, Table]) -> pd.Index[Any]:
    """The index of a table, if the tables can be joined by it."""
    names = list(index.names)
    if names[0] != DAY:
        raise InputError(f"{key}: expected a table indexed (datetime, instrument), got {names}")
    first, table = next(iter(tables.items()))
    if names != list(table.index.names):
        raise InputError(f"{key} is indexed {names}, but {first} {list(table.index.names)}; they cannot be joined")
    return index


def _level(index: pd.Index[Any], place: int) -> tuple[pd.Index[Any], Ints]:
    """Values of an index level, and the position among them for each row."""
    if isinstance(index, pd.MultiIndex):
        values, codes = index.levels[place], np.asarray(index.codes[place], dtype=np.int64)
    else:
        found, values = pd.factorize(index)
        codes = found.astype(np.int64)
    if (codes < 0).any():
        raise InputError(f"a row without {index.names[place]}; drop it first")
    return values, codes


def _numbered(parts: list[pd.Index[Any]]) -> tuple[pd.Index[Any], list[Ints]]:
    """The sorted values of all parts, and where those of each part are among them."""
    places, values = pd.factorize(parts[0].append(parts[1:]), sort=True)
    return values, np.split(places, np.cumsum([len(part) for part in parts])[:-1])
