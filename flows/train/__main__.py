"""`python -m flows.train`: train, store and judge the one task of a config, without rolling."""

from __future__ import annotations

import argparse

from flows.console import add_task_options, quiet_libraries, run_command

#: Options that are parameters of the flow under the same name.
_PARAMETERS = ("config", "data", "experiment", "pool")


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = _parser().parse_args()
    quiet_libraries()
    from components.data import open_market
    from components.rolling import single_task
    from components.settings import Settings
    from flows.rolling.check import show_plan
    from flows.train.request import checked_task, read_request
    from flows.workspace import connect, open_workspace

    given = {name: getattr(options, name) for name in _PARAMETERS}
    config = read_request(**given)
    settings = Settings.from_env()
    # What is wrong with the input is found before a server is started or a file is written.
    market = open_market(config.market)
    single_task(config, market, settings.trusted_modules)
    with open_workspace(settings, config, workers=1) as workspace:
        connect(workspace).markets.adopt(market)
        task = checked_task(config, workspace)
        if options.plan:
            show_plan([task], workspace)
            return 0
        from flows.server import start_server

        server = start_server(connect(workspace).warm_up)
        from flows.command import run_to_its_end
        from flows.train.flow import train
        from flows.train.summary import print_summary

        return run_to_its_end(train, given, server, print_summary, options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.train",
        description="Train the one task of a config on its own segments, without rolling, and judge it over its "
        "test segment by the config's records. A task that is done is not trained again.",
        epilog="exit status: 0 done, 1 the training failed for good, 2 wrong input",
    )
    parser.add_argument("config", nargs="?", help="a config (YAML), Qlib's or rollflow's; none: the demo market")
    add_task_options(parser)
    return parser


if __name__ == "__main__":
    run_command(main)
