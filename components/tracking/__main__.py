"""Looking at experiments and their runs: ``python -m components.tracking --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from components.errors import RollflowError, Unavailable
from components.settings import Settings
from components.tracking import commands
from components.tracking.experiments import ExperimentManager, open_store
from components.tracking.store import quiet_mlflow

Command = Callable[[ExperimentManager, argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 2 when the input is wrong, 1 when the store is away."""
    options = _parser().parse_args(arguments)
    quiet_mlflow()
    try:
        settings = Settings.from_env()
        options.trusted = settings.trusted_modules
        experiments = open_store(options.uri or settings.tracking_uri, settings.home)
        experiments.check()
        status: int = options.run(experiments, options)
    except RollflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1 if isinstance(error, Unavailable) else 2
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--uri", help="address of the MLflow store; default: MLFLOW_TRACKING_URI, or the private one"
    )
    common.add_argument("--json", action="store_true", help="for scripts: JSON on stdout")
    parser = argparse.ArgumentParser(
        prog="python -m components.tracking", description="Look at experiments and their runs."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        command = subparsers.add_parser(name, parents=[common], help=text, description=text)
        command.set_defaults(run=run)
        return command

    every = add("list", commands.list_all, "experiments, or the runs of some, the newest first")
    every.add_argument("experiment", nargs="*", help="names of experiments; none: all, without their runs")
    every.add_argument("--filter", default="", metavar="CONDITION", help="such as: metrics.IC > 0.04")
    every.add_argument("--order", action="append", default=[], metavar="KEY", help="such as: metrics.IC DESC")
    every.add_argument("--limit", type=int, default=50, metavar="N", help="so many runs at most; default: 50")
    every.add_argument("--windows", action="store_true", help="the windows of rolling runs too")
    every.add_argument("--deleted", action="store_true", help="experiments that were deleted")
    one = add("show", commands.show_run, "all of one run")
    one.add_argument("run_id", metavar="RUN", help="id of the run, or its start")
    several = add("compare", commands.compare, "runs side by side: predictions, metrics, tasks")
    several.add_argument("run_ids", nargs="+", metavar="RUN", help="ids of runs, or their starts")
    copy = add("download", commands.download, "copy an artifact of a run, or all of them")
    copy.add_argument("run_id", metavar="RUN", help="id of the run, or its start")
    copy.add_argument("path", nargs="?", default="", help="such as pred.parquet; none: all")
    copy.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="default: here")
    model = add("model", commands.log_model, "give a run its model in MLflow's own form, to serve it")
    model.add_argument("run_id", metavar="RUN", help="id of the run, or its start")
    model.add_argument("--register", metavar="NAME", help="enter it into MLflow's registry too")
    gone = add("delete", commands.delete, "delete a run, or an experiment with its runs")
    gone.add_argument("what", metavar="RUN|EXPERIMENT", help="whole id of a run, or name of an experiment")
    gone.add_argument("--yes", action="store_true", help="do not ask")
    back = add("restore", commands.restore, "bring back a run or an experiment that was deleted")
    back.add_argument("what", metavar="RUN|EXPERIMENT", help="whole id of a run, or name of an experiment")
    return parser


if __name__ == "__main__":
    sys.exit(main())
