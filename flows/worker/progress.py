"""How a worker gets on: a line for each attempt, and in a terminal bars below."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console

from components.errors import RollflowError
from components.execution import Worker
from components.execution.run import OnAttempt
from components.pool import TaskPool, TaskRecord, TaskStatus, TaskSummary
from components.training import task_name
from flows.bars import TrainingBars, open_bars
from flows.watching import harmless

_REFRESH = 1.0


@contextmanager
def shown(worker: Worker) -> Iterator[OnAttempt]:
    """Show how a worker gets on while the block runs; what is given is to be told of each attempt."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    console.print(f"worker {worker.owner} serves pool {worker.pool.name}")
    try:
        worker.pool.check_exists()
    except RollflowError as error:
        console.print(f"{error}; waiting for it, Ctrl-C ends")
    on_attempt = harmless(partial(_print_attempt, console))
    if not console.is_terminal:
        yield on_attempt
        return
    ended = threading.Event()
    painter = threading.Thread(target=_paint, args=[worker, console, ended], name="progress", daemon=True)
    painter.start()
    try:
        yield on_attempt
    finally:
        ended.set()
        painter.join()


def _paint(worker: Worker, console: Console, ended: threading.Event) -> None:
    mine = {"$and": [worker.query, {"status": TaskStatus.RUNNING.value, "owner": worker.owner}]}
    names = _Names(worker.pool)
    with open_bars(console) as progress:
        whole = progress.add_task("tasks", total=None)
        training = TrainingBars(progress)

        @harmless  # when the pool does not answer, who trains meets the same trouble and says so
        def paint() -> None:
            counts, running = worker.pool.counts(worker.query), worker.pool.summaries(mine)
            finished = sum(count for status, count in counts.items() if status.is_finished)
            progress.update(whole, completed=finished, total=counts.total())
            training.paint([(names.of(task), task) for task in running])

        while not ended.wait(_REFRESH):
            paint()


class _Names:
    """Names of tasks, each read once: they are in the definitions, which are large."""

    def __init__(self, pool: TaskPool) -> None:
        self._pool = pool
        self._names: dict[str, str] = {}

    def of(self, task: TaskSummary) -> str:
        if task.id not in self._names:
            self._names[task.id] = task_name(self._pool.get(task.id))
        return self._names[task.id]


def _print_attempt(console: Console, record: TaskRecord) -> None:
    name = task_name(record)
    if record.status in (TaskStatus.DONE, TaskStatus.PART_DONE):
        result = record.result if isinstance(record.result, dict) else {}
        ic = result.get("metrics", {}).get("IC")
        console.print(f"{name} {record.status}" + (f", IC {ic:.4f}" if ic is not None else ""))
        return
    what = "was given up" if record.status is TaskStatus.FAILED else "failed and will be tried again"
    if not record.errors:  # somebody has reset or cancelled it meanwhile
        console.print(f"{name} {record.status}")
        return
    error = record.errors[-1]
    console.print(f"{name} {what} in attempt {error.attempt}: {error.type}: {error.message}")
