"""Experiments, runs and comparisons as people read them, and as JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from components.tracking.compare import RunComparison
from components.tracking.runs import Experiment, RunStatus, RunSummary

#: As much of an id as tells runs apart, and as commands take.
_SHORT_ID = 8
#: What a list says of each run; on narrow terminals a part of it, so that a run takes one line.
_METRICS, _FEW_METRICS = ("IC", "ICIR", "Rank IC", "Rank ICIR"), ("IC", "Rank IC")
_NARROW = 110
_COLOURS = {RunStatus.FINISHED: "green", RunStatus.RUNNING: "yellow", RunStatus.SCHEDULED: "yellow"}


def experiments_table(experiments: Sequence[Experiment]) -> Table:
    """One row an experiment."""
    table = _table(None, "experiment")
    table.add_column("id", no_wrap=True)
    table.add_column("created", no_wrap=True)
    for experiment in experiments:
        table.add_row(escape(experiment.name), experiment.id, _minute(experiment.created_at))
    return table


def runs_table(runs: Sequence[RunSummary], width: int) -> Table:
    """One row a run, which is one line on a terminal of so many columns; long names are cut."""
    shown = _METRICS if width >= _NARROW else _FEW_METRICS
    widths = {"run": _SHORT_ID, "status": 9, "started": 16, **{name: max(7, len(name)) for name in shown}}
    room = max(10, width - sum(widths.values()) - 2 * len(widths))
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("run", width=_SHORT_ID, no_wrap=True)
    table.add_column("name", max_width=room, no_wrap=True, overflow="ellipsis")
    for column, its_width in list(widths.items())[1:]:
        table.add_column(column, width=its_width, no_wrap=True, justify="right" if column in shown else "left")
    for run in runs:
        metrics = (_four_digits(run.metrics.get(name)) for name in shown)
        table.add_row(run.id[:_SHORT_ID], escape(run.name), _status(run), _minute(run.started_at), *metrics)
    return table


def run_tables(
    run: RunSummary, experiment: str, params: Mapping[str, str], artifacts: Sequence[str]
) -> Iterator[Table]:
    """A table for each kind of thing that is known of a run of an experiment (its name)."""
    about = _pairs("")
    for fact in (("run", run.id), ("name", run.name), ("experiment", experiment), ("below", run.parent or "")):
        about.add_row(*map(escape, fact))
    about.add_row("status", _status(run))
    about.add_row("from, to", f"{_time(run.started_at)}, {_time(run.ended_at)}")
    yield about
    tags = {name: value for name, value in run.tags.items() if not name.startswith("mlflow.")}
    metrics = {name: number(value) for name, value in run.metrics.items()}
    for title, values in (("Metrics", metrics), ("Parameters", params), ("Tags", tags)):
        if values:
            table = _pairs(title)
            for name, value in sorted(values.items()):
                table.add_row(escape(name), escape(value))
            yield table
    files = _pairs("Artifacts")
    for artifact in artifacts:
        files.add_row(escape(artifact))
    yield files


def comparison_tables(comparison: RunComparison, width: int) -> Iterator[Table]:
    """Runs, predictions, metrics and differences of tasks."""
    labels = {run.id: run.id[:_SHORT_ID] for run in comparison.runs}
    yield runs_table(comparison.runs, width)
    if comparison.correlations:
        table = _table("\nCorrelation of the predictions, mean over the days", "", "", "scores", "ranks", "rows")
        for pair in comparison.correlations:
            names = (labels[run_id] for run_id in pair.runs)
            table.add_row(*names, f"{pair.pearson:.4f}", f"{pair.spearman:.4f}", f"{pair.rows:,}")
        yield table
    metrics = _table("\nMetrics", "", *labels.values())
    for name, values in comparison.metrics.items():
        metrics.add_row(escape(name), *(number(values.get(run_id)) for run_id in labels))
    yield metrics
    differences = _table("\nDifferences", "", *labels.values())
    for path, found in comparison.differences.items():
        differences.add_row(escape(path), *(_exact(found[run_id]) if run_id in found else "" for run_id in labels))
    yield differences


def number(value: float | None) -> str:
    """A metric with as many digits as one compares."""
    return "" if value is None else f"{value:.5g}"


def _four_digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _exact(value: Any) -> str:
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _table(title: str | None, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _pairs(title: str) -> Table:
    table = Table(
        title=title and f"\n{title}", title_justify="left", title_style="bold", show_header=False, box=None
    )
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _status(run: RunSummary) -> str:
    return f"[{_COLOURS.get(run.status, 'red')}]{run.status.lower()}[/]"


def _time(value: datetime | None) -> str:
    return "" if value is None else f"{value.astimezone():%Y-%m-%d %H:%M:%S}"


def _minute(value: datetime | None) -> str:
    return "" if value is None else f"{value.astimezone():%Y-%m-%d %H:%M}"
