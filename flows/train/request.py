"""What a run of a single task is asked to do."""

from __future__ import annotations

from components.config import RunConfig
from components.rolling import Window, plan_single
from flows.request import read_run
from flows.services import connect
from flows.train.options import TrainOptions
from flows.workspace import Workspace

#: Name of the experiment when nobody names one.
EXPERIMENT = "train"


def read_request(options: TrainOptions) -> RunConfig:
    """The config of a run of a single task; see `read_run`.

    Raises:
        InputError: for whatever is wrong with it.
    """
    run = read_run(options)
    return run if run.experiment else run.with_options(experiment=EXPERIMENT)


def checked_task(config: RunConfig, workspace: Workspace) -> Window:
    """The task of a config, after everything that could be wrong with the input was looked at.

    Raises:
        InputError: for the first thing that is wrong.
    """
    services = connect(workspace)
    window = plan_single(config, services.market, workspace.trusted, services.fingerprints)
    services.pool.counts()
    return window
