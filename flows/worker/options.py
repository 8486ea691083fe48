"""The options of the worker's flow and of its command."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from flows.options import Argument, Options
from flows.task_options import Count, Outcome, Seconds


class WorkerOptions(Options):
    """The parameters of the flow."""

    pool: Annotated[
        str, StringConstraints(min_length=1), Field(description="Name of the task pool."), Argument("NAME")
    ] = "rolling"
    forever: Annotated[bool, Field(description="Go on when nothing is left, until stopped.")] = False
    phase: Annotated[
        Literal["train", "prepare", "finish"],
        Field(
            description="train: from beginning to end; prepare: only open the runs of the tasks, to be "
            "trained later; finish: train what was prepared."
        ),
    ] = "train"
    data: Annotated[
        str | None,
        Field(description="Where the market data is on this machine; default: where the tasks say."),
        Argument("URI"),
    ] = None
    query: Annotated[
        str | None, Field(description="MongoDB filter (JSON) on the tasks to take; default: all."), Argument("JSON")
    ] = None
    workers: Annotated[
        Count | None,
        Field(description="Tasks that train at the same time; default: half as many as there are cores."),
        Argument("N"),
    ] = None
    isolate: Annotated[bool, Field(description="Train each task in a process of its own.")] = False
    memory: Annotated[
        str | None, Field(description="Memory limit of each task, such as 4G; isolates."), Argument("LIMIT")
    ] = None
    timeout: Annotated[
        Seconds | None,
        Field(description="Time limit of each task in seconds, where it has no shorter one; isolates."),
        Argument("SECONDS"),
    ] = None


class WorkerCommand(WorkerOptions, Outcome):
    """Take tasks from a pool and train them, until all are finished.

    Any number of workers may serve a pool, on any machines. SIGTERM: finish what is in hand and take no more;
    a second one, or Ctrl-C: give it back at once.
    """

    epilog: ClassVar = "exit status: 0 all its tasks done, 1 some task failed for good, 2 wrong input"
