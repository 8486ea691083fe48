"""`python -m flows.online`: serve models day by day."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from components.cli import LineParser
from flows.console import quiet_libraries, run_command
from flows.online.options import (
    FirstTrainCommand,
    FirstTrainOptions,
    RoutineCommand,
    RoutineOptions,
    ServiceOptions,
    SimulateCommand,
    SimulateOptions,
)
from flows.starting import said_if_slow
from flows.task_options import Outcome

if TYPE_CHECKING:
    from flows.online.service import Service

#: Name of a command -> its options, and those that its flow takes.
_COMMANDS: dict[str, tuple[type[Outcome], type[ServiceOptions]]] = {
    "first-train": (FirstTrainCommand, FirstTrainOptions),
    "routine": (RoutineCommand, RoutineOptions),
    "simulate": (SimulateCommand, SimulateOptions),
}


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    name = _command()
    command, parameters = _COMMANDS[name]
    options = command.parse(f"python -m flows.online {name}", sys.argv[2:])
    quiet_libraries()
    from flows.online.service import opened
    from flows.server import check_configured

    check_configured()
    asked = parameters(**options.given(parameters))
    with said_if_slow("opening the data and MongoDB ..."), opened(asked) as service:
        service.open()  # what is wrong with the input is found before a flow begins
        return _run(name, asked, service, options.outcome)


def _command() -> str:
    parser = LineParser(prog="python -m flows.online", description="Serve models day by day.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (options, _) in _COMMANDS.items():
        commands.add_parser(name, help=" ".join((options.__doc__ or "").split()), add_help=False)
    return str(parser.parse_args(sys.argv[1:2]).command)


def _run(name: str, asked: ServiceOptions, service: Service, outcome: Path | None) -> int:
    from flows.server import start_server
    from flows.services import connect

    server = start_server(service.workspace.home, connect(service.workspace).warm_up)
    from flows.command import run_to_its_end
    from flows.online import flow
    from flows.online.summary import print_summary

    flows = {"first-train": flow.first_train, "routine": flow.routine, "simulate": flow.simulate}
    return run_to_its_end(flows[name], asked.given(), server, print_summary, outcome)


if __name__ == "__main__":
    run_command(main)
