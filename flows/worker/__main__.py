"""`python -m flows.worker`: take tasks from a pool and train them."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING

from flows.console import FAILED, WRONG_INPUT, quiet_libraries, run_command
from flows.worker.options import WorkerCommand, WorkerOptions

if TYPE_CHECKING:
    from flows.server import PrefectServer


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = WorkerCommand.parse("python -m flows.worker")
    quiet_libraries()
    from flows.server import check_configured, start_server
    from flows.worker.opening import check_request, open_place, read_choice

    check_request(options)
    check_configured()
    with open_place(options) as workspace:
        # What is wrong is found before anything is trained.
        server = start_server(workspace.home, partial(read_choice, options, workspace))
        return _run(options, server)


def _run(options: WorkerCommand, server: PrefectServer) -> int:
    from flows.prefect_errors import explained
    from flows.worker.flow import worker
    from flows.worker.summary import print_summary

    server.wait()
    with explained():
        result = worker(**options.given(WorkerOptions))
    if options.outcome:
        options.outcome.write_text(json.dumps(result.to_document(), indent=2), "utf-8")
    print_summary(result)
    for reason in result.served.left:
        print(f"error: left to others: {reason}", file=sys.stderr)  # noqa: T201
    return FAILED if result.served.failed else WRONG_INPUT if result.served.left else 0


if __name__ == "__main__":
    run_command(main)
