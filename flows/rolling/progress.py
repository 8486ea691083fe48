"""How the windows of a run get on, read from the pool, so that work on any machine is seen."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import Progress

from components.execution import LeftBehind, RunWatch
from components.pool import TaskStatus, TaskSummary
from components.rolling import Stored, Window
from flows.bars import TrainingBars, open_bars
from flows.watching import harmless

_REFRESH = 0.5

#: A task with its name, which is for display: several may have the same.
_Named = tuple[str, TaskSummary]


class _Painter(Protocol):
    def paint(self, ended: Sequence[_Named], running: Sequence[_Named]) -> None:
        """Show what has ended since the last time, and what trains now."""


@contextmanager
def shown(windows: Sequence[Window], stored: Stored, watch: RunWatch, how: str) -> Iterator[None]:
    """Show how the windows get on while the block runs: bars in a terminal, a line a window elsewhere.

    Args:
        windows: Those of the run.
        stored: What was done before, which is not shown.
        watch: Reads how they stand.
        how: How they are trained, to be said first.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    names = {window.key: window.name for window in windows if window.key not in stored.done}
    left = _Left(console)
    ended = threading.Event()

    @harmless
    def paint(painter: _Painter) -> None:
        tasks = {key: task for key, task in watch.tasks.items() if key in names}
        finished = [(names[key], task) for key, task in tasks.items() if task.status.is_finished]
        running = [(names[key], task) for key, task in tasks.items() if task.status is TaskStatus.RUNNING]
        for _, task in finished:
            del names[task.id]
        left.show(tasks.values())
        painter.paint(finished, running)

    def keep_painting(painter: _Painter) -> None:
        while not ended.wait(_REFRESH):
            paint(painter)
        harmless(watch.look)()
        paint(painter)

    total = len(names)
    if total:
        console.print(how)
    with _bars(console, total) if console.is_terminal else _lines(console, total) as painter:
        thread = threading.Thread(target=keep_painting, args=[painter], name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class _Left:
    """Says once of each worker that it cannot train a window, and why."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[str] = set()

    def show(self, tasks: Iterable[TaskSummary]) -> None:
        for task in tasks:
            left = LeftBehind.from_document(task.progress)
            if left and left.owner not in self._said and not task.status.is_finished:
                self._said.add(left.owner)
                self._console.print(f"left to other workers: {left}")


class _Bars:
    """One bar for the run and one for each window that trains."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._whole = progress.add_task("windows", total=total)
        self._training = TrainingBars(progress)

    def paint(self, ended: Sequence[_Named], running: Sequence[_Named]) -> None:
        self._progress.advance(self._whole, len(ended))
        for name, task in ended:
            self._progress.console.print(_line(name, task))
        self._training.paint(running)


class _Lines:
    """A line for each window that has ended."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._ended = 0

    def paint(self, ended: Sequence[_Named], _running: Sequence[_Named]) -> None:
        for name, task in ended:
            self._ended += 1
            self._console.print(f"{self._ended}/{self._total} {_line(name, task)}")


def _line(name: str, task: TaskSummary) -> str:
    """How a window has ended."""
    if task.status is not TaskStatus.DONE:
        why = f": {task.error.type}: {task.error.message}" if task.error else ""
        return f"window {name} {task.status}{why}"
    ic = task.result["metrics"].get("IC")
    return f"window {name} {task.status}" + (f", IC {ic:.4f}" if ic is not None else "")


@contextmanager
def _bars(console: Console, total: int) -> Iterator[_Painter]:
    with open_bars(console) as progress:
        yield _Bars(progress, total)


@contextmanager
def _lines(console: Console, total: int) -> Iterator[_Painter]:
    yield _Lines(console, total)
