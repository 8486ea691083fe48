"""Bars in a terminal for the tasks that are trained."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from components.pool import TaskRecord
from components.progress import ProgressReport
from components.training import task_name


def open_bars(console: Console) -> Progress:
    """Bars that are gone when they are no longer needed; to be entered."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


class TrainingBars:
    """A bar for each task that is trained now."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def paint(self, running: Sequence[TaskRecord]) -> None:
        """Show just these tasks."""
        for ended in self._bars.keys() - {record.id for record in running}:
            self._progress.remove_task(self._bars.pop(ended))
        for record in running:
            if record.id not in self._bars:
                description = f"  {task_name(record)} {record.owner}"
                self._bars[record.id] = self._progress.add_task(description, total=None)
            report = ProgressReport.from_document(record.progress)
            if report and report.total:
                self._progress.update(self._bars[record.id], completed=report.done, total=report.total)
