"""`python -m flows.train`: train, store and judge the one task of a config, without rolling."""

from __future__ import annotations

from flows.console import quiet_libraries, run_command
from flows.starting import say
from flows.train.options import TrainCommand, TrainOptions


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = TrainCommand.parse("python -m flows.train")
    quiet_libraries()
    from components.data import open_market
    from components.rolling import single_task
    from components.settings import Settings
    from flows.rolling.check import opened, show_plan, standing
    from flows.server import check_configured, start_server
    from flows.services import connect
    from flows.train.request import checked_task, read_request

    settings, config = Settings.from_env(), read_request(options)
    # What is wrong with the input is found before a server is started or a file is written.
    market = open_market(config.market)
    planned = single_task(config, market, settings.trusted_modules)
    check_configured()
    with opened(config, settings, market, [planned], workers=1) as workspace:
        task = checked_task(config, workspace)
        if options.plan:
            show_plan([task], workspace)
            return 0
        say(standing([task], workspace))
        server = start_server(workspace.home, connect(workspace).warm_up)
        from flows.command import run_to_its_end
        from flows.train.flow import train
        from flows.train.summary import print_summary

        return run_to_its_end(train, options.given(TrainOptions), server, print_summary, options.outcome)


if __name__ == "__main__":
    run_command(main)
