"""`python -m flows.train`: train, store and judge the one task of a config, without rolling."""

from __future__ import annotations

from flows.console import quiet_libraries, run_command
from flows.train.options import TrainCommand, TrainOptions


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = TrainCommand.parse("python -m flows.train")
    quiet_libraries()
    from components.settings import Settings
    from flows.rolling.check import show_plan
    from flows.services import connect
    from flows.train.request import checked_task, read_request
    from flows.workspace import open_workspace

    config = read_request(options)
    with open_workspace(Settings.from_env(), config, workers=1) as workspace:
        task = checked_task(config, workspace)
        if options.plan:
            show_plan([task], workspace)
            return 0
        from flows.server import start_server

        server = start_server(connect(workspace).warm_up)
        from flows.command import run_to_its_end
        from flows.train.flow import train
        from flows.train.summary import print_summary

        return run_to_its_end(train, options.given(TrainOptions), server, print_summary, options.outcome)


if __name__ == "__main__":
    run_command(main)
