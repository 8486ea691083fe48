"""The options of the flow of a single task, and of its command."""

from __future__ import annotations

from typing import ClassVar

from flows.task_options import TaskCommand, TaskOptions


class TrainOptions(TaskOptions):
    """The parameters of the flow."""


class TrainCommand(TrainOptions, TaskCommand):
    """Train the one task of a config on its own segments, without rolling, and judge it over its test segment.

    A task that is done is not trained again.
    """

    epilog: ClassVar = "exit status: 0 done, 1 the training failed for good, 2 wrong input"
