"""A rolling run beside the earlier ones of its experiment."""

from __future__ import annotations

import pandas as pd

from components.report import Compared
from components.rolling.window import WINDOWS_TAG
from components.tracking import (
    ArtifactMissing,
    ExperimentManager,
    RunComparison,
    RunStatus,
    RunSummary,
    compare_runs,
)
from components.training import TASK_TAG

#: Earlier runs that are looked at, the newest.
_EARLIER = 3
#: Newest runs among which these are searched: windows have the tag of a single task too.
_SEARCHED = 50


def compare_with_earlier(run: RunSummary, experiment: str, experiments: ExperimentManager) -> tuple[Compared, ...]:
    """The run, then the newest earlier ones of its kind in the experiment (its name); empty when there is none."""
    earlier = _earlier(run, experiment, experiments)
    if not earlier:
        return ()
    found = compare_runs(experiments, [run.id, *(each.id for each in earlier)])
    likeness = {pair.runs[1]: pair.pearson for pair in found.correlations if pair.runs[0] == run.id} | {run.id: 1.0}
    return tuple(_compared(each, run, found, likeness.get(each.id), experiments) for each in found.runs)


def _earlier(run: RunSummary, experiment: str, experiments: ExperimentManager) -> list[RunSummary]:
    tag = WINDOWS_TAG if WINDOWS_TAG in run.tags else TASK_TAG
    condition = f"tags.`{tag}` != '' and attributes.status = '{RunStatus.FINISHED}'"
    finished = experiments.search(condition, experiments=[experiment], limit=_SEARCHED)
    return [each for each in finished if each.parent is None and each.id != run.id][:_EARLIER]


def _compared(
    of: RunSummary, run: RunSummary, found: RunComparison, likeness: float | None, experiments: ExperimentManager
) -> Compared:
    try:
        ic = experiments.recorder(of).load_table("sig_analysis")["ic"]
    except ArtifactMissing:
        ic = pd.Series(dtype="float64")
    return Compared(
        name="this run" if of.id == run.id else _name(of),
        metrics=of.metrics,
        likeness=likeness,
        ic=ic,
        differences={path: values[of.id] for path, values in found.differences.items() if of.id in values},
    )


def _name(run: RunSummary) -> str:
    began = f"{run.started_at.astimezone():%Y-%m-%d %H:%M}, " if run.started_at else ""
    return f"{began}{run.id[:12]}"
