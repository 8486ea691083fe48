"""The commands of ``python -m components.tracking``, each a function of the store and the options."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict

from rich.console import Console

from components.cli import confirm, write_json
from components.models import MODEL_FOLDER
from components.tracking import show
from components.tracking.compare import compare_runs
from components.tracking.experiments import ExperimentManager
from components.tracking.registry import register_model
from components.tracking.runs import RUN_ID


def list_all(experiments: ExperimentManager, options: argparse.Namespace) -> int:
    """The experiments; with names, a condition or an order, runs."""
    if not (options.experiment or options.filter or options.order):
        listed = experiments.list_experiments(deleted=options.deleted)
        if options.json:
            write_json([asdict(experiment) for experiment in listed])
        else:
            Console().print(show.experiments_table(listed))
        return 0
    # MLflow cannot ask for runs that lack a tag, so windows are left out here, and counted out of the limit.
    runs = experiments.search(
        options.filter,
        experiments=options.experiment or None,
        order_by=options.order,
        limit=options.limit if options.windows else None,
    )
    runs = [run for run in runs if options.windows or run.parent is None][: options.limit]
    if options.json:
        write_json([asdict(run) for run in runs])
    else:
        console = Console()
        console.print(show.runs_table(runs, console.width))
    return 0


def show_run(experiments: ExperimentManager, options: argparse.Namespace) -> int:
    """All that is known of one run."""
    run = experiments.run(options.run_id)
    recorder = experiments.recorder(run)
    artifacts, params = recorder.list_artifacts(), recorder.params
    if options.json:
        write_json({**asdict(run), "params": params, "artifacts": artifacts})
    else:
        console = Console()
        names = {experiment.id: experiment.name for experiment in experiments.list_experiments()}
        for table in show.run_tables(run, names[run.experiment], params, artifacts):
            console.print(table)
    return 0


def compare(experiments: ExperimentManager, options: argparse.Namespace) -> int:
    """Runs side by side."""
    comparison = compare_runs(experiments, options.run_ids)
    if options.json:
        write_json(comparison.to_document())
        return 0
    console = Console()
    for table in show.comparison_tables(comparison, console.width):
        console.print(table)
    for line in comparison.missing:
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    return 0


def download(experiments: ExperimentManager, options: argparse.Namespace) -> int:
    """Copy artifacts into a folder."""
    place = experiments.recorder(experiments.run(options.run_id)).download(options.path, options.to)
    return _told(options, str(place), {"path": str(place)})


def log_model(experiments: ExperimentManager, options: argparse.Namespace) -> int:
    """Give a run its model in MLflow's form, unless it has it; register it when asked to."""
    from components.tracking.trained import log_mlflow_model

    run = experiments.run(options.run_id)
    recorder = experiments.recorder(run)
    address = f"runs:/{run.id}/{MODEL_FOLDER}"
    if f"{MODEL_FOLDER}/MLmodel" not in recorder.list_artifacts(MODEL_FOLDER):
        address = log_mlflow_model(recorder, options.trusted)
    if options.register:
        address = f"models:/{options.register}/{register_model(experiments, run.id, options.register)}"
    store = f"MLFLOW_TRACKING_URI={shlex.quote(experiments.shown_uri)}"
    serve = f"{store} mlflow models serve -m {shlex.quote(address)} --env-manager local"
    return _told(options, f"{address}\n{serve}", {"model": address})


def delete(experiments: ExperimentManager, options: argparse.Namespace) -> int:
    """Delete a run or an experiment."""
    is_run = RUN_ID.fullmatch(options.what)
    kind = "run" if is_run else "experiment with its runs"
    confirm(f"delete {kind} {options.what!r}", yes=options.yes)
    (experiments.delete_run if is_run else experiments.delete_experiment)(options.what)
    return _told(options, f"{options.what} is deleted; 'restore' brings it back", {"deleted": options.what})


def restore(experiments: ExperimentManager, options: argparse.Namespace) -> int:
    """Bring a run or an experiment back."""
    is_run = RUN_ID.fullmatch(options.what)
    (experiments.restore_run if is_run else experiments.restore_experiment)(options.what)
    return _told(options, f"{options.what} is back", {"restored": options.what})


def _told(options: argparse.Namespace, text: str, document: dict[str, str]) -> int:
    if options.json:
        write_json(document)
    else:
        Console().print(text, markup=False, highlight=False, soft_wrap=True)
    return 0
