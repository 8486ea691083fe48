"""What the page of a service shows of its models: their roles, when they were online, and how they did."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, takewhile
from statistics import fmean

import numpy as np
import pandas as pd

from components.report.service import ModelLine, Role, Span
from components.serving.day import DayRecord, Realised, Standing
from components.serving.state import History


class Names(dict[str, str]):
    """Key -> first test day of a model."""

    def __init__(self, history: History) -> None:
        super().__init__({model.key: model.name for model in history.trained})

    def __missing__(self, key: str) -> str:
        return key[:12]


def roles(history: History, names: Names) -> Iterator[Role]:
    """Who has which role on the newest day, since when, and why."""
    known = _known(history)
    for strategy, standing in history.days[-1].standing.items():
        for role in ("champion", "challenger", "previous"):
            if key := getattr(standing, role):
                held = _held(history, strategy, role, key)
                mine = known.get((strategy, key), [])
                by, why = (
                    _reason(held[-1], strategy, key) if role != "previous" else ("", "a rollback returns to it")
                )
                yield Role(
                    strategy=strategy,
                    role=role,
                    model=names[key],
                    since=held[-1].day,
                    days=len(held),
                    by=by,
                    why=why,
                    ic=_mean(each.ic for each in mine),
                    rank_ic=_mean(each.rank_ic for each in mine),
                    realised=len(mine),
                )


def _held(history: History, strategy: str, role: str, key: str) -> list[DayRecord]:
    """The unbroken run of days until the newest on which a model has had a role, newest first."""
    return list(takewhile(lambda day: getattr(_standing(day, strategy), role) == key, reversed(history.days)))


def _reason(day: DayRecord, strategy: str, key: str) -> tuple[str, str]:
    """By whom and why a model got a role on a day; the last decision on it counts."""
    taken = [each for each in day.decisions if (each.strategy, each.model) == (strategy, key)]
    return (taken[-1].by, taken[-1].why) if taken else ("", "")


def _standing(day: DayRecord, strategy: str) -> Standing:
    return day.standing.get(strategy, Standing())


def models(history: History) -> Iterator[ModelLine]:
    """All models, in the order of their training."""
    known, online = _known(history), _online(history)
    newest = history.days[-1].day
    for model in history.trained:
        days = online.get((model.strategy, model.key), [])
        mine = known.get((model.strategy, model.key), [])
        yield ModelLine(
            strategy=model.strategy,
            model=model.name,
            trained=model.trained,
            regular=model.regular,
            first=days[0] if days else None,
            last=days[-1] if days and days[-1] != newest else None,
            ic=_mean(each.ic for each in mine),
            rank_ic=_mean(each.rank_ic for each in mine),
            realised=len(mine),
            recorder_id=model.recorder_id,
        )


def spans(history: History, names: Names) -> Iterator[Span]:
    """Unbroken runs of days on which a model was online, a strategy after the other."""
    for strategy in history.days[-1].standing:
        for key, days in groupby(history.days, key=lambda day: _standing(day, strategy).champion):
            if key:
                first, *rest = [day.day for day in days]
                yield Span(strategy=strategy, model=names[key], first=first, last=rest[-1] if rest else first)


def _online(history: History) -> dict[tuple[str, str], list[str]]:
    """Strategy and model -> the days on which it was online."""
    found: dict[tuple[str, str], list[str]] = {}
    for day in history.days:
        for strategy, standing in day.standing.items():
            found.setdefault((strategy, standing.champion or ""), []).append(day.day)
    return found


def realised(history: History, names: Names) -> pd.DataFrame:
    """How the models did, as in `ServiceContent.realised`."""
    champions = {(day.day, name): each.champion for day in history.days for name, each in day.standing.items()}
    found = [each for day in history.days for each in day.realised]
    return pd.DataFrame(
        {
            "day": [each.day for each in found],
            "strategy": [each.strategy for each in found],
            "model": [names[each.model] for each in found],
            "champion": np.array(
                [champions.get((each.day, each.strategy)) == each.model for each in found], dtype=np.bool_
            ),
            "ic": np.array([each.ic for each in found], dtype=np.float64),
            "rank_ic": np.array([each.rank_ic for each in found], dtype=np.float64),
        }
    )


def _known(history: History) -> dict[tuple[str, str], list[Realised]]:
    """Strategy and model -> what is known of how it did."""
    found: dict[tuple[str, str], list[Realised]] = {}
    for day in history.days:
        for each in day.realised:
            found.setdefault((each.strategy, each.model), []).append(each)
    return found


def _mean(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
