"""The flow of a rolling run. Its nodes are in `nodes`; what they do is in `components`."""

from __future__ import annotations

from functools import partial

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.runtime import flow_run
from prefect.utilities.annotations import allow_failure

from components.gc_pause import imports_kept
from components.rolling.result import RunResult
from components.settings import Settings
from components.training import Stopwatch
from flows.opening import open_workspace
from flows.options import takes
from flows.prefect_secrets import without_secrets
from flows.presence import announce
from flows.rolling import nodes
from flows.rolling.check import check_runner
from flows.rolling.options import RollingOptions
from flows.rolling.progress import shown
from flows.rolling.request import read_request
from flows.runners import open_runner, stop_trainings
from flows.services import connect
from flows.stopping import run_or_stop


def _name() -> str:
    parameters = flow_run.parameters
    return f"rolling {parameters.get('experiment') or parameters.get('config') or 'demo'}"


@flow(name="rolling", flow_run_name=_name)
@without_secrets
@takes(RollingOptions)
def rolling(options: RollingOptions) -> RunResult | State[RunResult]:
    """Train a model on every rolling window, then join and judge their predictions.

    Windows that the pool knows as done are reused. A window that fails does not stop the others; the run fails at
    its end and says which, and running it again trains only those.
    """
    announce()
    run, settings, elsewhere = read_request(options), Settings.from_env(), options.runner == "worker"
    check_runner(options, settings)
    watch = Stopwatch()
    with open_workspace(settings, run, workers=options.workers) as workspace:
        services = connect(workspace)
        with watch.phase("generate"):
            windows = nodes.generate(run, workspace)
        features = nodes.features.submit([] if elsewhere else windows, workspace)
        with watch.phase("store"):
            stored = nodes.store(windows, workspace)
        with watch.phase("features"):
            features.result()
        how = "waiting for workers" if elsewhere else workspace.how
        services.trainers.expect(window.key for window in windows if window.key not in stored.done)
        with (
            watch.phase("train"),
            imports_kept(),
            shown(windows, stored, services.watch(stored.run), how),
            open_runner(options.runner, workspace, options.dask) as engine,
        ):
            same = {"workspace": workspace, "stored": stored, "elsewhere": elsewhere}
            given = {"window": windows, **{name: unmapped(value) for name, value in same.items()}}
            begin = partial(engine.map, nodes.train, given, wait_for=[features])
            trained = run_or_stop(begin, wait, partial(stop_trainings, engine, workspace))
            if isinstance(trained, State):
                return trained
            services.end_trainers()  # threads that keep memory
        with watch.phase("collect"):
            ended = [allow_failure(future) for future in trained]
            joined = nodes.collect(windows, workspace, stored, wait_for=ended)
        with watch.phase("analyse"):
            result = nodes.analyse(run, joined, workspace, stored)
        with watch.phase("report"):
            result = nodes.report(run, joined, result, workspace)
    return result.checked(watch.seconds)
