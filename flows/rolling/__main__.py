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
    from flows.rolling.check import show_plan, standing, worker_command
    from flows.rolling.preparation import prepared

    with prepared(options) as run:
        if options.plan:
            show_plan(run.windows, run.workspace)
            return 0
        say(standing(run.windows, run.workspace))
        if options.runner == "worker":
            say(f"the windows wait for workers, here or elsewhere: {worker_command(run.config)}")
        return _run(options, run.workspace)


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
