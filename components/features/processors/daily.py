"""Processors that look at the rows of a single day, or at single values."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from components.checking import check_number
from components.errors import InputError, nearest
from components.features.processors.base import Block, FieldsGroup, GroupProcessor, Integers, Transform, Values

_METHODS = ("zscore", "robust")


def _kernels() -> ModuleType:
    """The compiled loops. They are loaded when used: reading a config must not wait for the compiler."""
    return importlib.import_module("components.features.kernels.cross_section")


@dataclass(frozen=True)
class CSZScoreNorm(GroupProcessor, Transform):
    """Standardise over the instruments of a day.

    `zscore`: less the mean, over the standard deviation (n - 1). `robust`: less the median, over 1.4826 times
    the median absolute deviation, cut at 3.
    """

    fields_group: FieldsGroup = None
    method: str = "zscore"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in _METHODS:
            hint = nearest(str(self.method), _METHODS)
            raise InputError(f"CSZScoreNorm: method must be zscore or robust, not {self.method!r}{hint}")

    def transform(self, values: Values, starts: Integers, columns: Integers) -> None:
        """See `Transform.transform`."""
        if self.method == "zscore":
            _kernels().standardise_days(values, starts, columns)
        else:
            _kernels().standardise_days_robustly(values, starts, columns)


@dataclass(frozen=True)
class CSRankNorm(GroupProcessor, Transform):
    """Rank over the instruments of a day, spread to mean 0 and deviation 1: (rank - 0.5) * 3.46."""

    fields_group: FieldsGroup = None

    def transform(self, values: Values, starts: Integers, columns: Integers) -> None:
        """See `Transform.transform`."""
        _kernels().rank_days(values, starts, columns)


@dataclass(frozen=True)
class CSZFillna(GroupProcessor, Transform):
    """Put the mean of the day where there is NaN."""

    fields_group: FieldsGroup = None

    def transform(self, values: Values, starts: Integers, columns: Integers) -> None:
        """See `Transform.transform`."""
        _kernels().fill_days(values, starts, columns)


@dataclass(frozen=True)
class ProcessInf(Transform):
    """Put the mean of the day's finite values where there is plus or minus infinity, in all columns."""

    def transform(self, values: Values, starts: Integers, columns: Integers) -> None:
        """See `Transform.transform`."""
        _kernels().replace_infinite(values, starts, columns)


@dataclass(frozen=True)
class Fillna(GroupProcessor, Transform):
    """Put a number where there is NaN."""

    fields_group: FieldsGroup = None
    fill_value: float = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("Fillna: fill_value", self.fill_value)

    def transform(self, values: Values, starts: Integers, columns: Integers) -> None:  # noqa: ARG002
        """See `Transform.transform`."""
        part = values[:, columns]
        values[:, columns] = np.where(np.isnan(part), np.float32(self.fill_value), part)


@dataclass(frozen=True)
class TanhProcess(Transform):
    """tanh(x - 1) of every column without LABEL in its name, features and labels alike."""

    def columns(self, block: Block) -> Integers:
        """See `Processor.columns`."""
        return np.array([place for place, name in enumerate(block.names) if "LABEL" not in name], dtype=np.int64)

    def transform(self, values: Values, starts: Integers, columns: Integers) -> None:  # noqa: ARG002
        """See `Transform.transform`."""
        values[:, columns] = np.tanh(values[:, columns] - 1)
