"""`python -m flows.rolling`: train, store and judge a model on rolling windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.console import quiet_libraries, run_command
from flows.rolling.options import RollingCommand, RollingOptions
from flows.starting import say

if TYPE_CHECKING:
    from flows.workspace import Workspace


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = RollingCommand.parse("python -m flows.rolling")
    quiet_libraries()
    from components.data import open_market
    from components.rolling import rolling_tasks
    from components.settings import Settings
    from flows.rolling.check import check_runner, checked_windows, opened, show_plan, standing, worker_command
    from flows.rolling.request import read_request

    settings, config = Settings.from_env(), read_request(options)
    # What is wrong with the input is found before a server is started or a file is written.
    check_runner(options, settings)
    market = open_market(config.market)
    tasks = rolling_tasks(config, market, settings.trusted_modules)
    with opened(config, settings, market, tasks, workers=options.workers) as workspace:
        windows = checked_windows(config, workspace)
        if options.plan:
            show_plan(windows, workspace)
            return 0
        say(standing(windows, workspace))
        if options.runner == "worker":
            say(f"the windows wait for workers, here or elsewhere: {worker_command(config)}")
        return _run(options, workspace)


def _run(options: RollingCommand, workspace: Workspace) -> int:
    from flows.server import start_server
    from flows.services import connect

    server = start_server(workspace.home, connect(workspace).warm_up)
    from flows.command import run_to_its_end
    from flows.rolling.flow import rolling
    from flows.rolling.summary import print_summary

    return run_to_its_end(rolling, options.given(RollingOptions), server, print_summary, options.outcome)


if __name__ == "__main__":
    run_command(main)
