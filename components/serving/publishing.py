"""The pages of a service and of its days, made from what is stored of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from components.report.runs import REPORT
from components.report.service import ServiceContent
from components.serving.day import DayRecord
from components.serving.gate import GateReport
from components.serving.manager import OnlineManager
from components.serving.page import Served, service_content
from components.serving.portfolio import Holdings, Targets
from components.serving.state import HOLDINGS, History
from components.tracking import ArtifactBroken, ArtifactMissing

#: A signal without a day.
NO_SIGNAL: pd.Series[Any] = pd.Series(
    [], pd.MultiIndex.from_arrays([pd.DatetimeIndex([]), []], names=["datetime", "instrument"]), dtype="float64"
)


def read_content(
    manager: OnlineManager,
    history: History,
    made: datetime,
    *,
    signal: pd.Series[Any] = NO_SIGNAL,
    stopped: GateReport | None = None,
) -> ServiceContent:
    """What the page of a service shows.

    Args:
        manager: The service.
        history: The days to show, at least one.
        made: Now.
        signal: That of these days, indexed (datetime, instrument); none: how it changes is not shown.
        stopped: What the gate said of the next day, if it has stopped it.
    """
    holdings, targets = _orders(manager, history.days[-1])
    return service_content(
        Served(
            service=manager.evening.state.service,
            facts=_facts(manager, history),
            history=history,
            signal=signal,
            holdings=holdings,
            targets=targets,
            stopped=stopped,
        ),
        made,
    )


def save_day_pages(manager: OnlineManager, history: History, days: Sequence[DayRecord], made: datetime) -> None:
    """Write to the runs of some days what there was to see on each of them."""
    from components.report.service.page import render_day  # takes a while

    for day in days:
        until = History((*history.before(day.day).days, day))
        with manager.evening.state.experiments.recorder(day.recorder_id).artifacts() as folder:
            (folder / REPORT).write_text(render_day(read_content(manager, until, made)), "utf-8")


def _orders(manager: OnlineManager, day: DayRecord) -> tuple[Holdings | None, Targets | None]:
    """What the account held after a day, and what it was to trade next; None: nobody follows the signal."""
    if manager.evening.portfolio is None:
        return None, None
    try:
        kept = manager.evening.state.load_json(day, HOLDINGS)
    except ArtifactBroken:
        raise
    except ArtifactMissing:  # nobody followed the signal by then
        return None, None
    return Holdings.from_document(kept["holdings"]), Targets.from_document(kept["targets"])


def _facts(manager: OnlineManager, history: History) -> dict[str, str]:
    state = manager.evening.state
    return {
        **({"simulation": state.run[:12]} if state.run else {}),
        "strategies": ", ".join(strategy.name for strategy in manager.strategies),
        "data": manager.market.uri,
        "days": f"{len(history.days)}, since {history.days[0].day}",
        "MLflow run": state.recorder.id,
    }
