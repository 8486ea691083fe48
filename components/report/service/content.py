"""What the page of a service is made of: values, wherever they come from. Days are written ``YYYY-MM-DD``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

import pandas as pd

from components.tasks import Json

Level = Literal["ok", "warn", "fail"]
#: What people call the levels of the data gate.
COLOURS: Mapping[Level, str] = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the data gate said in one respect."""

    name: str
    level: Level
    message: str


@dataclass(frozen=True, kw_only=True)
class Role:
    """A model of a strategy, and what it is there for."""

    strategy: str
    #: ``champion``, ``challenger`` or ``previous``.
    role: str
    #: First day of its test segment.
    model: str
    #: First day of the unbroken run of days on which it has had the role.
    since: str
    #: Days served in it.
    days: int
    #: Who gave it the role, and why; empty where that is not known.
    by: str = ""
    why: str = ""
    #: Means over the days whose labels are known, in whatever role; None: none is known.
    ic: float | None = None
    rank_ic: float | None = None
    #: How many days these are.
    realised: int = 0


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many names a model scored on the day, and which it could not."""

    strategy: str
    model: str
    count: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Order:
    """A name to trade at the next session: real shares and prices."""

    instrument: str
    #: 1 is the best; None for a name without a score.
    rank: int | None
    buy: float
    sell: float
    #: What is held before and after.
    held: float
    target: float
    price: float | None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The account that follows the signal, and what it is to trade at the next session."""

    #: Cash and positions at the day's closes, and the cash that is left after the orders.
    value: float
    cash: float
    #: Names held.
    held: int
    rows: tuple[Order, ...]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One measure of drift of a strategy's champion over the last days, oldest first."""

    strategy: str
    name: str
    days: Sequence[str]
    #: None where it could not be known, or had nothing to be compared with.
    values: Sequence[float | None]
    limits: Sequence[float | None]
    alarms: Sequence[bool]
    #: What is said of the newest day.
    message: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A decision on which model has which role."""

    day: str
    strategy: str
    #: ``promote``, ``challenge`` or ``roll back``.
    action: str
    #: First test days of the model and of the one that had the role before.
    model: str
    instead_of: str | None
    by: str
    why: str
    evidence: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Revised:
    """Bars that were found to have changed since they were served."""

    #: The day on which it was found, and the first day that differs.
    day: str
    since: str
    kind: str
    instruments: tuple[str, ...]
    #: Those whose whole history was multiplied, and by what.
    ratios: Mapping[str, float] = field(default_factory=dict)
    #: How many earlier days' signal was made anew for it.
    recomputed: int = 0


@dataclass(frozen=True, kw_only=True)
class ModelLine:
    """A model, and how it did."""

    strategy: str
    model: str
    trained: str
    #: Whether it is one of the windows that follow each other.
    regular: bool
    #: First and last day online; None: it never was, or still is.
    first: str | None
    last: str | None
    ic: float | None
    rank_ic: float | None
    #: Days whose labels are known.
    realised: int
    recorder_id: str


@dataclass(frozen=True, kw_only=True)
class Span:
    """Days on which a model was online, inclusive."""

    strategy: str
    model: str
    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class DayLine:
    """A day that was served."""

    day: str
    #: Worst level of the data gate; None: nobody looked.
    gate: Level | None
    #: Strategy -> first test day of each model that was trained.
    trained: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Strategy -> what did not come of a training.
    failed: Mapping[str, str] = field(default_factory=dict)
    #: Strategy -> first test day of the model that was online.
    online: Mapping[str, str] = field(default_factory=dict)
    #: Strategy -> names that its champion scored, and that it could not.
    scored: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    #: Measures of drift beyond their limit.
    alarms: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class ServiceContent:
    """Everything that the page of a service shows."""

    title: str
    #: What the service is, by short names.
    facts: Mapping[str, str]
    #: All days that were served, at least one, oldest first.
    days: tuple[DayLine, ...]
    #: What the data gate found on the newest day, or on the one that it stopped; empty: nobody looked.
    gate: tuple[Finding, ...] = ()
    #: The day after the newest one that was served whose data is not fit to be served; None: there is none.
    stopped: str | None = None
    roles: tuple[Role, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    #: None: nobody follows the signal.
    orders: Orders | None = None
    #: A row for each strategy, model and day whose labels are known: ``day``, ``strategy``, ``model``, ``champion``
    #: (whether it was served on that day), ``ic``, ``rank_ic``.
    realised: pd.DataFrame
    #: By day: ``autocorrelation`` of the signal's ranks with those of the day before, and ``fresh``, the share of
    #: the best tenth that was not in it then.
    turnover: pd.DataFrame
    spans: tuple[Span, ...] = ()
    drift: tuple[Measured, ...] = ()
    #: Oldest first.
    choices: tuple[Choice, ...] = ()
    revisions: tuple[Revised, ...] = ()
    models: tuple[ModelLine, ...] = ()
    made: datetime

    @property
    def newest(self) -> DayLine:
        """The newest day that was served."""
        return self.days[-1]

    @property
    def strategies(self) -> tuple[str, ...]:
        """What is served, in order."""
        return tuple(self.newest.online)

    @cached_property
    def daily(self) -> pd.DataFrame:
        """Realised ``ic`` and ``rank_ic`` of what was served by day, the mean of the strategies."""
        served = self.realised[self.realised["champion"]]
        means: pd.DataFrame = served.groupby("day")[["ic", "rank_ic"]].mean()
        return means.set_axis(pd.DatetimeIndex(means.index, name="datetime"))
