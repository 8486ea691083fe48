"""How the windows of a run get on, read from the pool, so that work on any machine is seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import Progress

from components.errors import RollflowError
from components.pool import TaskRecord, TaskStatus
from components.rolling import Window, WindowResult
from flows.bars import TrainingBars, open_bars
from flows.services import Services

_REFRESH = 0.5
#: Windows that wait have nothing to show.
_STARTED = {"status": {"$ne": TaskStatus.WAITING.value}}


class _Painter(Protocol):
    def paint(self, records: Sequence[TaskRecord]) -> None: ...


@contextmanager
def shown(windows: Sequence[Window], services: Services) -> Iterator[None]:
    """Show how the windows get on while the block runs: bars in a terminal, a line a window elsewhere."""
    console = Console(stderr=True)
    unfinished = {window.key for window in windows}
    ended = threading.Event()

    def watch(painter: _Painter) -> None:
        last = False
        while not last:
            last = ended.wait(_REFRESH)
            try:
                records = services.pool.find(_STARTED, ids=unfinished)
            except RollflowError:
                continue  # the nodes meet the same trouble, and say so
            painter.paint(records)
            unfinished.difference_update(record.id for record in records if record.status.is_finished)

    with _bars(console, len(windows)) if console.is_terminal else _lines(console, len(windows)) as painter:
        watcher = threading.Thread(target=watch, args=[painter], name="progress", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


class _Bars:
    """One bar for the run and one for each window that trains."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._whole = progress.add_task("windows", total=total)
        self._training = TrainingBars(progress)

    def paint(self, records: Sequence[TaskRecord]) -> None:
        self._progress.advance(self._whole, sum(record.status.is_finished for record in records))
        self._training.paint([record for record in records if record.status is TaskStatus.RUNNING])


class _Lines:
    """A line for each window that has ended."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._ended = 0

    def paint(self, records: Sequence[TaskRecord]) -> None:
        for record in records:
            if not record.status.is_finished:
                continue
            self._ended += 1
            window = WindowResult.of(record)
            ic = window.metrics.get("IC")
            self._console.print(
                f"{self._ended}/{self._total} window {window.name} {window.status}"
                + (f", IC {ic:.4f}" if ic is not None else "")
                + (f": {window.error}" if window.error else ""),
                highlight=False,
                soft_wrap=True,
            )


@contextmanager
def _bars(console: Console, total: int) -> Iterator[_Painter]:
    with open_bars(console) as progress:
        yield _Bars(progress, total)


@contextmanager
def _lines(console: Console, total: int) -> Iterator[_Painter]:
    yield _Lines(console, total)
