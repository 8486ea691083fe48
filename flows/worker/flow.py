"""The flow of a worker. Its nodes are in `nodes`; what they do is in `components.training`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace

from prefect import flow
from prefect.client.schemas.objects import State

from components.execution import WorkerResult, WorkerStats
from components.execution.run import OnAttempt
from components.training import Stopwatch
from flows.options import takes
from flows.prefect_secrets import without_secrets
from flows.presence import announce
from flows.services import connect
from flows.stopping import run_or_stop
from flows.worker.nodes import as_node
from flows.worker.opening import await_pool, open_place, open_worker
from flows.worker.options import WorkerOptions
from flows.worker.progress import shown


@flow(name="worker", flow_run_name="worker {pool}")
@without_secrets
@takes(WorkerOptions)
def worker(options: WorkerOptions) -> WorkerResult | State[WorkerResult]:
    """Take tasks from a pool and train them, until all are finished.

    Each is recorded where the flow that stored it says. A task that fails does not stop the others. Tasks whose
    holder has died are taken over once their lease has run out.
    """
    announce()
    watch = Stopwatch()
    with open_place(options) as workspace, open_worker(options, workspace) as opened:
        services, serving = connect(workspace), replace(opened, train=as_node(opened.train))
        with watch.phase("serve"), shown(serving) as on_attempt, ThreadPoolExecutor(workspace.slots) as threads:

            def serve(on_attempt: OnAttempt) -> WorkerStats:
                return serving.serve(on_attempt) if await_pool(serving) else WorkerStats()

            # Threads of our own: nodes within a node would be kept by it until it ends.
            def begin() -> Iterator[Future[WorkerStats]]:
                for _ in range(workspace.slots):
                    yield threads.submit(copy_context().run, serve, on_attempt)

            slots = run_or_stop(begin, wait, lambda _: services.give_back(), services.drain)
            if isinstance(slots, State):
                return slots
        return serving.result([slot.result() for slot in slots], watch.seconds["serve"])
