"""From the options of a worker to what serves the pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from components.data import open_market
from components.execution import (
    Interrupted,
    IsolatedTrainer,
    LeavingWord,
    Limits,
    Phase,
    TimeLimited,
    Worker,
    parse_memory,
    this_process,
)
from components.names import check_name
from components.pool.task_filters import read_query
from components.settings import Settings
from components.tasks import Json
from flows.opening import open_pool
from flows.services import connect, make_trainer
from flows.worker.options import WorkerOptions
from flows.workspace import Workspace

#: Seconds between two looks whether there is a pool by now.
_POLL = 1.0


def read_limits(options: WorkerOptions) -> Limits | None:
    """What each task may take in a process of its own; None when it needs none.

    Raises:
        InputError: when a limit cannot be read, or not be held here.
    """
    if not (options.isolate or options.memory or options.timeout):
        return None
    return Limits(memory=parse_memory(options.memory) if options.memory else None, seconds=options.timeout)


def check_request(options: WorkerOptions) -> None:
    """Look at everything that can be wrong with the input before a server is asked.

    Raises:
        InputError: for the first thing that is wrong.
    """
    check_name("pool", options.pool)
    if options.query:
        read_query(options.query, "the query")
    if options.data:
        open_market(options.data)
    read_limits(options)


def open_place(options: WorkerOptions) -> AbstractContextManager[Workspace]:
    """Where a worker works."""
    return open_pool(
        Settings.from_env(),
        pool=options.pool,
        experiment=options.pool,
        market=options.data or "",
        workers=options.workers,
    )


def read_choice(options: WorkerOptions, workspace: Workspace) -> Mapping[str, Json]:
    """The tasks that a query chooses, after everything that could be wrong with the input was looked at.

    That there is no such pool yet is not wrong: workers may be there before the flow that submits to it.

    Raises:
        InputError: when the query cannot be read, a server not be reached, or the market data not be opened.
    """
    services = connect(workspace)
    chosen = read_query(options.query, "the query") if options.query else {}
    services.pool.counts(chosen)
    if workspace.market:
        _ = services.market
    services.experiments.check()
    return chosen


@contextmanager
def open_worker(options: WorkerOptions, workspace: Workspace) -> Iterator[Worker]:
    """A worker of a pool; with limits, it trains each task in a process of its own.

    Raises:
        InputError: for wrong input.
    """
    services, step, limits = connect(workspace), Phase(options.phase), read_limits(options)
    chosen = read_choice(options, workspace)
    trainer = services.trainer
    isolated = limits and IsolatedTrainer(
        make=partial(make_trainer, workspace, step), stop=services.stop, limits=limits, on_death=trainer.abandon
    )
    with isolated or nullcontext(TimeLimited(trainer.at(step))) as train:
        yield Worker(
            pool=services.pool,
            train=LeavingWord(train, services.pool),
            owner=this_process(),
            stop=services.stop,
            drain=services.drain,
            phase=step,
            query=chosen,
            forever=options.forever,
        )


def await_pool(worker: Worker) -> bool:
    """Wait until there is something in the pool of a worker, or ever was; False when it is to end before.

    Raises:
        Interrupted: when the worker was stopped.
    """
    while not worker.drain.is_set():
        if worker.pool.exists():
            return True
        if worker.stop.wait(_POLL):
            raise Interrupted
    return False
