"""What a service has to show: its days, its models, and their signals as files that anybody can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from statistics import fmean
from typing import Any

import pandas as pd

from components.data import Segment
from components.errors import RollflowError, one_line
from components.formats.tables import save_table
from components.serving.day import DayRecord, OnlineModel, Realised
from components.serving.gate import GateReport
from components.serving.manager import OnlineManager
from components.serving.publishing import NO_SIGNAL, save_day_pages
from components.serving.state import History, ServiceState, model_scores
from components.tracking import ArtifactMissing

DONE, RED = "done", "red"
#: Files of the service's run: the signal of all days, all scores, and below a folder those of each model.
SIGNALS, PREDICTIONS = "signals", "predictions"


@dataclass(frozen=True, kw_only=True)
class DayResult:
    """A day, and what came of it."""

    day: str
    #: `DONE`, or `RED`: its data was not fit to be served.
    status: str
    #: Keys of the models that were trained.
    trained: tuple[str, ...]
    #: Strategy -> keys of the models that were online.
    online: Mapping[str, Sequence[str]]
    #: Strategy -> what did not come of a training.
    failed: Mapping[str, str] = field(default_factory=dict)
    #: What the data gate said, and in one line; None: nobody looked.
    gate: Mapping[str, Any] | None = None
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelResult:
    """A model, and how it did."""

    strategy: str
    key: str
    recorder_id: str
    segments: Mapping[str, Segment]
    trained: str
    #: First and last day on which it was online; None: it never was, or still is.
    online_from: str | None
    online_to: str | None
    #: Parquet file: datetime, instrument, score, label (NaN where it is not known yet).
    predictions: str | None
    #: Means over the days whose labels are known: IC, Rank IC, and how many days these are.
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ServiceResult:
    """What a command of a service was asked for, and how the service stands."""

    experiment: str
    service: str
    #: Id of the MLflow run of the service.
    recorder_id: str
    #: The days that were served now, in order.
    days: tuple[DayResult, ...]
    models: tuple[ModelResult, ...]
    #: Parquet file of the signal of all days: datetime, instrument, score.
    signals: str | None
    #: HTML file with the pictures.
    report: str | None = None
    #: Seconds by phase.
    timings: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def checked(self, timings: Mapping[str, float]) -> ServiceResult:
        """The result with its timings.

        Raises:
            ServingFailed: when a day was not fit to be served, or a training failed; the error carries the result.
        """
        result = replace(self, timings=dict(timings))
        if result.problems:
            raise ServingFailed(result)
        return result

    @property
    def problems(self) -> tuple[str, ...]:
        """What did not come off, a line each."""
        return tuple(
            line
            for day in self.days
            for line in (
                *([day.summary] if day.status == RED else []),
                *(f"{day.day} {name} not trained: {why}" for name, why in day.failed.items()),
            )
        )

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


class ServingFailed(RollflowError):
    """Something of the service needs a look; whatever could be served was, by the models of before if need be."""

    def __init__(self, result: ServiceResult) -> None:
        super().__init__(result)  # what pickle hands to the constructor again
        self.result = result

    def __str__(self) -> str:
        return "; ".join(self.result.problems)


def outcome(
    manager: OnlineManager, served: Sequence[DayRecord], red: GateReport | None = None, *, made: datetime
) -> ServiceResult:
    """Write the files of a service and the pages of its days, and say how it stands.

    What killed processes have left open is finished.

    Args:
        manager: The service.
        served: The days that were served now.
        red: What the gate said of the day after them, if that was not fit to be served.
        made: Now.
    """
    state, history = manager.evening.state, manager.history()
    published = _published(state)
    known = {str(day.date()) for day in published.index.unique("datetime")}
    new = [day for day in history.days if day.day not in known]
    warnings = _day_pages(manager, history, new, made)
    files = _export(manager, history, published, new) if history.days else {}
    state.tidy(history, served)
    models = [model for strategy in manager.strategies for model in history.models(strategy.name)]
    return ServiceResult(
        experiment=state.service,
        service=state.service,
        recorder_id=state.recorder.id,
        days=(*map(_day, served), *([_red_day(red)] if red else [])),
        models=tuple(_model(model, history, files) for model in models),
        signals=files.get(SIGNALS),
        warnings=warnings,
    )


def _red_day(report: GateReport) -> DayResult:
    return DayResult(
        day=report.day, status=RED, trained=(), online={}, gate=report.to_document(), summary=report.summary
    )


def _day(record: DayRecord) -> DayResult:
    return DayResult(
        day=record.day,
        status=DONE,
        trained=tuple(model.key for model in record.trained),
        online={name: [roles.champion] if roles.champion else [] for name, roles in record.standing.items()},
        failed=record.failed,
        gate=record.gate.to_document() if record.gate else None,
        summary=record.gate.summary if record.gate else "",
    )


def _model(model: OnlineModel, history: History, files: Mapping[str, str]) -> ModelResult:
    online = [day.day for day in history.days if day.champion(model.strategy) == model.key]
    still = bool(online) and history.standing(model.strategy).champion == model.key
    known = [
        each
        for day in history.days
        for each in day.realised
        if (each.strategy, each.model) == (model.strategy, model.key)
    ]
    return ModelResult(
        strategy=model.strategy,
        key=model.key,
        recorder_id=model.recorder_id,
        segments=model.segments,
        trained=model.trained,
        online_from=online[0] if online else None,
        online_to=None if still or not online else online[-1],
        predictions=files.get(_file_of(model)),
        metrics=_metrics(known),
    )


def _metrics(realised: Sequence[Realised]) -> dict[str, float]:
    ics = [each.ic for each in realised if each.ic is not None]
    ranks = [each.rank_ic for each in realised if each.rank_ic is not None]
    means = {name: fmean(values) for name, values in (("IC", ics), ("Rank IC", ranks)) if values}
    return means | {"days": float(len(realised))}


def _file_of(model: OnlineModel) -> str:
    return f"{PREDICTIONS}/{model.strategy}-{model.key[:12]}"


def _published(state: ServiceState) -> pd.DataFrame:
    """The signal of the days whose files are written."""
    try:
        return state.recorder.load_table(SIGNALS)
    except ArtifactMissing:
        return NO_SIGNAL.to_frame("score")


def _day_pages(
    manager: OnlineManager, history: History, new: Sequence[DayRecord], made: datetime
) -> tuple[str, ...]:
    """Write the pages of days; what went wrong, for the days are served: a picture of them is no failure."""
    try:
        save_day_pages(manager, history, new, made)
    except Exception as error:
        return (f"a page of a day could not be made: {one_line(error)}",)
    return ()


def _export(
    manager: OnlineManager, history: History, published: pd.DataFrame, new: Sequence[DayRecord]
) -> dict[str, str]:
    """The files of a service, of which only what is new is read and written; name -> path."""
    recorder, state = manager.evening.state.recorder, manager.evening.state
    models = [model for strategy in manager.strategies for model in history.models(strategy.name)]
    if new:
        touched = {(each.strategy, each.model) for day in new for each in day.scored}
        touched |= {(each.strategy, each.model) for day in new for each in day.realised}
        with recorder.artifacts() as folder:
            (folder / PREDICTIONS).mkdir()
            for model in models:
                if (model.strategy, model.key) in touched:
                    save_table(_predictions(manager, model, history), folder / f"{_file_of(model)}.parquet")
        # what is in this file is not looked at again: it is written when everything else is there
        with recorder.artifacts() as folder:
            served = pd.concat([published["score"], state.signal(new)]).sort_index()
            save_table(state.corrected(served, new).to_frame("score"), folder / f"{SIGNALS}.parquet")
    written = {_file_of(model) for model in models if history.scored_by(model)}
    return {name: str(recorder.download(f"{name}.parquet")) for name in (SIGNALS, *sorted(written))}


def _predictions(manager: OnlineManager, model: OnlineModel, history: History) -> pd.DataFrame:
    """Score and label of all days that a model scored; NaN where the label was not known on the newest day."""
    days = history.scored_by(model)
    scores = model_scores(manager.evening.state.scores(days), model)
    label = manager.labels(model, days[0].day, days[-1].day, history.days[-1].day)
    return pd.DataFrame({"score": scores, "label": label.reindex(scores.index)})
