"""`python -m flows.worker`: take tasks from a pool and train them."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TYPE_CHECKING

from flows.console import FAILED, WRONG_INPUT, positive, quiet_libraries, run_command, seconds, writable

if TYPE_CHECKING:
    from flows.server import PrefectServer

#: Options that are parameters of the flow under the same name.
_PARAMETERS = ("pool", "forever", "phase", "data", "query", "workers", "isolate", "memory", "timeout")


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = _parser().parse_args()
    quiet_libraries()
    from components.data import open_market
    from components.names import check_name
    from components.pool.task_filters import read_query
    from components.settings import Settings
    from flows.server import start_server
    from flows.worker.opening import read_choice, read_limits
    from flows.workspace import open_pool

    check_name("pool", options.pool)
    if options.query:
        read_query(options.query, "the query")
    if options.data:
        open_market(options.data)
    places = {"pool": options.pool, "experiment": options.pool, "market": options.data or ""}
    read_limits(options.isolate, options.memory or "", options.timeout or 0)
    with open_pool(Settings.from_env(), **places, workers=options.workers) as workspace:
        # What is wrong is found before anything is trained.
        server = start_server(partial(read_choice, options.query or "", workspace, forever=options.forever))
        return _run(options, server)


def _run(options: argparse.Namespace, server: PrefectServer) -> int:
    from flows.prefect_errors import explained
    from flows.worker.flow import worker
    from flows.worker.summary import print_summary

    server.wait()
    given = {name: getattr(options, name) for name in _PARAMETERS}
    with explained():
        result = worker(**{name: value for name, value in given.items() if value is not None})
    if options.json:
        options.json.write_text(json.dumps(result.to_document(), indent=2), "utf-8")
    print_summary(result)
    for reason in result.served.left:
        print(f"error: left to others: {reason}", file=sys.stderr)  # noqa: T201
    return FAILED if result.served.failed else WRONG_INPUT if result.served.left else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.worker",
        description="Take tasks from a pool and train them, until all are finished. Any number of workers may "
        "serve a pool, on any machines. SIGTERM: finish what is in hand and take no more; a second one, or Ctrl-C: "
        "give it back at once.",
        epilog="exit status: 0 all its tasks done, 1 some task failed for good, 2 wrong input",
    )
    parser.add_argument("--pool", default="rolling", metavar="NAME", help="task pool; default: rolling")
    parser.add_argument("--forever", action="store_true", help="go on when nothing is left, until stopped")
    parser.add_argument(
        "--phase",
        choices=("train", "prepare", "finish"),
        default="train",
        help="prepare: only open the runs of the tasks, to be trained later; finish: train what was prepared",
    )
    parser.add_argument("--data", metavar="URI", help="where the market data is on this machine")
    parser.add_argument("--query", metavar="JSON", help="MongoDB filter on the tasks to take")
    parser.add_argument("--workers", type=positive, metavar="N", help="tasks that train at the same time")
    parser.add_argument("--isolate", action="store_true", help="train each task in a process of its own")
    parser.add_argument("--memory", metavar="LIMIT", help="limit of each task's memory, such as 4G; isolates")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="limit of each task's time; isolates")
    parser.add_argument("--json", type=writable, metavar="FILE", help="write the outcome to a file")
    return parser


if __name__ == "__main__":
    run_command(main)
