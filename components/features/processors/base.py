"""What processors have in common: the columns they work on, and the table they change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from components.errors import InputError, nearest

Group = Literal["feature", "label"]
#: The groups of columns that a processor works on; None is both.
FieldsGroup = str | list[str] | tuple[str, ...] | None
Values = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

GROUPS: tuple[Group, ...] = ("feature", "label")
#: A piece of a table that is copied to be processed has about this many cells.
_PIECE_CELLS = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Block:
    """The feature or the label columns of a table. Processors change the values in place.

    Rows have two numbers: processors count them by day and then by instrument; in `values` they may lie
    elsewhere.
    """

    group: Group
    #: Column names.
    names: tuple[str, ...]
    #: Shape (rows, columns).
    values: Values
    #: Calendar position of each row's day, in the order of processing, so rising.
    day: npt.NDArray[np.int32]
    #: Where each row lies in `values`; None: in the order of processing.
    place: Integers | None = None

    def places(self, rows: Integers) -> Integers:
        """Where rows lie in `values`."""
        return rows if self.place is None else self.place[rows]


def day_starts(day: npt.NDArray[np.int32]) -> Integers:
    """Where each day begins among rows sorted by day, and the number of rows at the end."""
    new = np.flatnonzero(np.diff(day)) + 1
    return np.concatenate([[0], new, [len(day)]]).astype(np.int64)


def pieces(block: Block, rows: Integers) -> Iterator[tuple[slice, Integers]]:
    """Cut rows into pieces of whole days: which of `rows`, and where days start within the piece."""
    starts = day_starts(block.day[rows])
    enough = max(1, _PIECE_CELLS // max(1, block.values.shape[1]))
    first = 0
    while first < len(starts) - 1:
        after = max(first + 1, int(np.searchsorted(starts, starts[first] + enough, "right")) - 1)
        yield slice(int(starts[first]), int(starts[after])), starts[first : after + 1] - starts[first]
        first = after


class Processor:
    """One step of the preparation of features and labels, under Qlib's name and with its meaning."""

    #: Qlib lets only these stand among infer processors.
    usable_for_infer = True

    def groups(self) -> tuple[Group, ...]:
        """The groups of columns it works on."""
        return GROUPS

    def columns(self, block: Block) -> Integers:
        """Indexes of the columns of a block that it works on."""
        return np.arange(len(block.names)) if block.group in self.groups() else np.empty(0, dtype=np.int64)


class GroupProcessor(Processor):
    """A processor of the columns that `fields_group` names."""

    fields_group: FieldsGroup

    def __post_init__(self) -> None:
        self.groups()  # refuses a wrong name at once

    def groups(self) -> tuple[Group, ...]:
        """See `Processor.groups`."""
        return resolve_groups(type(self).__name__, self.fields_group)


class Transform(Processor, ABC):
    """A processor that changes values in place, day by day."""

    @abstractmethod
    def transform(self, values: Values, starts: Integers, columns: Integers) -> None:
        """Change columns of a piece of whole days, given where each day starts, in place."""


class RowFilter(GroupProcessor, ABC):
    """A processor that removes rows."""

    @abstractmethod
    def keep(self, values: Values) -> Mask:
        """Which rows of these columns stay."""


class ColumnFilter(Processor, ABC):
    """A processor that removes columns."""

    @abstractmethod
    def keeps(self, group: Group, name: str) -> bool:
        """Whether a column stays."""


def resolve_groups(owner: str, fields_group: FieldsGroup) -> tuple[Group, ...]:
    """The groups that `fields_group` names.

    Raises:
        InputError: for a name that is neither feature nor label.

    """
    if fields_group is None:
        return GROUPS
    wanted = list(fields_group) if isinstance(fields_group, list | tuple) else [fields_group]
    for name in wanted:
        if name not in GROUPS:
            raise InputError(
                f"{owner}: fields_group must be feature or label, not {name!r}{nearest(str(name), GROUPS)}"
            )
    return tuple(group for group in GROUPS if group in wanted)
