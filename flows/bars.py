"""Bars in a terminal for the tasks that are trained."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from components.pool import TaskSummary
from components.progress import ProgressReport


def open_bars(console: Console) -> Progress:
    """Bars that are gone when they are no longer needed; to be entered."""
    text = TextColumn("{task.description}", markup=False)
    return Progress(text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console, transient=True)


class TrainingBars:
    """A bar for each task that is trained now."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def paint(self, running: Sequence[tuple[str, TaskSummary]]) -> None:
        """Show just these tasks, each with its name."""
        for ended in self._bars.keys() - {task.id for _, task in running}:
            self._progress.remove_task(self._bars.pop(ended))
        for name, task in running:
            if task.id not in self._bars:
                self._bars[task.id] = self._progress.add_task(f"  {name} on {task.owner}", total=None)
            report = ProgressReport.from_document(task.progress)
            if report and report.total:
                self._progress.update(self._bars[task.id], completed=report.done, total=report.total)
