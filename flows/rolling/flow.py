"""The flow of a rolling run. Its nodes are in `nodes`; what they do is in `components`."""

from __future__ import annotations

import gc
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.runtime import flow_run
from prefect.utilities.annotations import allow_failure
from pydantic import Field

from components.config import read_config
from components.rolling.result import RunResult
from components.settings import Settings
from components.training import Stopwatch
from flows.rolling import nodes
from flows.rolling.progress import shown
from flows.runners import Runner, open_runner, stop_trainings
from flows.stopping import run_or_stop
from flows.workspace import connect, open_workspace


def _name() -> str:
    parameters = flow_run.parameters
    return f"rolling {parameters.get('experiment') or parameters.get('config') or 'demo'}"


@flow(name="rolling", flow_run_name=_name)
def rolling(
    config: str = "",
    data: str = "",
    experiment: str = "",
    pool: str = "",
    step: Annotated[int, Field(ge=0)] = 0,
    kind: Literal["as configured", "expanding", "sliding"] = "as configured",
    runner: Runner = "thread",
    workers: Annotated[int, Field(ge=0)] = 0,
    dask: str = "",
) -> RunResult | State[RunResult]:
    """Train a model on every rolling window, then join and judge their predictions.

    Windows that the pool knows as done are reused. A window that fails does not stop the others; the run fails at
    its end and says which, and running it again trains only those.

    Args:
        config: Path of a config (YAML), Qlib's or rollflow's. Empty: the demo market.
        data: Market data: demo:, qlib:PATH, parquet:PATH or csv:PATH. Empty: as the config says.
        experiment: Name of the MLflow experiment. Empty: as the config says.
        pool: Name of the task pool. Empty: as the experiment.
        step: Trading days from one window to the next. 0: as the config says.
        kind: Whether the training segment grows or moves.
        runner: Where the windows train: threads of this process, processes, Dask, or workers of the pool.
        workers: Windows that train at the same time. 0: half as many as there are cores.
        dask: Address of a Dask scheduler, for the runner dask. Empty: a local cluster.
    """
    run = read_config(Path(config) if config else None).with_options(
        data=data, experiment=experiment, pool=pool, step=step, kind="" if kind == "as configured" else kind
    )
    elsewhere = runner == "worker"
    watch = Stopwatch()
    with open_workspace(Settings.from_env(), run, workers=workers) as workspace:
        services = connect(workspace)
        with watch.phase("generate"):
            windows = nodes.generate(run, workspace)
        features = nodes.features.submit([] if elsewhere else windows, workspace)
        with watch.phase("store"):
            stored = nodes.store(windows, workspace)
        with watch.phase("features"):
            features.result()
        gc.freeze()  # what is imported by now stays; the collector need not walk through it again and again
        with (
            watch.phase("train"),
            services.trainers,  # threads that keep memory end before the windows are joined
            shown(windows, services),
            open_runner(runner, workspace.slots, dask) as engine,
        ):
            same = {"workspace": workspace, "stored": stored, "elsewhere": elsewhere}
            given = {"window": windows, **{name: unmapped(value) for name, value in same.items()}}
            begin = partial(engine.map, nodes.train, given, wait_for=[features])
            trained = run_or_stop(begin, wait, partial(stop_trainings, engine, workspace))
            if isinstance(trained, State):
                return trained
        with watch.phase("collect"):
            ended = [allow_failure(future) for future in trained]
            joined = nodes.collect(windows, workspace, stored, wait_for=ended)
        with watch.phase("analyse"):
            result = nodes.analyse(run, joined, workspace, stored)
        with watch.phase("report"):
            result = nodes.report(run, joined, result, workspace)
    return result.checked(watch.seconds)
