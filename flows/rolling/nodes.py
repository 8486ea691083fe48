"""The nodes of the rolling flow. Policy is in the decorators, behaviour in the components."""

from __future__ import annotations

from typing import Any

from prefect import Task, get_run_logger, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed

from components.pool import TaskStatus
from components.rolling import (
    Joined,
    RunConfig,
    RunResult,
    Stored,
    Window,
    WindowResult,
    WindowTrainer,
    analyse_run,
    build_matrices,
    join_windows,
    plan_windows,
    store_windows,
)
from components.training import AttemptFailed, run_task, this_process
from flows.rolling.artifacts import publish
from flows.workspace import Workspace, connect


async def pool_allows_retry(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Prefect never decides by itself whether a window is tried again."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, AttemptFailed) and error.will_retry


@task(name="generate")
def generate(config: RunConfig, workspace: Workspace) -> list[Window]:
    """One task per rolling window."""
    windows = plan_windows(config, connect(workspace).market, workspace.trusted)
    get_run_logger().info("%d windows, tests from %s to %s", len(windows), windows[0].name, windows[-1].name)
    return windows


@task(name="store")
def store(windows: list[Window], workspace: Workspace) -> Stored:
    """All tasks in the pool, failed ones waiting again, and the MLflow run that will hold the joined results."""
    services = connect(workspace)
    tasks = [window.task for window in windows]
    stored = store_windows(tasks, services.pool, services.experiments, services.experiment)
    get_run_logger().info("%d tasks in pool %s, %d of them done", len(tasks), workspace.pool, stored.reused)
    return stored


@task(name="features")
def features(windows: list[Window], workspace: Workspace) -> list[str]:
    """The feature matrices that the windows share, unless they are there already; their keys."""
    services = connect(workspace)
    return build_matrices(windows, services.market, services.matrices, workspace.trusted)


@task(name="train", task_run_name="train {window.name}", retries=1000, retry_condition_fn=pool_allows_retry)
def train(window: Window, workspace: Workspace, stored: Stored) -> State[WindowResult]:
    """One window: claimed from the pool, trained and recorded; or waited for while somebody else does it."""
    services = connect(workspace)
    trainer = WindowTrainer(
        experiments=services.experiments,
        experiment=services.experiment,
        parent=stored.parent,
        market=services.market,
        matrices=services.matrices,
        threads=workspace.threads,
        trusted=workspace.trusted,
    )
    known = services.pool.get(window.key).status is TaskStatus.DONE
    record = run_task(
        services.pool, window.key, trainer, owner=this_process(), stop=services.stop, trainers=services.trainers
    )
    result = WindowResult.of(record)
    message = f"IC {result.metrics.get('IC', float('nan')):.4f} in attempt {record.attempts}"
    return Completed(name="Reused" if known else "Completed", message=message, data=result)


@task(name="collect")
def collect(windows: list[Window], workspace: Workspace, stored: Stored) -> Joined:
    """The signals of all windows that are done, joined; gaps and failed windows named."""
    services = connect(workspace)
    records = services.pool.find(ids=[window.key for window in windows])
    joined = join_windows(records, services.experiments, services.market, stored.parent)
    for gap in joined.gaps:
        get_run_logger().warning("no predictions for %s", gap)
    return joined


@task(name="analyse")
def analyse(config: RunConfig, joined: Joined, workspace: Workspace, stored: Stored) -> RunResult:
    """The signal judged over the whole period, and everything written to the parent run."""
    services = connect(workspace)
    result = analyse_run(
        config,
        joined,
        experiments=services.experiments,
        parent=stored.parent,
        market=services.market,
        trusted=workspace.trusted,
        reused=stored.reused,
    )
    publish(result)
    return result
