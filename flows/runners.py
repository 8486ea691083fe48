"""Where the windows of a run train: threads, processes or a Dask cluster, by Prefect's task runners; or workers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from prefect.client.orchestration import get_client
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from components.errors import InputError
from flows.rolling.options import Runner
from flows.services import connect, end_run
from flows.workspace import Workspace


@contextmanager
def open_runner(runner: Runner, workspace: Workspace, dask: str | None = None) -> Iterator[Any]:
    """One of Prefect's task runners; its `map` has no annotation for plain functions.

    Threads are as many as there are windows, for one may wait for a task that another machine holds; how many
    train at the same time is a matter of the slots of the workspace. With `worker`, all wait for `flows.worker`.

    Raises:
        InputError: when the runner's package is not installed.
    """
    if runner in ("thread", "worker"):
        with cast("Any", ThreadPoolTaskRunner()) as engine:
            yield engine
        return
    _share_server()
    if runner == "process":
        with ProcessPoolTaskRunner(max_workers=workspace.slots) as engine:
            yield engine
        return
    with _dask_runner(workspace.slots, dask) as engine:
        try:
            yield engine
        finally:
            engine.client.run(end_run, workspace)  # the workers of a cluster outlive the run


def _dask_runner(workers: int, address: str | None) -> Any:
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

    return Runner(address=address) if address else Runner(cluster_kwargs={"n_workers": workers})


def _share_server() -> None:
    """Tell processes that begin from now on of Prefect's server, or each would start a private one of its own."""
    with get_client(sync_client=True) as client:
        os.environ.setdefault("PREFECT_API_URL", str(client.api_url).rstrip("/"))


def stop_trainings(engine: Any, workspace: Workspace, trained: Sequence[Any]) -> None:
    """Let the trainings of a run end, in whatever process they are, so that their tasks are given back."""
    connect(workspace).give_back()
    if isinstance(engine, ProcessPoolTaskRunner):
        for process in _processes(engine):  # see `obey_signals`
            process.terminate()
    elif not isinstance(engine, ThreadPoolTaskRunner):
        engine.client.cancel([future.wrapped_future for future in trained])  # those that wait do not begin
        engine.client.run(end_run, workspace, stop=True)


def _processes(engine: ProcessPoolTaskRunner) -> list[Any]:
    """The processes that this runner has started. Neither it nor its executor names them in public."""
    executor: Any = engine._executor
    return list(((executor and executor._processes) or {}).values())
