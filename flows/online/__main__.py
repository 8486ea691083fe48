"""`python -m flows.online`: serve models day by day."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.cli import LineParser
from flows.console import quiet_libraries, run_command
from flows.online import options as given
from flows.starting import said_if_slow, say
from flows.task_options import Outcome

if TYPE_CHECKING:
    from flows.online.service import Service

#: Command -> its options, and those that its flow takes.
_FLOWS: dict[str, tuple[type[Outcome], type[given.ServiceOptions]]] = {
    "first-train": (given.FirstTrainCommand, given.FirstTrainOptions),
    "routine": (given.RoutineCommand, given.RoutineOptions),
    "backfill": (given.BackfillCommand, given.BackfillOptions),
    "simulate": (given.SimulateCommand, given.SimulateOptions),
}
#: Command without a flow -> its options, and what does it.
_OTHERS: dict[str, tuple[type[Outcome], str]] = {
    "status": (given.StatusCommand, "status"),
    "promote": (given.PromoteCommand, "promote"),
    "rollback": (given.RollbackCommand, "rollback"),
    "verify": (given.VerifyCommand, "check"),
}
#: What is done when nothing is asked for: the last quarter of the demo market.
_DEMO = ("simulate", "--from", "2020-10-01")


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    arguments = sys.argv[1:] or _said(_DEMO)
    name, rest = _command(arguments[:1]), arguments[1:]
    if name in _FLOWS:
        command, parameters = _FLOWS[name]
        options = command.parse(f"python -m flows.online {name}", rest)
        return _flow(name, parameters(**options.given(parameters)), options.outcome)
    others, function = _OTHERS[name]
    other = others.parse(f"python -m flows.online {name}", rest)
    quiet_libraries()
    from flows.online import standing

    do: Callable[[Any], int] = getattr(standing, function)
    return do(other)


def _command(word: list[str]) -> str:
    parser = LineParser(prog="python -m flows.online", description="Serve models day by day.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (options, _) in (_FLOWS | _OTHERS).items():
        commands.add_parser(name, help=" ".join((options.__doc__ or "").split()), add_help=False)
    return str(parser.parse_args(word).command)


def _said(arguments: tuple[str, ...]) -> list[str]:
    say(f"python -m flows.online {' '.join(arguments)}")
    return list(arguments)


def _flow(name: str, asked: given.ServiceOptions, outcome: Path | None) -> int:
    quiet_libraries()
    from flows.online.service import opened
    from flows.server import check_configured

    check_configured()
    with said_if_slow("opening the data and MongoDB ..."), opened(asked) as service:
        service.open(begin=False)  # what is wrong with the input is found before a flow begins
        return _run(name, asked, service, outcome)


def _run(name: str, asked: given.ServiceOptions, service: Service, outcome: Path | None) -> int:
    from flows.server import start_server
    from flows.services import connect

    server = start_server(service.workspace.home, connect(service.workspace).warm_up)
    from flows.command import run_to_its_end
    from flows.online import flow
    from flows.online.summary import print_summary

    flows = {each.name: each for each in (flow.first_train, flow.routine, flow.backfill, flow.simulate)}
    return run_to_its_end(flows[name], asked.given(), server, print_summary, outcome)


if __name__ == "__main__":
    run_command(main)
