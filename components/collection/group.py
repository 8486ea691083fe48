"""Sorting results into groups and making each group one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from components.collection.ensemble import RollingEnsemble
from components.errors import InputError


class Group:
    """{(A, B, C1): x, (A, B, C2): y} -> {(A, B): {C1: x, C2: y}} -> {(A, B): one of x and y}.

    Args:
        group_func: All results -> {group: {member: result}}.
        ens: The results of a group -> one, such as an `Ensemble`.
    """

    def __init__(
        self,
        group_func: Callable[[Mapping[Any, Any]], Mapping[Any, Mapping[Any, Any]]],
        ens: Callable[[Any], Any],
    ) -> None:
        self.group_func = group_func
        self.ens = ens

    def group(self, results: Mapping[Any, Any]) -> Mapping[Any, Mapping[Any, Any]]:
        """The results by group and member."""
        return self.group_func(results)

    def reduce(self, members: Mapping[Any, Any]) -> Any:
        """The one result of a group."""
        return self.ens(members)

    def __call__(self, results: Mapping[Any, Any]) -> dict[Any, Any]:
        """One result per group, in the order in which groups appear."""
        return {key: self.reduce(members) for key, members in self.group(results).items()}


def by_window(results: Mapping[Any, Any]) -> dict[Any, dict[Any, Any]]:
    """Results by all of their key but its last part, which names the window.

    Raises:
        InputError: when a key is not a tuple.

    """
    groups: dict[Any, dict[Any, Any]] = {}
    for key, result in results.items():
        if not isinstance(key, tuple) or not key:
            raise InputError(
                f"key {key!r}: expected a tuple that ends with the window, such as ('LGBModel', {key!r})"
            )
        groups.setdefault(key[:-1], {})[key[-1]] = result
    return groups


class RollingGroup(Group):
    """Joins the windows of each model: the last part of a key names the window, the rest the group."""

    def __init__(self, ens: Callable[[Any], Any] | None = None) -> None:
        super().__init__(by_window, RollingEnsemble() if ens is None else ens)
