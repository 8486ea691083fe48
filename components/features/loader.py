"""The columns of a handler, as configs describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.errors import InputError, nearest

Columns = dict[str, str]

_GROUPS = ("feature", "label")


@dataclass(frozen=True)
class QlibDataLoader:
    """Expressions for the groups `feature` and `label`, in Qlib's form.

    `config` maps a group to ``[expression, ...]``, whose names are the expressions themselves, or to
    ``[[expression, ...], [name, ...]]``. The other arguments are Qlib's; only what they are by default works.
    """

    config: Mapping[str, Any]
    filter_pipe: Any = None
    swap_level: bool = True
    freq: str = "day"
    inst_processors: Any = None

    def __post_init__(self) -> None:
        refuse_unsupported(
            "QlibDataLoader", freq=self.freq, filter_pipe=self.filter_pipe, inst_processors=self.inst_processors
        )
        if not self.swap_level:
            raise InputError("QlibDataLoader: swap_level must be true; rows are indexed by datetime, instrument")
        if not isinstance(self.config, Mapping) or "feature" not in self.config or "label" not in self.config:
            raise InputError("QlibDataLoader: config must hold the groups feature and label")
        for group in self.config:
            if group not in _GROUPS:
                raise InputError(f"QlibDataLoader: unknown group {group!r}{nearest(group, _GROUPS)}")

    def columns(self, group: str) -> Columns:
        """Name -> expression of a group.

        Raises:
            InputError: when the group is not written as described above.

        """
        return read_columns(self.config[group], group)


def read_columns(description: Any, where: str) -> Columns:
    """Name -> expression, from a list of expressions or a pair of expressions and names.

    Raises:
        InputError: for anything else, for unequal lengths and for a name that occurs twice.

    """
    if isinstance(description, str):
        description = [description]
    if not isinstance(description, Sequence) or not description:
        raise InputError(f"{where}: expected [expression, ...] or [[expression, ...], [name, ...]]")
    expressions, names = description, description
    if isinstance(description[0], list | tuple):
        if len(description) != 2:
            raise InputError(f"{where}: expected [[expression, ...], [name, ...]], got {len(description)} lists")
        expressions, names = description
        if not expressions or isinstance(expressions, str) or not isinstance(names, list | tuple):
            raise InputError(f"{where}: expected [expression, ...] or [[expression, ...], [name, ...]]")
    if len(expressions) != len(names):
        raise InputError(f"{where}: {len(expressions)} expressions, but {len(names)} names")
    for text in (*expressions, *names):
        if not isinstance(text, str):
            raise InputError(f"{where}: expressions and names are texts, not {text!r}")
    if not all(name.strip() for name in names):
        raise InputError(f"{where}: a column needs a name, but one of them is empty")
    columns = dict(zip(names, expressions, strict=True))
    if len(columns) < len(names):
        twice = next(name for name in columns if list(names).count(name) > 1)
        raise InputError(f"{where}: the column {twice!r} occurs twice")
    return columns


def refuse_unsupported(owner: str, *, freq: Any, filter_pipe: Any, inst_processors: Any) -> None:
    """Do nothing for Qlib's default values.

    Raises:
        InputError: for another value: it would change the data, so it is not ignored.

    """
    if freq != "day":
        raise InputError(f"{owner}: freq {freq!r} is not supported, only 'day'")
    if filter_pipe:
        raise InputError(
            f"{owner}: filter_pipe is not supported; write the universe's spans to instruments/NAME.txt"
        )
    if inst_processors:
        raise InputError(f"{owner}: inst_processors are not supported; write what they do as an expression")
