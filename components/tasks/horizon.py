"""One task per prediction horizon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from components.data.calendar import Segment, TradingCalendar
from components.errors import InputError
from components.tasks.generator import TaskGen
from components.tasks.task import TrainingTask
from components.tasks.windows import align, leave_gap


def return_label(horizon: int) -> str:
    """The return of buying at tomorrow's close and selling `horizon` days later, in Qlib's expressions."""
    return f"Ref($close, -{horizon + 1})/Ref($close, -1) - 1"


@dataclass(frozen=True, kw_only=True)
class MultiHorizonGen(TaskGen):
    """The template once per horizon, with that horizon's label, and segments that end early enough for it.

    A longer horizon needs a longer gap before the test: it is ``horizon + label_leak`` trading days. Rolling
    windows made of the results keep that distance, so `RollingGen` needs no gap of its own after this.
    """

    #: Days to hold, one task each.
    horizons: Sequence[int]
    #: Further days that the label looks ahead: with 2, no training label touches the test (see `RollingGen`).
    label_leak: int = 2
    #: The trading days.
    calendar: TradingCalendar
    #: Label expression of a horizon.
    label: Callable[[int], str] = return_label

    def __post_init__(self) -> None:
        if not self.horizons or min(self.horizons) < 1:
            raise InputError(f"horizons={list(self.horizons)}: give at least one, each of at least 1 trading day")
        if self.label_leak < 0:
            raise InputError(f"label_leak={self.label_leak}: cannot be negative")

    def generate(self, task: TrainingTask) -> list[TrainingTask]:
        """One task per horizon, in their order; the test stays as given, aligned to trading days.

        Raises:
            InputError: when a segment has no trading day, or none is left by the gap.

        """
        window = align(task.segments, self.calendar)
        tasks = []
        for horizon in self.horizons:
            cut = leave_gap(window, horizon + self.label_leak, self.calendar)
            segments: dict[str, Segment] = {
                name: (
                    None if start is None else str(self.calendar[start]),
                    None if end is None else str(self.calendar[end]),
                )
                for name, (start, end) in cut.items()
            }
            tasks.append(task.with_segments(segments).with_handler_kwargs(label=[self.label(horizon)]))
        return tasks
