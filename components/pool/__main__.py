"""Looking after task pools: ``python -m components.pool --help``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext

from components.cli import write_json
from components.errors import InputError, RollflowError
from components.names import check_name
from components.pool import commands, show, task_filters
from components.pool.errors import RecordBroken
from components.pool.mongod import embedded_mongo
from components.pool.pool import TaskPool
from components.pool.queries import list_pools
from components.pool.status import TaskStatus
from components.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 2 when the input is wrong."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except RollflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads the output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    url = options.url or settings.mongo_url
    database = options.database or settings.database
    if options.pool:
        check_name("pool", options.pool)
    if hasattr(options, "query"):
        task_filters.chosen(options)  # what cannot be read is said before a server is started
    private = embedded_mongo(settings.home, mongod=settings.mongod, port=settings.mongo_port)
    with nullcontext(url) if url else private as address:
        if options.command == "list":
            return _list(address, database, options)
        name = options.pool or _unnamed_pool(address, database, options)
        with TaskPool(address, database, name, lease=settings.lease) as pool:
            pool.check_exists()
            status: int = options.run_command(pool, options)
            return status


def _unnamed_pool(url: str, database: str, options: argparse.Namespace) -> str:
    """The pool that is meant when none is named: the one with the latest submission, which is said on stderr."""
    latest, *others = list_pools(url, database, latest_first=True) or [""]
    if not latest:
        raise InputError(f"database {database!r} has no pool yet; a run creates one (python -m flows.rolling)")
    if others and options.destroys:
        raise InputError(f"say which pool with --pool: {', '.join(sorted([latest, *others]))}")
    hint = f" (the latest of {len(others) + 1}; another: --pool NAME)" if others else ""
    sys.stderr.write(f"pool {latest}{hint}\n")
    return latest


def _list(url: str, database: str, options: argparse.Namespace) -> int:
    rows, status = [], 0
    for name in list_pools(url, database):
        with TaskPool(url, database, name) as pool:
            try:
                rows.append((name, pool.counts()))
            except RecordBroken as error:  # the other pools can be shown all the same
                sys.stderr.write(f"error: {error}\n")
                status = 2
    if options.json:
        write_json({name: show.plain_counts(counts) for name, counts in rows})
    else:
        show.print_table(show.counts_table(rows))
    return status


def _status(text: str) -> TaskStatus:
    try:
        return TaskStatus(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no state; there are {', '.join(TaskStatus)}") from None


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", help="address of MongoDB; default: ROLLFLOW_MONGO_URL, or the private one")
    common.add_argument("--database", help="default: ROLLFLOW_DATABASE, or rollflow")
    common.add_argument("--pool", help="name of the pool; default: the one with the latest submission")
    common.add_argument("--json", action="store_true", help="for scripts: JSON on stdout")
    parser = argparse.ArgumentParser(prog="python -m components.pool", description="Look after task pools.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[..., int] | None, text: str, *, chooses: bool = True
    ) -> argparse.ArgumentParser:
        command = subparsers.add_parser(name, parents=[common], help=text, description=text)
        command.set_defaults(run_command=run, destroys=False)
        if chooses:
            task_filters.add_options(command)
        return command

    add("list", None, "the pools of the database, with their counts", chooses=False)
    add("counts", commands.counts, "how many tasks are in each state")
    add("query", commands.query, "tasks, one a line").add_argument("--limit", type=int, default=0, metavar="N")
    one = add("show", commands.show_task, "all of one task, with its history", chooses=False)
    one.add_argument("task", help="id of the task, or its start")
    add("wait", commands.wait, "wait until all are finished").add_argument(
        "--timeout", type=float, metavar="SECONDS"
    )
    urgent = add("prioritise", commands.prioritise, "let tasks be claimed earlier (higher) or later")
    urgent.add_argument("priority", type=int, metavar="N", help="new tasks have 0")
    again = add("reset", commands.reset, "let tasks of any state wait again, as new")
    again.add_argument(
        "--status",
        type=_status,
        nargs="+",
        default=[TaskStatus.RUNNING],
        metavar="STATUS",
        help=f"in these states ({', '.join(TaskStatus)}); default: running",
    )
    stop = add("cancel", commands.cancel, "give up tasks that are not finished")
    gone = add("remove", commands.remove, "delete tasks")
    gone.add_argument("--all", action="store_true", help="every task of the pool")
    for destroying in (again, stop, gone):
        destroying.set_defaults(destroys=True)
        destroying.add_argument("--yes", action="store_true", help="do not ask")
    add("failures", commands.failures, "failed tasks, grouped by error")
    add("rerun", commands.rerun, "let failed and cancelled tasks wait again")
    return parser


if __name__ == "__main__":
    sys.exit(main())
