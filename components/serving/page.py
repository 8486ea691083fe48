"""What the page of a service shows, made from its days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pandas as pd

from components.analysis.drift import rank_autocorrelation
from components.report.service import (
    Choice,
    Coverage,
    DayLine,
    Finding,
    Measured,
    Order,
    Orders,
    Revised,
    ServiceContent,
)
from components.serving.day import DayRecord
from components.serving.gate import GateReport
from components.serving.page_models import Names, models, realised, roles, spans
from components.serving.portfolio import Holdings, Targets
from components.serving.state import History

#: Days of drift that are shown: a quarter.
_DRIFT_DAYS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class Served:
    """What a service has to show until a day: its days, and what lies beside them."""

    service: str
    #: What it is, by short names.
    facts: Mapping[str, str]
    #: At least one day.
    history: History
    #: Of those days, indexed (datetime, instrument).
    signal: pd.Series[Any]
    #: After the newest of them, and the plan for the next session; None: nobody follows the signal.
    holdings: Holdings | None = None
    targets: Targets | None = None
    #: What the gate said of the next day, if it has stopped it.
    stopped: GateReport | None = None


def service_content(served: Served, made: datetime) -> ServiceContent:
    """Everything that the page shows."""
    history = served.history
    newest = history.days[-1]
    names = Names(history)
    gate = served.stopped or newest.gate
    return ServiceContent(
        title=served.service,
        facts=served.facts,
        days=tuple(_day(day, names) for day in history.days),
        gate=tuple(_findings(gate)),
        stopped=served.stopped.day if served.stopped else None,
        roles=tuple(roles(history, names)),
        coverage=tuple(
            Coverage(strategy=each.strategy, model=names[each.model], count=each.count, missing=tuple(each.missing))
            for each in newest.scored
        ),
        orders=_orders(served.holdings, served.targets),
        realised=realised(history, names),
        turnover=turnover(served.signal),
        spans=tuple(spans(history, names)),
        drift=tuple(_drift(history)),
        choices=tuple(_choices(history, names)),
        revisions=tuple(_revisions(history)),
        models=tuple(models(history)),
        made=made,
    )


def turnover(signal: pd.Series[Any]) -> pd.DataFrame:
    """How a signal changes from day to day.

    Returns:
        By day: ``autocorrelation`` of its ranks with those of the day before, and ``fresh``, the share of its best
        tenth (at least one name) that was not in it then; NaN on the first day.
    """
    scores = {day: of_day.droplevel("datetime").dropna() for day, of_day in signal.groupby(level="datetime")}
    best = {day: set(each.nlargest(max(len(each) // 10, 1)).index) for day, each in scores.items()}
    rows = {
        day: (
            rank_autocorrelation(scores[day], scores[before]),
            len(best[day] - best[before]) / len(best[day]) if best[day] else np.nan,
        )
        for before, day in pairwise(scores)
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["autocorrelation", "fresh"], dtype="float64")
    return table.reindex(pd.DatetimeIndex(list(scores)))


def _day(record: DayRecord, names: Names) -> DayLine:
    online = {name: roles.champion for name, roles in record.standing.items() if roles.champion}
    scored = {each.strategy: each for each in record.scored if each.model == online.get(each.strategy)}
    trained = {
        name: [model.name for model in group]
        for name, group in groupby(record.trained, key=lambda model: model.strategy)
    }
    return DayLine(
        day=record.day,
        gate=max((check.level for check in record.gate.checks), key=("ok", "warn", "fail").index)
        if record.gate
        else None,
        trained=trained,
        failed=record.failed,
        online={name: names[key] for name, key in online.items()},
        scored={name: each.count for name, each in scored.items()},
        missing={name: len(each.missing) for name, each in scored.items()},
        alarms=sum(len(report.alarms) for report in record.drift.values()),
    )


def _findings(gate: GateReport | None) -> Iterator[Finding]:
    for check in gate.checks if gate else ():
        yield Finding(name=check.name, level=check.level, message=check.message)


def _drift(history: History) -> Iterator[Measured]:
    """The measures of the newest day, and what they were on the days before."""
    days = history.days[-_DRIFT_DAYS:]
    for strategy, report in days[-1].drift.items():
        earlier = [
            {measure.name: measure for measure in day.drift[strategy].measures} if strategy in day.drift else {}
            for day in days
        ]
        for newest in report.measures:
            measures = [known.get(newest.name) for known in earlier]
            yield Measured(
                strategy=strategy,
                name=newest.name,
                days=[day.day for day in days],
                values=[measure.value if measure else None for measure in measures],
                limits=[measure.limit if measure else None for measure in measures],
                alarms=[bool(measure and measure.alarm) for measure in measures],
                message=newest.message,
            )


def _choices(history: History, names: Names) -> Iterator[Choice]:
    for day in history.days:
        for each in day.decisions:
            yield Choice(
                day=day.day,
                strategy=each.strategy,
                action=each.action,
                model=names[each.model],
                instead_of=names[each.instead_of] if each.instead_of else None,
                by=each.by,
                why=each.why,
                evidence=each.evidence,
            )


def _revisions(history: History) -> Iterator[Revised]:
    for day in history.days:
        if day.gate and (found := day.gate.revision):
            yield Revised(
                day=day.day,
                since=found.since,
                kind=found.kind,
                instruments=found.instruments,
                ratios=found.ratios,
                recomputed=len(day.recomputed),
            )


def _orders(holdings: Holdings | None, targets: Targets | None) -> Orders | None:
    if holdings is None or targets is None:
        return None
    rows = [
        Order(
            instrument=each.instrument,
            rank=each.rank,
            buy=each.buy,
            sell=each.sell,
            held=each.held,
            target=each.target,
            price=each.price,
            why=each.why,
        )
        for each in targets.orders
    ]
    return Orders(
        value=holdings.value,
        cash=targets.cash,
        held=len(holdings.positions),
        rows=tuple(sorted(rows, key=lambda each: (not each.sell, each.rank or 0))),
    )
