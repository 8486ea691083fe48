"""How long work tells how it is getting on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

#: Called after every iteration with (done, total, metrics of this iteration); raises to stop the work.
Progress = Callable[[int, int, Mapping[str, float]], None]


def no_progress(_done: int, _total: int, _metrics: Mapping[str, float]) -> None:
    """Progress that nobody looks at."""
