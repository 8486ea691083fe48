"""Where the windows of a run train: threads, processes or a Dask cluster, by Prefect's task runners; or workers."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from typing import Any

from prefect.client.orchestration import get_client
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from components.errors import InputError
from flows.rolling.options import Runner
from flows.workspace import Workspace, connect, give_back


def open_runner(runner: Runner, workers: int, dask: str | None = None) -> Any:
    """One of Prefect's task runners, to be entered; its `map` has no annotation for plain functions.

    Threads are as many as there are windows, for one may wait for a task that another machine holds; how many
    train at the same time is a matter of the slots of the workspace. With `worker`, all wait for `flows.worker`.

    Raises:
        InputError: when the runner's package is not installed.
    """
    if runner in ("thread", "worker"):
        return ThreadPoolTaskRunner()
    _share_server()
    if runner == "process":
        return ProcessPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise InputError(
            "the runner 'dask' needs prefect-dask; install it with: pip install 'rollflow[dask]'"
        ) from None

    class Runner(DaskTaskRunner):
        """Takes what nodes wait for along as states: futures of the flow itself cannot travel."""

        def submit(self, task: Any, parameters: Any, wait_for: Any = None, dependencies: Any = None) -> Any:
            states = [future.state for future in wait_for or ()]
            return super().submit(task, parameters, states, dependencies)

    return Runner(address=dask) if dask else Runner(cluster_kwargs={"n_workers": workers})


def _share_server() -> None:
    """Tell processes that begin from now on of Prefect's server, or each would start a private one of its own."""
    with get_client(sync_client=True) as client:
        os.environ.setdefault("PREFECT_API_URL", str(client.api_url).rstrip("/"))


def stop_trainings(engine: Any, workspace: Workspace, trained: Sequence[Any]) -> None:
    """Let the trainings of a runner end, in whatever process they are, so that their tasks are given back."""
    connect(workspace).stop.set()
    if isinstance(engine, ProcessPoolTaskRunner):
        for process in multiprocessing.active_children():  # see `obey_signals`
            process.terminate()
    elif not isinstance(engine, ThreadPoolTaskRunner):
        engine.client.cancel([future.wrapped_future for future in trained])  # those that wait do not begin
        engine.client.run(give_back, workspace)
