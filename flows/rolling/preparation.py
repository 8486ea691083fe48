"""What comes before a rolling run, from a command line or Python: the input is checked, the servers are opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from components.config import RunConfig
from components.data import open_market
from components.rolling import Window, rolling_tasks
from components.settings import Settings
from flows.rolling.check import check_runner, checked_windows, opened
from flows.rolling.options import RollingOptions
from flows.rolling.request import read_request
from flows.server import check_configured
from flows.workspace import Workspace


@dataclass(frozen=True)
class Prepared:
    """A run that can begin."""

    config: RunConfig
    workspace: Workspace
    windows: list[Window]


@contextmanager
def prepared(options: RollingOptions) -> Iterator[Prepared]:
    """A run whose input is right and whose servers are open while the block runs.

    What is wrong with the input is found before a server is started or a file is written.

    Raises:
        InputError: for the first thing that is wrong.
    """
    settings, config = Settings.from_env(), read_request(options)
    check_runner(options, settings)
    check_configured()
    market = open_market(config.market)
    tasks = rolling_tasks(config, market, settings.trusted_modules)
    with opened(config, settings, market, tasks, workers=options.workers) as workspace:
        yield Prepared(config, workspace, checked_windows(config, workspace))
