"""Whether a model and the data that it sees are still what they were when it was trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.analysis.drift import ic_decay, lower_limit, missing_shares, rank_autocorrelation
from components.config.online.drift import DriftSection
from components.features import Rows
from components.serving.drift.reference import Reference
from components.tasks import Json

#: What another training does not mend.
_OF_DATA = ("missing", "data age")


@dataclass(frozen=True)
class Measure:
    """One number of a day and its limit."""

    #: ``psi score``, ``psi NAME`` of a feature, ``missing``, ``ic``, ``rank autocorrelation``, ``model age``,
    #: ``data age``.
    name: str
    #: None where it cannot be known.
    value: float | None
    #: None where there is nothing to compare with.
    limit: float | None
    alarm: bool
    #: One line for people.
    message: str


@dataclass(frozen=True)
class DriftReport:
    """All measures of a model on a day."""

    measures: tuple[Measure, ...]

    @property
    def alarms(self) -> tuple[Measure, ...]:
        """The measures that are beyond their limit."""
        return tuple(measure for measure in self.measures if measure.alarm)

    @property
    def summary(self) -> str:
        """One line."""
        if not self.alarms:
            return f"no drift in {len(self.measures)} measures"
        return f"drift in {len(self.alarms)} of {len(self.measures)} measures: " + "; ".join(
            measure.message for measure in self.alarms
        )

    def calls_for_training(self, section: DriftSection, since: int | None) -> bool:
        """Whether a training between two regular windows should start.

        Data that is late or has holes does not call for one.

        Args:
            section: Whether alarms do that, and how often at most.
            since: Sessions since the last training that an alarm started; None: there was none.

        """
        due = since is None or since >= section.every
        return section.retrain and due and any(alarm.name not in _OF_DATA for alarm in self.alarms)

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {"measures": [vars(measure) for measure in self.measures]}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(tuple(Measure(**measure) for measure in document["measures"]))


def inspect_drift(
    reference: Reference,
    *,
    rows: Rows,
    scores: pd.Series[Any],
    realised: pd.Series[Any],
    previous: pd.Series[Any] | None,
    model_age: int,
    data_age: int,
    section: DriftSection,
) -> DriftReport:
    """Compare the last days with a model's training period.

    Args:
        reference: What the training period looked like.
        rows: What the model saw on the last days, today included; of more than `section.days` days the last ones
            count. Only the columns of the watched features are copied.
        scores: What the model said of them, indexed (datetime, instrument). It may go back less far.
        realised: Daily IC of the model on the days whose labels are known, in order.
        previous: The model's scores of the session before today, indexed alike or by instrument, or None.
        model_age: Sessions since the last day that the model has learnt from.
        data_age: Sessions since the last day that the data has.
        section: Limits.

    """
    today = scores.index.get_level_values("datetime").max()
    measures = (
        *_stability(reference, rows, scores, section),
        _missing(reference, rows, section),
        _decay(reference, realised, section),
        _autocorrelation(reference, scores.xs(today, level="datetime"), previous, section),
        _age("model age", model_age, section.model_age),
        _age("data age", data_age, section.data_age),
    )
    return DriftReport(measures)


def _stability(
    reference: Reference, rows: Rows, scores: pd.Series[Any], section: DriftSection
) -> Iterator[Measure]:
    """PSI of the scores, and of each watched feature at its share of the chance of a false alarm."""
    start, days = _last_days(rows.day, section.days)
    codes = pd.factorize(scores.index.get_level_values("datetime"), sort=True)[0]
    chosen = scores.to_numpy()[codes > codes.max() - section.days]
    yield _psi(
        "score", reference.scores.compare(chosen, min(int(codes.max()) + 1, section.days), section.chance), section
    )
    for name, distribution in reference.features.items():
        values = rows.X[start:, rows.features.index(name)]
        found = distribution.compare(values, days, section.chance / len(reference.features))
        yield _psi(name, found, section)


def _psi(of: str, found: tuple[float, float], section: DriftSection) -> Measure:
    value, limit = found[0], max(found[1], section.psi)
    if math.isnan(value) or math.isinf(limit):
        return Measure(f"psi {of}", None, None, False, f"{of} has no PSI: it has no value now or is constant")
    return _measure(f"psi {of}", value, limit, value > limit, f"PSI of {of}")


def _missing(reference: Reference, rows: Rows, section: DriftSection) -> Measure:
    """Of the feature that is furthest beyond its limit on the last day."""
    start, _ = _last_days(rows.day, 1)
    shares = missing_shares(rows.X[start:])
    limits = np.array([reference.missing[name] for name in rows.features]) + section.missing
    worst = int(np.argmax(shares - limits))
    count = int((shares > limits).sum())
    more = f" (and of {count - 1} other features)" if count > 1 else ""
    value, limit = float(shares[worst]), float(limits[worst])
    what = f"share of names without a value of {rows.features[worst]}{more}"
    return _measure("missing", value, limit, value > limit, what)


def _decay(reference: Reference, realised: pd.Series[Any], section: DriftSection) -> Measure:
    found = ic_decay(realised.dropna().iloc[-section.ic_days :], reference.ics, section.chance)
    what = f"mean realised IC of {found.live.days} days"
    if found.live.days < section.ic_least or math.isnan(found.limit):
        why = (
            f"{found.live.days} of {section.ic_least} days with labels"
            if found.live.days < section.ic_least
            else f"the valid segment has {found.reference.days} days with an IC"
        )
        return Measure("ic", _finite(found.live.value), None, False, f"{what}: not judged, {why}")
    return _measure("ic", found.live.value, found.limit, found.live.value < found.limit, what)


def _autocorrelation(
    reference: Reference, today: pd.Series[Any], previous: pd.Series[Any] | None, section: DriftSection
) -> Measure:
    name, what = "rank autocorrelation", "rank autocorrelation of the scores with those of the session before"
    if previous is None:
        return Measure(name, None, None, False, f"{what}: there are none")
    if previous.index.nlevels > 1:
        previous = previous.droplevel("datetime")
    value = rank_autocorrelation(today, previous)
    limit = lower_limit(reference.autocorrelations, section.chance)
    if math.isnan(value) or math.isnan(limit):
        return Measure(name, _finite(value), _finite(limit), False, f"{what}: cannot be compared")
    return _measure(name, value, limit, value < limit, what)


def _age(name: str, sessions: int, limit: int) -> Measure:
    return Measure(name, sessions, limit, sessions > limit, f"{name} {sessions} sessions, limit {limit}")


def _measure(name: str, value: float, limit: float, alarm: bool, what: str) -> Measure:
    return Measure(name, value, _finite(limit), alarm, f"{what} {value:.3f}, limit {limit:.3f}")


def _last_days(day: npt.NDArray[np.int32], days: int) -> tuple[int, int]:
    """Where the rows of the last so many days begin, and how many days these are."""
    starts = np.append(0, np.flatnonzero(np.diff(day)) + 1)[-days:]
    return int(starts[0]), len(starts)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
