"""The nodes of the flow that are not those of the rolling flow."""

from __future__ import annotations

from prefect import get_run_logger, task

from components.config import RunConfig
from components.rolling import Stored, Window, plan_single, store_single
from flows.prefect_secrets import without_secrets
from flows.services import connect
from flows.workspace import Workspace


@task(name="generate", task_run_name="generate")
@without_secrets
def generate(config: RunConfig, workspace: Workspace) -> Window:
    """The task of the config."""
    services = connect(workspace)
    return services.on_market(lambda market: plan_single(config, market, workspace.trusted, services.fingerprints))


@task(name="store", task_run_name="store")
@without_secrets
def store(window: Window, workspace: Workspace) -> Stored:
    """The task in the pool, waiting again if it failed."""
    services = connect(workspace)
    stored = services.on_market(
        lambda market: store_single(
            window.task,
            services.pool,
            services.experiments,
            services.experiment,
            market,
            trusted=workspace.trusted,
            retry=workspace.retry,
            timeout=workspace.timeout,
        )
    )
    get_run_logger().info("task %s in pool %s%s", window.key[:12], workspace.pool, ", done" * len(stored.done))
    return stored
