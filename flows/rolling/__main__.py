"""`python -m flows.rolling`: train, store and judge a model on rolling windows."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flows.console import add_run_options, quiet_libraries, run_command

if TYPE_CHECKING:
    from flows.workspace import Workspace

#: Options that are parameters of the flow under the same name.
_PARAMETERS = ("config", "data", "experiment", "pool", "step", "kind", "runner", "workers", "dask")


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = _parser().parse_args()
    quiet_libraries()
    from components.config import read_config
    from components.data import open_market
    from components.rolling import rolling_tasks
    from components.settings import Settings
    from flows.rolling.check import checked_windows, show_plan
    from flows.workspace import connect, open_workspace

    config = read_config(Path(options.config) if options.config else None).with_options(
        data=options.data, experiment=options.experiment, pool=options.pool, step=options.step, kind=options.kind
    )
    settings = Settings.from_env()
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
            hint = f"python -m flows.worker --pool {shlex.quote(config.pool_name)}"
            print(f"the windows wait for workers, here or elsewhere: {hint}", file=sys.stderr)  # noqa: T201
        return _run(options, workspace)


def _run(options: argparse.Namespace, workspace: Workspace) -> int:
    from flows.server import start_server
    from flows.workspace import connect

    server = start_server(connect(workspace).warm_up)
    from flows.command import run_to_its_end
    from flows.rolling.flow import rolling
    from flows.rolling.summary import print_summary

    given = {name: getattr(options, name) for name in _PARAMETERS}
    return run_to_its_end(rolling, given, server, print_summary, options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.rolling",
        description="Train a model on every rolling window, then join and judge the predictions. "
        "Windows that are done are reused; run it again after anything went wrong.",
        epilog="exit status: 0 all windows done, 1 some window failed for good, 2 wrong input",
    )
    parser.add_argument("config", nargs="?", help="a config (YAML), Qlib's or rollflow's; none: the demo market")
    add_run_options(parser)
    parser.add_argument("--kind", choices=("expanding", "sliding"), help="does the training segment grow or move")
    return parser


if __name__ == "__main__":
    run_command(main)
