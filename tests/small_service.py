"""Days of a service as plain values: two strategies, three days, one model that took over from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from components.serving import DayRecord, Decision, History, OnlineModel, Realised, Scored, Standing
from components.serving.drift import DriftReport, Measure
from components.serving.gate import GateReport
from components.serving.gate.check import Check
from components.serving.gate.revision import Revision
from components.serving.page import Served
from components.serving.portfolio.holdings import Holdings, Position
from components.serving.portfolio.targets import Target, Targets

DAYS = ("2026-03-02", "2026-03-03", "2026-03-04")
OLD, NEW, LINEAR = "a" * 64, "b" * 64, "c" * 64


def model(strategy: str, key: str, name: str, trained: str) -> OnlineModel:
    return OnlineModel(
        strategy=strategy, key=key, recorder_id=key[:32], segments={"test": (name, name)}, trained=trained
    )


def gate(day: str, level: Any = "ok", message: str = "20 of 20 instruments have a bar") -> GateReport:
    checks = (
        Check(name="day", level="ok", message=f"{day} is a trading day"),
        Check(name="bars", level=level, message=message),
    )
    return GateReport(day=day, checks=checks)


def drift(value: float | None, limit: float = 0.25) -> DriftReport:
    alarm = value is not None and value > limit
    message = f"PSI of score {value}, limit {limit}"
    return DriftReport((Measure("psi score", value, limit, alarm, message),))


def realised(day: str, key: str, ic: float | None, strategy: str = "trees") -> Realised:
    return Realised(strategy=strategy, model=key, day=day, ic=ic, rank_ic=None if ic is None else ic / 2, count=20)


def scored(key: str, strategy: str = "trees", missing: Sequence[str] = ()) -> Scored:
    return Scored(strategy=strategy, model=key, count=20 - len(missing), missing=tuple(missing))


def decision(action: Any, key: str, instead_of: str | None, why: str, **evidence: Any) -> Decision:
    return Decision(
        strategy="trees", action=action, model=key, instead_of=instead_of, by="rule ic", why=why, evidence=evidence
    )


def history() -> History:
    """On the first day both strategies begin; on the second a model challenges, on the third it takes over."""
    linear = Standing(champion=LINEAR)
    first = DayRecord(
        day=DAYS[0],
        recorder_id="1" * 32,
        trained=(model("trees", OLD, "2026-02-16", DAYS[0]), model("linear", LINEAR, "2026-02-23", DAYS[0])),
        standing={"trees": Standing(champion=OLD), "linear": linear},
        decisions=(decision("promote", OLD, None, "it is the first model"),),
        scored=(scored(OLD), scored(LINEAR, "linear")),
        gate=gate(DAYS[0]),
        drift={"trees": drift(None)},
    )
    second = DayRecord(
        day=DAYS[1],
        recorder_id="2" * 32,
        trained=(model("trees", NEW, DAYS[1], DAYS[1]),),
        standing={"trees": Standing(champion=OLD, challenger=NEW), "linear": linear},
        decisions=(decision("challenge", NEW, None, "it is the newest model"),),
        scored=(scored(OLD), scored(NEW), scored(LINEAR, "linear", ["S01"])),
        realised=(realised(DAYS[0], OLD, 0.1), realised(DAYS[0], LINEAR, None, "linear")),
        gate=replace(
            gate(DAYS[1], "warn", "18 of 20 instruments have a bar"),
            revision=Revision(since="2026-01-05", instruments=("S01", "S02"), ratios={"S01": 0.5}),
        ),
        drift={"trees": drift(0.3)},
        recomputed=(DAYS[0],),
    )
    third = DayRecord(
        day=DAYS[2],
        recorder_id="3" * 32,
        standing={"trees": Standing(champion=NEW, previous=OLD), "linear": linear},
        decisions=(decision("promote", NEW, OLD, "IC 0.0500 instead of -0.0200", days=21, chance=0.004),),
        scored=(scored(NEW), scored(LINEAR, "linear", ["S01", "S02"])),
        realised=(
            realised(DAYS[1], OLD, -0.2),
            realised(DAYS[1], NEW, 0.3),
            realised(DAYS[1], LINEAR, 0.5, "linear"),
        ),
        gate=gate(DAYS[2]),
        drift={"trees": drift(0.1)},
    )
    return History((first, second, third))


def signal(rankings: Mapping[str, str]) -> pd.Series[Any]:
    """A signal in which the names of each day stand in this order, one letter each, the best first."""
    rows = [(day, name, -place) for day, names in rankings.items() for place, name in enumerate(names)]
    index = pd.MultiIndex.from_tuples(
        [(pd.Timestamp(day), name) for day, name, _ in rows], names=["datetime", "instrument"]
    )
    return pd.Series([float(score) for *_, score in rows], index)


def target(name: str, *, held: float, wanted: float, rank: int | None, why: str = "") -> Target:
    return Target(
        instrument=name,
        score=1.0,
        rank=rank,
        held=held,
        target=wanted,
        buy=max(wanted - held, 0.0),
        sell=max(held - wanted, 0.0),
        price=12.5,
        tradable=True,
        why=why,
    )


def served(**more: Any) -> Served:
    """All of it."""
    position = Position(instrument="S01", amount=1000.0, price=12.5, days_held=3)
    rows = (
        target("S05", held=0, wanted=1000, rank=1, why="rank 1 of 20"),
        target("S03", held=500, wanted=500, rank=2),
        target("S01", held=1000, wanted=0, rank=19, why="rank 19 of 20"),
    )
    values: dict[str, Any] = {
        "service": "small",
        "facts": {"data": "demo:"},
        "history": history(),
        "signal": signal({DAYS[0]: "ABCD", DAYS[1]: "ABDC", DAYS[2]: "DCBA"}),
        "holdings": Holdings(day=DAYS[2], opened=DAYS[0], cash=5000.0, positions=(position,)),
        "targets": Targets(day=DAYS[2], cash=4900.0, rows=rows),
    }
    return Served(**(values | more))
