"""The report of a rolling run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from components.config import RunConfig
from components.data import Market
from components.report import ReportContent, Training
from components.report.runs import Learning, library_versions, read_backtest, read_learning
from components.rolling.comparison import compare_with_earlier
from components.rolling.join import Joined
from components.rolling.result import RunResult, WindowResult
from components.tracking import PARENT_TAG, ExperimentManager, Recorder, RunSummary


def report_content(
    config: RunConfig,
    joined: Joined,
    result: RunResult,
    *,
    experiments: ExperimentManager,
    market: Market,
    made: datetime,
) -> ReportContent:
    """Everything that the report of a run shows; what is not in the results is read from the runs."""
    parent = experiments.recorder(result.recorder_id)
    learnt = read_learning(_runs(result, parent, experiments), experiments)
    return ReportContent(
        title=config.experiment_name,
        facts=_facts(config, result),
        trainings=tuple(_training(window, market, learnt) for window in result.windows),
        metrics=result.metrics,
        prediction=joined.prediction,
        label=joined.label,
        backtest=read_backtest(parent, result.metrics),
        compared=compare_with_earlier(parent.summary(), config.experiment_name, experiments),
        gaps=result.gaps,
        config={name: value for name, value in config.model_dump(mode="json").items() if value is not None},
        versions=library_versions(),
        made=made,
    )


def _runs(result: RunResult, parent: Recorder, experiments: ExperimentManager) -> list[RunSummary]:
    """The runs of the windows; MLflow is asked once for those in the parent's experiment, and for each other."""
    listed = {run.id: run for run in experiments.runs(parent.experiment, {PARENT_TAG: parent.id})}
    run_ids = [window.recorder_id for window in result.windows if window.recorder_id]
    return [listed.get(run_id) or experiments.run(run_id) for run_id in run_ids]


def _facts(config: RunConfig, result: RunResult) -> dict[str, str]:
    task, rolling = config.template(), config.rolling
    done = len(result.windows) - len(result.failed)
    universe = (task.handler.get("kwargs") or {}).get("instruments", "all")
    rolled = {"windows": f"{len(result.windows)}, {rolling.type}, {rolling.pace}"}
    return {
        "model": str(task.model["class"]),
        "features": str(task.handler["class"]),
        "universe": universe if isinstance(universe, str) else f"{len(universe)} names",
        "data": config.market,
        "tested": f"{result.windows[0].segments['test'][0]} to {result.windows[-1].segments['test'][1]}",
        **(rolled if len(result.windows) > 1 else {}),
        "done": f"{done} of {len(result.windows)}, {result.reused} of them reused",
        "MLflow run": result.recorder_id,
    }


def _training(window: WindowResult, market: Market, learnt: Mapping[str, Learning]) -> Training:
    of_run = learnt.get(window.recorder_id or "")
    return Training(
        name=window.name,
        segments=window.segments,
        gap=_gap(window, market),
        status=window.status.value,
        reused=window.reused,
        attempts=window.attempts,
        error=window.error,
        best_iteration=window.best_iteration,
        seconds=sum(window.seconds.values()),
        metrics=window.metrics,
        importance=of_run.importance if of_run else {},
        curves=of_run.curves if of_run else {},
    )


def _gap(window: WindowResult, market: Market) -> int:
    """Trading days between what is learnt from and the test segment."""
    learnt = [str(last) for name, (_, last) in window.segments.items() if name != "test"]
    if not learnt:
        return 0
    return market.calendar.at_or_after(window.name) - market.calendar.at_or_before(max(learnt)) - 1
