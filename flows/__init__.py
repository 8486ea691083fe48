"""Prefect flows. They wire; the components compute.

From Python, in a notebook too: ``from flows import run_rolling``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.python import run_rolling

__all__ = ["run_rolling"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from flows import python  # it imports Pandas, which `--help` need not wait for

    return getattr(python, name)
