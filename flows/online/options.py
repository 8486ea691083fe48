"""The options of the flows of online serving, and of their commands."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from flows.options import Argument
from flows.rolling.options import Runner
from flows.task_options import Config, Count, Data, Experiment, Outcome, Pool, TaskOptions

First = Annotated[date | None, Argument("DAY", flag="from")]
Last = Annotated[date | None, Argument("DAY", flag="to")]
Strategy = Annotated[
    str | None, Field(description="Name of the strategy; default: the only one."), Argument("NAME")
]
Why = Annotated[str, Field(description="The reason, which is kept."), Argument("TEXT")]


class ServiceOptions(TaskOptions):
    """What every flow of a service can be told."""

    leading: ClassVar = ("config", "day", "first", "last")

    runner: Annotated[
        Runner,
        Field(
            description="Where models train: threads of the flow's process, processes, Dask, or the workers of the "
            "pool (python -m flows.worker)."
        ),
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
        Field(description="Serve what was not served yet up to this day; default: the data's last day."),
        Argument("DAY"),
    ] = None


class BackfillOptions(ServiceOptions):
    """The parameters of a backfill."""

    first: Annotated[
        First, Field(description="The first day; default: the one after the last that was served.")
    ] = None
    last: Annotated[Last, Field(description="The last day; default: the data's last day.")] = None


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


class BackfillCommand(BackfillOptions, Outcome):
    """Serve those days of a period that were not served yet, in order."""


class StateOptions(Outcome):
    """What the commands that look at a service, or decide about it, can be told."""

    config: Config = None
    data: Data = None
    experiment: Experiment = None
    pool: Pool = None


class StatusCommand(StateOptions):
    """Show how a service stands: what is online, how it does, what is waiting or was red."""


class PromoteCommand(StateOptions):
    """Let a model take over with the next day that is served; the decision and its reason are kept."""

    strategy: Strategy = None
    model: Annotated[
        str | None,
        Field(description="Key of the model, or the start of it; default: the challenger."),
        Argument("KEY"),
    ] = None
    why: Why = ""


class RollbackCommand(StateOptions):
    """Let the champion before take over again with the next day that is served; the decision is kept."""

    strategy: Strategy = None
    why: Why = ""


class VerifyCommand(StateOptions):
    """Train what was online in a period anew, score its days in one go, and compare with what was served."""

    first: Annotated[First, Field(description="The first day; default: the first that was served.")] = None
    last: Annotated[Last, Field(description="The last day; default: the last that was served.")] = None
