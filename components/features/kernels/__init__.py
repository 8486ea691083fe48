"""Compiled loops over series of many instruments, laid one after the other. Importing a module compiles it."""

from __future__ import annotations

import importlib

_MODULES = (
    "scatter",
    "sums",
    "deviations",
    "correlations",
    "regression",
    "extremes",
    "ranks",
    "shapes",
    "window_means",
    "exponential",
    "cross_section",
)


def warm_up() -> None:
    """Compile all kernels, or load what an earlier process compiled. May run in a thread of its own."""
    for module in _MODULES:
        importlib.import_module(f"{__name__}.{module}")
