"""From the options of a worker to what serves the pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial

from components.execution import Phase, Worker, this_process
from components.execution.isolated import IsolatedTrainer, Limits, parse_memory
from components.pool.task_filters import read_query
from components.tasks import Json
from flows.workspace import Workspace, connect, make_trainer


def read_limits(isolate: bool, memory: str, timeout: float) -> Limits | None:
    """What each task may take in a process of its own; None when it needs none.

    Raises:
        InputError: when a limit cannot be read, or not be held here.
    """
    if not (isolate or memory or timeout):
        return None
    return Limits(memory=parse_memory(memory) if memory else None, seconds=timeout or None)


def read_choice(query: str, workspace: Workspace, *, forever: bool) -> Mapping[str, Json]:
    """The tasks that a query chooses, after everything that could be wrong with the input was looked at.

    A pool that is served for ever may come into being later.

    Raises:
        InputError: when the query cannot be read, a server not be reached, or the market data not be opened.
    """
    services = connect(workspace)
    chosen = read_query(query, "the query") if query else {}
    services.pool.counts(chosen)
    if not forever:
        services.pool.check_exists()
    if workspace.market:
        _ = services.market
    services.experiments.check()
    return chosen


@contextmanager
def open_worker(
    workspace: Workspace, phase: str, query: str, limits: Limits | None, *, forever: bool
) -> Iterator[Worker]:
    """A worker of a pool; with `limits`, it trains each task in a process of its own.

    Raises:
        InputError: for wrong input.
    """
    services, step = connect(workspace), Phase(phase)
    chosen = read_choice(query, workspace, forever=forever)
    trainer = services.trainer
    isolated = limits and IsolatedTrainer(
        make=partial(make_trainer, workspace, step), stop=services.stop, limits=limits, on_death=trainer.abandon
    )
    with isolated or nullcontext(trainer.at(step)) as train:
        yield Worker(
            pool=services.pool,
            train=train,
            owner=this_process(),
            stop=services.stop,
            drain=services.drain,
            phase=step,
            query=chosen,
            forever=forever,
        )
