"""The options of the flows of online serving, and of their commands."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from flows.options import Argument
from flows.rolling.options import Runner
from flows.task_options import Count, Outcome, TaskOptions

First = Annotated[date | None, Argument("DAY", flag="from")]
Last = Annotated[date | None, Argument("DAY", flag="to")]


class ServiceOptions(TaskOptions):
    """What every flow of a service can be told."""

    runner: Annotated[
        Runner,
        Field(description="Where models train: threads of this process, processes, or the workers of the pool."),
    ] = "thread"
    workers: Annotated[
        Count | None,
        Field(description="Models that train at the same time; default: half as many as there are cores."),
        Argument("N"),
    ] = None


class FirstTrainOptions(ServiceOptions):
    """The parameters of the flow that begins a service."""

    day: Annotated[
        date | None,
        Field(description="The first day that is served; default: the data's last day."),
        Argument("DAY"),
    ] = None


class RoutineOptions(ServiceOptions):
    """The parameters of a day's routine."""

    day: Annotated[
        date | None,
        Field(description="The day up to which is served what was not served yet; default: the data's last day."),
        Argument("DAY"),
    ] = None


class SimulateOptions(ServiceOptions):
    """The parameters of a simulation."""

    first: Annotated[
        First, Field(description="The first day; default: the first test day of the config's task.")
    ] = None
    last: Annotated[Last, Field(description="The last day; default: the data's last day.")] = None


class FirstTrainCommand(FirstTrainOptions, Outcome):
    """Begin a service: train the newest window of each strategy, put it online and serve the day.

    A service that has begun stays as it is.
    """


class RoutineCommand(RoutineOptions, Outcome):
    """Serve all days that were not served yet, in order: train models when it is time, score, write the signal.

    Days that are served are left as they are; run it again after anything went wrong.
    """


class SimulateCommand(SimulateOptions, Outcome):
    """Serve a past period as it would have been served evening by evening, apart from the service itself.

    All its models are trained first, at the same time. Days that are done are not done again.
    """
