"""Proof that what was served is what a rolling run over the same days says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from components.errors import InputError
from components.records import PREDICTION
from components.serving.day import DayRecord, OnlineModel
from components.serving.manager import OnlineManager
from components.serving.state import model_scores
from components.serving.strategy import OnlineStrategy
from components.tasks.windows import TEST


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Scores that were served beside those of now."""

    #: Scores that were served.
    rows: int
    #: Scores that differ, and by how much at most.
    differing: int
    largest: float
    #: Scores that were not served and should have been, and the other way round.
    missing: int
    extra: int

    @classmethod
    def of(cls, served: pd.Series, expected: pd.Series) -> Self:
        """Compare two series, indexed (datetime, instrument); NaN equals NaN."""
        both = served.index.intersection(expected.index)
        ours, theirs = (each.reindex(both).to_numpy(np.float64) for each in (served, expected))
        apart = np.abs(ours - theirs)[(ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))]
        known = apart[~np.isnan(apart)]
        return cls(
            rows=len(served),
            differing=len(apart),
            largest=float(known.max()) if len(known) else 0.0,
            missing=len(expected) - len(both),
            extra=len(served) - len(both),
        )

    @property
    def equal(self) -> bool:
        """Whether all scores are those that were served."""
        return not (self.differing or self.missing or self.extra)


@dataclass(frozen=True, kw_only=True)
class ModelCheck:
    """The days on which a model was online, and what the same training says of them now."""

    strategy: str
    #: Key of the model that was served.
    model: str
    #: First and last day on which it was.
    first: str
    last: str
    #: Whether bars that its training sees were revised since: then scores may differ.
    revised: bool
    #: None when the training did not come off, and then why.
    found: Comparison | None
    failed: str | None = None

    @property
    def equal(self) -> bool:
        """Whether all scores are those that were served."""
        return self.found is not None and self.found.equal


@dataclass(frozen=True)
class Verification:
    """All models that were online in a period."""

    checks: tuple[ModelCheck, ...]

    @property
    def equal(self) -> bool:
        """Whether everything is as it was served."""
        return all(check.equal for check in self.checks)

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return {"equal": self.equal, "models": [{**asdict(check), "equal": check.equal} for check in self.checks]}


def verify(manager: OnlineManager, first: str | None = None, last: str | None = None) -> Verification:
    """Train the models that were online in a period anew, score all their days at once, and compare.

    Trainings go through the pool: what was verified before is not trained again.

    Args:
        manager: The service.
        first: The first day; None: the first that was served.
        last: The last day; None: the last one that was served.

    Raises:
        InputError: when no day of the period was served.
    """
    days = [
        day
        for day in manager.history().days
        if (first is None or day.day >= first) and (last is None or day.day <= last)
    ]
    if not days:
        raise InputError(f"service {manager.evening.state.service!r} has served no day from {first} to {last}")
    return Verification(
        tuple(
            _checked(manager, strategy, model, online)
            for strategy in manager.strategies
            for model in manager.history().models(strategy.name)
            if (online := [day for day in days if day.champion(strategy.name) == model.key])
        )
    )


def _checked(
    manager: OnlineManager, strategy: OnlineStrategy, model: OnlineModel, online: Sequence[DayRecord]
) -> ModelCheck:
    tested = (online[0].day, online[-1].day)
    task = strategy.task_of(model)
    whole = task.with_segments({**model.segments, TEST: tested}).with_handler_kwargs(end_time=tested[1])
    then = manager.bound(strategy, task, model.trained)
    done, failed = manager.train([manager.bound(strategy, whole, tested[1])])
    found = None
    if done:
        ((_, run),) = done
        served = model_scores(manager.evening.state.scores(online), model)
        expected = manager.evening.scorer.experiments.recorder(run).load_table(PREDICTION)["score"]
        days = expected.index.get_level_values("datetime")
        found = Comparison.of(served, expected[days.isin(served.index.unique("datetime"))])
    return ModelCheck(
        strategy=strategy.name,
        model=model.key,
        first=tested[0],
        last=tested[1],
        revised=then.task.key != model.key,
        found=found,
        failed=failed.get(strategy.name),
    )
