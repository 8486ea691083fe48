"""The nodes of the rolling flow. Policy is in the decorators, behaviour in the components."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from prefect import Task, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled, Completed

from components.config import RunConfig
from components.errors import one_line
from components.execution import AttemptFailed, Interrupted, run_task, this_process
from components.report.picture import cumulated_ic
from components.report.runs import REPORT, save_report
from components.rolling import (
    Joined,
    RunResult,
    Stored,
    Window,
    WindowResult,
    analyse_run,
    build_matrices,
    join_windows,
    plan_windows,
    refresh_labels,
    report_content,
    store_windows,
)
from flows.holder_state import ShownHolder
from flows.prefect_errors import best_effort
from flows.prefect_secrets import without_secrets
from flows.rolling.artifacts import publish, publish_report
from flows.services import RunClosed, connect
from flows.stopping import obey_signals
from flows.workspace import Workspace


async def pool_allows_retry(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Prefect never decides by itself whether a window is tried again."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, AttemptFailed) and error.will_retry


@task(name="generate", task_run_name="generate")
@without_secrets
def generate(config: RunConfig, workspace: Workspace) -> list[Window]:
    """One task per rolling window."""
    services = connect(workspace)
    windows = services.on_market(
        lambda market: plan_windows(config, market, workspace.trusted, services.fingerprints)
    )
    get_run_logger().info("%d windows, tests from %s to %s", len(windows), windows[0].name, windows[-1].name)
    return windows


@task(name="store", task_run_name="store")
@without_secrets
def store(windows: list[Window], workspace: Workspace) -> Stored:
    """All tasks in the pool, failed ones waiting again, and the MLflow run that will hold the joined results."""
    services = connect(workspace)
    tasks = [window.task for window in windows]
    stored = services.on_market(
        lambda market: store_windows(
            tasks,
            services.pool,
            services.experiments,
            services.experiment,
            market,
            trusted=workspace.trusted,
            retry=workspace.retry,
            timeout=workspace.timeout,
        )
    )
    get_run_logger().info("%d tasks in pool %s, %d of them done", len(tasks), workspace.pool, len(stored.done))
    return stored


@task(name="features", task_run_name="features")
@without_secrets
def features(windows: list[Window], workspace: Workspace) -> list[str]:
    """The feature matrices that the windows share, unless they are there already; their keys."""
    services = connect(workspace)
    return services.on_market(lambda market: build_matrices(windows, market, services.matrices, workspace.trusted))


# Prefect need not know the inputs again: the pool knows what is done.
@task(
    name="train",
    task_run_name="train {window.name}",
    retries=1000,
    retry_condition_fn=pool_allows_retry,
    cache_policy=NO_CACHE,
)
@without_secrets
def train(window: Window, workspace: Workspace, stored: Stored, elsewhere: bool = False) -> State[WindowResult]:
    """One window: claimed from the pool, trained and recorded; or waited for while somebody else does it."""
    try:
        services = connect(workspace)
        obey_signals(services.stop)
        record = run_task(
            services.pool,
            window.key,
            None if elsewhere else services.train,
            owner=this_process(),
            stop=services.stop,
            trainers=services.trainers,
            on_holder=ShownHolder(),
            await_change=services.watch(stored.run).await_change,
        )
    except (Interrupted, RunClosed):
        return Cancelled(message="the run was stopped; what was not done waits in the pool")
    result = WindowResult.of(record)
    message = f"IC {result.metrics.get('IC', float('nan')):.4f} in attempt {record.attempts} on {result.owner}"
    return Completed(name="Reused" if window.key in stored.done else "Completed", message=message, data=result)


@task(name="collect", task_run_name="collect")
@without_secrets
def collect(windows: list[Window], workspace: Workspace, stored: Stored) -> Joined:
    """The signals of all windows that are done, joined; gaps and failed windows named."""
    services = connect(workspace)
    stored_records = services.pool.find(ids=[window.key for window in windows])
    records = services.on_market(
        lambda market: refresh_labels(
            stored_records, stored.done, services.pool, services.experiments, market, workspace.trusted
        )
    )
    joined = join_windows(records, stored, services.pool, services.experiments, services.market)
    for gap in joined.gaps:
        get_run_logger().warning("no predictions for %s", gap)
    return joined


@task(name="analyse", task_run_name="analyse")
@without_secrets
def analyse(config: RunConfig, joined: Joined, workspace: Workspace, stored: Stored) -> RunResult:
    """The signal judged over the whole period, and everything written to the parent run."""
    services = connect(workspace)
    return services.on_market(
        lambda market: analyse_run(
            config,
            joined,
            experiments=services.experiments,
            stored=stored,
            market=market,
            trusted=workspace.trusted,
        )
    )


@task(name="report", task_run_name="report")
@without_secrets
def report(config: RunConfig, joined: Joined, result: RunResult, workspace: Workspace) -> RunResult:
    """The run as a page to look at, and what the Prefect UI shows; a page that cannot be made is a warning."""
    services = connect(workspace)
    picture = address = ""
    try:
        from components.report.page import render  # takes a while, and other processes do without

        content = report_content(
            config,
            joined,
            result,
            experiments=services.experiments,
            market=services.market,
            made=datetime.now().astimezone(),
        )
        picture = cumulated_ic(content.daily)
        recorder = services.experiments.recorder(result.recorder_id)
        result = replace(result, report=str(save_report(render(content), recorder, content.made)))
        address = services.experiments.address(recorder, REPORT)
    except Exception as error:  # the run is done and stored: a picture of it must not make it a failure
        warning = f"the report could not be made: {one_line(error)}"
        get_run_logger().warning(warning, exc_info=True)
        result = replace(result, warnings=(*result.warnings, warning))
    with best_effort("the artifacts of the run"):
        if address:
            publish_report(result, address)
        publish(result, picture)
    return result
