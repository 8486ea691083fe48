"""What can be said before anything runs: whether the input is right, and what would be trained."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import fmean

from rich.console import Console
from rich.table import Table

from components.config import RunConfig
from components.data import Market
from components.pool import TaskStatus
from components.rolling import Window, WindowResult, data_changes, plan_windows, warnings_of
from components.settings import Settings
from components.tasks import TrainingTask
from flows.dask_cluster import check_cluster
from flows.opening import open_workspace
from flows.rolling.options import RollingOptions
from flows.services import connect
from flows.starting import said_if_slow
from flows.workspace import Workspace

_ACTIONS = {
    TaskStatus.DONE: "reuse",
    TaskStatus.FAILED: "train again, it failed",
    TaskStatus.CANCELLED: "train again, it was cancelled",
    TaskStatus.RUNNING: "wait, it is being trained",
}


def checked_windows(config: RunConfig, workspace: Workspace) -> list[Window]:
    """The windows of a run, after everything that could be wrong with the input was looked at.

    Raises:
        InputError: for the first thing that is wrong.
    """
    services = connect(workspace)
    windows = plan_windows(config, services.market, workspace.trusted, services.fingerprints)
    services.pool.counts()
    return windows


def check_runner(options: RollingOptions, settings: Settings) -> None:
    """Raise when the windows cannot train where they are to.

    Raises:
        InputError: for a Dask cluster that does not answer, or whose workers cannot reach the servers of the run.
    """
    if options.runner == "dask" and options.dask:
        check_cluster(options.dask, settings)


@contextmanager
def opened(
    config: RunConfig, settings: Settings, market: Market, tasks: Sequence[TrainingTask], *, workers: int | None
) -> Iterator[Workspace]:
    """The workspace of a command that has planned some tasks on a market; its pool has answered.

    Raises:
        InputError: when MongoDB cannot be reached or started.
    """
    what = _count(tasks, config.experiment_name)
    with ExitStack() as stack:
        with said_if_slow(f"{what}; waiting for MongoDB ..."):
            workspace = stack.enter_context(open_workspace(settings, config, workers=workers))
            services = connect(workspace)
            services.markets.adopt(market)
            services.pool.exists()
        yield workspace


def standing(windows: Sequence[Window], workspace: Workspace) -> str:
    """What a command says at its start: how many windows there are, and how many of them are done."""
    done = connect(workspace).pool.count({"status": TaskStatus.DONE.value}, ids=[window.key for window in windows])
    return f"{_count(windows, workspace.experiment)}, {done} done already; starting Prefect ..."


def _count(windows: Sequence[Window | TrainingTask], experiment: str) -> str:
    return f"{len(windows)} window{'s' * (len(windows) != 1)} of experiment {experiment}"


def worker_command(config: RunConfig) -> str:
    """What to type for a worker of a run."""
    return f"python -m flows.worker --pool {shlex.quote(config.pool_name)}"


def show_plan(windows: list[Window], workspace: Workspace, console: Console | None = None) -> None:
    """Print what a run would do with each window, and how long that took before."""
    console = console or Console()
    services = connect(workspace)
    tasks = [window.task for window in windows]
    records = {record.id: record for record in services.pool.find(ids=[task.key for task in tasks])}
    changes = data_changes(tasks, services.pool, services.experiments, services.market)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("train", "valid", "test", "plan"):
        table.add_column(name, no_wrap=True)
    to_train = 0
    for window in windows:
        known = records.get(window.key)
        action = _ACTIONS.get(known.status, "train") if known else "train"
        if window.key in changes:
            action = "train again, changed"
        to_train += action.startswith("train")
        days = ["..".join(map(str, window.task.segments.get(name, ()))) for name in ("train", "valid", "test")]
        table.add_row(*days, action)
    console.print(table)
    for change, count in Counter(changes.values()).items():
        console.print(f"{count} changed: {change}", markup=False, highlight=False, soft_wrap=True)
    for warning in warnings_of(tasks[0], services.market, workspace.trusted):
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"\n{to_train} of {len(windows)} windows to train{_estimate(to_train, workspace)}; nothing was run"
    )


def _estimate(to_train: int, workspace: Workspace) -> str:
    done = connect(workspace).pool.find({"status": TaskStatus.DONE.value}, limit=50)
    seconds = [sum(WindowResult.of(record).seconds.values()) for record in done]
    if not seconds or not to_train:
        return ""
    return f", about {fmean(seconds) * to_train / workspace.slots:.0f} s by what windows of this pool took"
