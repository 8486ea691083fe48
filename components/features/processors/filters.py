"""Processors that remove rows or columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.errors import InputError
from components.features.processors.base import (
    ColumnFilter,
    FieldsGroup,
    Group,
    GroupProcessor,
    Mask,
    RowFilter,
    Values,
)


@dataclass(frozen=True)
class DropnaProcessor(RowFilter):
    """Remove rows with NaN in any column of the group."""

    fields_group: FieldsGroup = None

    def keep(self, values: Values) -> Mask:
        """See `RowFilter.keep`."""
        return np.logical_not(np.isnan(values).any(axis=1))


@dataclass(frozen=True)
class DropnaLabel(DropnaProcessor):
    """Remove rows without a label; only for learning, because tomorrow's rows have none yet."""

    fields_group: FieldsGroup = "label"
    usable_for_infer = False


@dataclass(frozen=True)
class DropCol(ColumnFilter):
    """Remove columns by name."""

    col_list: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_names("DropCol", self.col_list)

    def keeps(self, group: Group, name: str) -> bool:  # noqa: ARG002 - names count in both groups
        """See `ColumnFilter.keeps`."""
        return name not in self.col_list


@dataclass(frozen=True)
class FilterCol(GroupProcessor, ColumnFilter):
    """Keep, of the columns of a group, only those named."""

    fields_group: FieldsGroup = "feature"
    col_list: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_names("FilterCol", self.col_list)

    def keeps(self, group: Group, name: str) -> bool:
        """See `ColumnFilter.keeps`."""
        return group not in self.groups() or name in self.col_list


def _check_names(owner: str, names: object) -> None:
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{owner}: col_list must be a list of column names, not {names!r:.60}")
