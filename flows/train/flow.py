"""The flow of a single task. What its nodes do is in `components`; most of them are the rolling flow's."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.runtime import flow_run
from prefect.utilities.annotations import allow_failure

from components.rolling.result import RunResult
from components.settings import Settings
from components.training import Stopwatch
from flows.opening import open_workspace
from flows.options import takes
from flows.prefect_secrets import without_secrets
from flows.presence import announce
from flows.rolling import nodes as shared
from flows.rolling.progress import shown
from flows.services import connect
from flows.stopping import run_or_stop
from flows.train import nodes
from flows.train.options import TrainOptions
from flows.train.request import read_request


def _name() -> str:
    parameters = flow_run.parameters
    return f"train {parameters.get('experiment') or parameters.get('config') or 'demo'}"


@flow(name="train", flow_run_name=_name)
@without_secrets
@takes(TrainOptions)
def train(options: TrainOptions) -> RunResult | State[RunResult]:
    """Train the one task of a config on its own segments, without rolling, and judge it over its test segment.

    A task that the pool knows as done is not trained again; what is recorded of it is made anew.
    """
    announce()
    run = read_request(options)
    watch = Stopwatch()
    with open_workspace(Settings.from_env(), run, workers=1) as workspace:
        services = connect(workspace)
        with watch.phase("generate"):
            window = nodes.generate(run, workspace)
        with watch.phase("store"):
            stored = nodes.store(window, workspace)
        with watch.phase("features"):
            shared.features([window], workspace)
        with watch.phase("train"), shown([window], stored, services.watch(stored.run), workspace.how):
            trained = run_or_stop(
                lambda: [shared.train.submit(window, workspace, stored)], wait, lambda _: services.give_back()
            )
            if isinstance(trained, State):
                return trained
        with watch.phase("collect"):
            ended = [allow_failure(future) for future in trained]
            joined = shared.collect([window], workspace, stored, wait_for=ended)
        with watch.phase("analyse"):
            result = shared.analyse(run, joined, workspace, stored)
        if result.recorder_id:  # else there is nothing to look at
            with watch.phase("report"):
                result = shared.report(run, joined, result, workspace)
    return result.checked(watch.seconds)
