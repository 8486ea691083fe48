"""The nodes of the worker's flow: one for each attempt at a task."""

from __future__ import annotations

from collections.abc import Callable

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed

from components.execution import Interrupted, Train
from components.pool import TaskRecord
from components.progress import Progress
from components.tasks import Json
from components.training import task_name
from flows.prefect_secrets import without_secrets


@task(name="train", task_run_name="train {name}", cache_policy=NO_CACHE)
@without_secrets
def train(name: str, training: Callable[[], None]) -> State[None]:  # noqa: ARG001
    """One attempt at a task; whether there is another is for the pool to decide."""
    try:
        training()
    except Interrupted:
        return Cancelled(message="the worker was stopped; the task was given back")
    return Completed()


def as_node(inner: Train) -> Train:
    """What trains, each time as a node of the flow.

    Its result is not the node's: Prefect would keep it as long as the flow runs, which may be for ever.
    """

    def outer(record: TaskRecord, progress: Progress) -> Json:
        results: list[Json] = []
        state = train(task_name(record), lambda: results.append(inner(record, progress)), return_state=True)
        if state.is_cancelled():
            raise Interrupted
        state.result()  # raises what the training has raised
        return results[0]

    return outer
