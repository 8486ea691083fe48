"""A market that changes its laws: drift, a challenger that takes over, one that does not, and the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from commands import dataset

from components.serving import History, OnlineManager, Request
from components.serving.day import Action
from flows.online.options import RoutineOptions
from flows.online.service import opened

pytestmark = pytest.mark.acceptance

#: From this day on, what foretold a rise foretells a fall.
REGIME = "2017-06-01"
#: The first day that is served, and the first test days of the windows that follow, 40 sessions apart.
BEGUN, BEFORE_ALL_IS_NEW, NEW, BAD = "2017-04-25", "2017-08-16", "2017-10-13", "2017-12-08"

CONFIG: Mapping[str, Any] = {
    "data": f"demo:?instruments=60&years=4&regime={REGIME}",
    "experiment": "regime",
    "task": {
        "model": {"class": "TurnedRound", "module_path": "sample_models", "kwargs": {"windows": [BAD]}},
        "dataset": dataset(
            "all",
            [
                [
                    "$close/Ref($close, 5) - 1",
                    "($close - $low)/($high - $low + 0.000001)",
                    "$volume/Mean($volume, 20)",
                ],
                ["ROC", "PLACE", "VOLUME"],
            ],
            [["Ref($close, -2)/Ref($close, -1) - 1"], ["LABEL0"]],
            train=["2017-01-23", "2017-03-21"],
            valid=["2017-03-22", "2017-04-20"],
            test=[BEGUN, "2018-11-30"],
        ),
    },
    "rolling": {"step": 40, "type": "sliding"},
    "online": {"promotion": {"rule": "ic"}, "drift": {"retrain": True}},
}


def roles(history: History) -> tuple[str | None, ...]:
    """First test days of champion, challenger and champion before."""
    names = {model.key: model.name for model in history.models("TurnedRound")}
    standing = history.standing("TurnedRound")
    return tuple(key and names[key] for key in (standing.champion, standing.challenger, standing.previous))


def decisions(history: History, action: Action) -> list[tuple[str, str, str]]:
    """Day, model and reason."""
    names = {model.key: model.name for model in history.models("TurnedRound")}
    return [
        (day.day, names[each.model], each.why)
        for day in history.days
        for each in day.decisions
        if each.action == action
    ]


def realised(history: History, model: str, first: str, last: str) -> float:
    """Mean IC of a model over days."""
    keys = {each.name: each.key for each in history.models("TurnedRound")}
    found = {each.day: each.ic for day in history.days for each in day.realised if each.model == keys[model]}
    return float(pd.Series(found, dtype=float).sort_index().loc[first:last].mean())


def ask(manager: OnlineManager, action: Action) -> None:
    manager.ask(
        Request(service="regime", strategy="TurnedRound", action=action, model=None, by="me", why="to be sure")
    )


def test_the_best_model_is_served_whatever_the_market_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ROLLFLOW_TRUSTED_MODULES", "sample_models")
    monkeypatch.delenv("ROLLFLOW_MONGO_URL", raising=False)
    (config := tmp_path / "run.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(CONFIG))))
    with opened(RoutineOptions(config=str(config))) as service:
        manager = service.open()
        manager.first_train(BEGUN)

        manager.routine("2017-07-31")
        history = manager.history()
        alarms = [day.day for day in history.days if day.drift["TurnedRound"].alarms]
        assert REGIME <= alarms[0] <= "2017-07-28"  # 40 sessions
        assert roles(history)[0] == BEGUN

        # a model that has learnt from both regimes is no better, one that knows the new one takes over
        manager.routine("2017-12-07")
        history = manager.history()
        ((day, promoted, why),) = decisions(history, "promote")[1:]
        assert promoted == NEW
        assert NEW < day < BAD
        assert "better with a confidence of 99" in why
        assert BEFORE_ALL_IS_NEW in [model for _, model, _ in decisions(history, "challenge")]
        assert roles(history) == (NEW, None, BEGUN)
        assert realised(history, BEGUN, REGIME, day) < 0 < realised(history, NEW, NEW, day)

        # a bad challenger predicts beside it, and is never served
        manager.routine("2018-02-05")
        history = manager.history()
        assert roles(history) == (NEW, BAD, BEGUN)
        assert realised(history, BAD, BAD, "2018-02-05") < 0 < realised(history, NEW, BAD, "2018-02-05")
        assert len(decisions(history, "promote")) == 2

        ask(manager, "roll back")
        manager.routine("2018-02-06")
        assert roles(manager.history())[0] == BEGUN
        ask(manager, "roll back")
        manager.routine("2018-02-07")
        assert roles(manager.history())[0] == NEW
