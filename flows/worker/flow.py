"""The flow of a worker. Its nodes are in `nodes`; what they do is in `components.training`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from typing import Annotated, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from components.execution import WorkerResult, WorkerStats
from components.settings import Settings
from components.training import Stopwatch
from flows.stopping import run_or_stop
from flows.worker.nodes import as_node
from flows.worker.opening import open_worker, read_limits
from flows.worker.progress import shown
from flows.workspace import connect, open_pool


@flow(name="worker", flow_run_name="worker {pool}")
def worker(
    pool: Annotated[str, Field(min_length=1)] = "rolling",
    forever: bool = False,
    phase: Literal["train", "prepare", "finish"] = "train",
    data: str = "",
    query: str = "",
    workers: Annotated[int, Field(ge=0)] = 0,
    isolate: bool = False,
    memory: str = "",
    timeout: Annotated[float, Field(ge=0)] = 0.0,
) -> WorkerResult | State[WorkerResult]:
    """Take tasks from a pool and train them, until all are finished.

    Each is recorded where the flow that stored it says. A task that fails does not stop the others. Tasks whose
    holder has died are taken over once their lease has run out.

    Args:
        pool: Name of the task pool.
        forever: Go on when nothing is left, until stopped.
        phase: train: from beginning to end; prepare: only open their runs; finish: train what was prepared.
        data: Where the market data is on this machine. Empty: where the tasks say.
        query: MongoDB filter (JSON) on the tasks to take. Empty: all.
        workers: Tasks that train at the same time. 0: half as many as there are cores.
        isolate: Train each task in a process of its own, which ends with it.
        memory: Limit of the memory of each task, such as 4G, which is isolated then. Empty: none.
        timeout: Limit of the time of each task in seconds, which is isolated then. 0: none.
    """
    limits = read_limits(isolate, memory, timeout)
    watch = Stopwatch()
    with (
        open_pool(Settings.from_env(), pool=pool, experiment=pool, market=data, workers=workers) as workspace,
        open_worker(workspace, phase, query, limits, forever=forever) as opened,
    ):
        services, serving = connect(workspace), replace(opened, train=as_node(opened.train))
        with watch.phase("serve"), shown(serving) as on_attempt, ThreadPoolExecutor(workspace.slots) as threads:
            # Threads of our own: nodes within a node would be kept by it until it ends.
            def begin() -> Iterator[Future[WorkerStats]]:
                for _ in range(workspace.slots):
                    yield threads.submit(copy_context().run, serving.serve, on_attempt)

            slots = run_or_stop(begin, wait, lambda _: services.stop.set(), services.drain)
            if isinstance(slots, State):
                return slots
        return serving.result([slot.result() for slot in slots], watch.seconds["serve"])
