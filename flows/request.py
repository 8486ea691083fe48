"""What every flow that trains is asked to do."""

from __future__ import annotations

from pathlib import Path

from components.config import RunConfig, read_config
from flows.task_options import TaskOptions


def read_run(options: TaskOptions) -> RunConfig:
    """The config with what a command line or a form says instead; without a config the demo's.

    Raises:
        InputError: for whatever is wrong with it.
    """
    return read_config(Path(options.config) if options.config else None).with_options(
        data=options.data,
        experiment=options.experiment,
        pool=options.pool,
        retries=options.retries,
        backoff=options.backoff,
        timeout=options.timeout,
    )
