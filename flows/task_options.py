"""Options that several flows have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from components.cli import check_writable
from components.errors import InputError
from flows.options import Argument, Options

Count = Annotated[int, Field(gt=0, lt=1_000_000_000)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Pause = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Config = Annotated[
    str | None,
    Field(description="Path of a config (YAML), Qlib's or rollflow's; default: the demo market."),
    Argument("CONFIG", positional=True),
]
Data = Annotated[
    str | None,
    Field(description="Market data: demo:, qlib:PATH, parquet:PATH, csv:PATH; default: as the config says."),
    Argument("URI"),
]

Experiment = Annotated[
    str | None, Field(description="MLflow experiment; default: as the config says."), Argument("NAME")
]
Pool = Annotated[str | None, Field(description="Task pool; default: as the experiment."), Argument("NAME")]


class TaskOptions(Options):
    """What every flow that trains can be told."""

    config: Config = None
    data: Data = None
    experiment: Experiment = None
    pool: Pool = None
    retries: Annotated[
        Count | None,
        Field(description="Attempts at a window in all, the first included; default: as the config says, or 3."),
        Argument("N"),
    ] = None
    backoff: Annotated[
        Pause | None,
        Field(
            description="Seconds before a failed window is tried again, doubled with each failure; default: as the "
            "config says, or 1."
        ),
        Argument("SECONDS"),
    ] = None
    timeout: Annotated[
        Seconds | None,
        Field(description="Time limit of an attempt in seconds; default: as the config says, or no limit."),
        Argument("SECONDS"),
    ] = None


class Outcome(Options):
    """What a command can be asked to leave as a file."""

    outcome: Annotated[
        Annotated[Path, AfterValidator(check_writable)] | None,
        Field(description="Write the outcome to a file."),
        Argument("FILE", flag="json"),
    ] = None


class TaskCommand(Outcome):
    """What every command that trains has besides the parameters of its flow."""

    plan: Annotated[bool, Field(description="Show what would run, and run nothing.")] = False

    @classmethod
    def parse(cls, prog: str, arguments: Sequence[str] | None = None) -> Self:
        """See `Options.parse`."""
        options = super().parse(prog, arguments)
        if options.plan and options.outcome:
            raise InputError("--json is written by a run, and --plan runs nothing; leave one of them out")
        return options
