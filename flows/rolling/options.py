"""The options of the rolling flow and of its command."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from flows.options import Argument
from flows.task_options import Count, TaskCommand, TaskOptions

Runner = Literal["thread", "process", "dask", "worker"]


class RollingOptions(TaskOptions):
    """The parameters of the flow."""

    step: Annotated[
        Count | None,
        Field(description="Trading days from one window to the next; default: as the config says."),
        Argument("N"),
    ] = None
    kind: Annotated[
        Literal["expanding", "sliding"] | None,
        Field(description="Whether the training segment grows or moves; default: as the config says."),
    ] = None
    runner: Annotated[
        Runner,
        Field(
            description="Where windows train: threads of the flow's process, processes, Dask, or the workers of "
            "the pool (python -m flows.worker)."
        ),
    ] = "thread"
    workers: Annotated[
        Count | None,
        Field(description="Windows that train at the same time; default: half as many as there are cores."),
        Argument("N"),
    ] = None
    dask: Annotated[
        str | None,
        Field(description="Address of a Dask scheduler, for the runner dask; default: a local cluster."),
        Argument("ADDRESS"),
    ] = None


class RollingCommand(RollingOptions, TaskCommand):
    """Train a model on every rolling window, then join and judge the predictions.

    Windows that are done are reused; run it again after anything went wrong.
    """

    epilog: ClassVar = "exit status: 0 all windows done, 1 some window failed for good, 2 wrong input"
