"""Where the windows of a run train: threads, processes or a Dask cluster, by Prefect's task runners."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from typing import Any, Literal

from prefect.futures import PrefectFuture, wait
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from components.errors import InputError

Runner = Literal["thread", "process", "dask"]


def open_runner(runner: Runner, workers: int, dask: str | None = None) -> Any:
    """One of Prefect's task runners, to be entered; its `map` has no annotation for plain functions.

    Threads are as many as there are windows, for one may wait for a task that another machine holds; how many
    train at the same time is a matter of the slots of the workspace.

    Raises:
        InputError: when the runner's package is not installed.
    """
    if runner == "thread":
        return ThreadPoolTaskRunner()
    if runner == "process":
        return ProcessPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise InputError(
            "the runner 'dask' needs prefect-dask; install it with: pip install 'rollflow[dask]'"
        ) from None
    return DaskTaskRunner(address=dask) if dask else DaskTaskRunner(cluster_kwargs={"n_workers": workers})


def wait_or_stop(futures: Sequence[PrefectFuture[Any]], stop: threading.Event) -> None:
    """Wait for nodes; when the wait is interrupted (Ctrl-C, a cancellation), ask them to stop."""
    _listen_again()
    try:
        wait(list(futures))
    except BaseException:
        stop.set()
        raise


def _listen_again() -> None:
    """Some extension modules (polars is one) put a handler of their own in place of Python's when imported."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.getsignal(number))
