"""`python -m flows.rolling`: train, store and judge a model on rolling windows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from flows.console import quiet_libraries, run_command
from flows.rolling.options import RollingCommand, RollingOptions

if TYPE_CHECKING:
    from flows.workspace import Workspace


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = RollingCommand.parse("python -m flows.rolling")
    quiet_libraries()
    from components.data import open_market
    from components.rolling import rolling_tasks
    from components.settings import Settings
    from flows.rolling.check import checked_windows, show_plan, worker_command
    from flows.rolling.request import read_request
    from flows.services import connect
    from flows.workspace import open_workspace

    config, settings = read_request(options), Settings.from_env()
    # What is wrong with the input is found before a server is started or a file is written.
    market = open_market(config.market)
    rolling_tasks(config, market, settings.trusted_modules)
    with open_workspace(settings, config, workers=options.workers) as workspace:
        connect(workspace).markets.adopt(market)
        windows = checked_windows(config, workspace)
        if options.plan:
            show_plan(windows, workspace)
            return 0
        if options.runner == "worker":
            print(f"the windows wait for workers, here or elsewhere: {worker_command(config)}", file=sys.stderr)  # noqa: T201
        return _run(options, workspace)


def _run(options: RollingCommand, workspace: Workspace) -> int:
    from flows.server import start_server
    from flows.services import connect

    server = start_server(connect(workspace).warm_up)
    from flows.command import run_to_its_end
    from flows.rolling.flow import rolling
    from flows.rolling.summary import print_summary

    return run_to_its_end(rolling, options.given(RollingOptions), server, print_summary, options.outcome)


if __name__ == "__main__":
    run_command(main)
