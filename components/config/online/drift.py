"""What counts as drift, and what an alarm sets off."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DriftSection(BaseModel):
    """Limits of the measures of drift; defaults alarm on a handful of 500 unchanged days."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    #: How likely an alarm of one kind is on a day without drift. Windows of days overlap, so that 500 days hold
    #: about 25 to 50 independent ones: one false alarm in some ten years of sessions for each kind.
    chance: float = Field(default=0.001, gt=0, lt=0.5)
    #: Last sessions whose rows and scores are compared with the training period: a month, in which the shocks of
    #: single days average out.
    days: int = Field(default=20, ge=1, le=250)
    #: Bins of each distribution: deciles, as in scorecards (Siddiqi, "Credit Risk Scorecards", 2006).
    bins: int = Field(default=10, ge=2, le=100)
    #: How many of the most important features are watched. Gains fall off fast, and each one watched raises the
    #: limits of all.
    features: int = Field(default=10, ge=0, le=1_000)
    #: Least PSI that is called drift, however sure it is: Siddiqi's bound between a minor and a major change.
    psi: float = Field(default=0.25, ge=0, allow_inf_nan=False)
    #: By how much the share of names without a value may exceed the worst day of training: one name in twenty.
    missing: float = Field(default=0.05, ge=0, le=1)
    #: Last days with labels whose realised IC is compared with that of the valid segment: a quarter, as is usual
    #: for rolling ICs.
    ic_days: int = Field(default=60, ge=2, le=2_500)
    #: Days with labels before there is a comparison: HAC errors of fewer are far too small.
    ic_least: int = Field(default=20, ge=2, le=2_500)
    #: Sessions since the end of what a model has learnt from: three of the 40 of `rolling.step`.
    model_age: int = Field(default=120, ge=1)
    #: Sessions that have passed without data: none, so that a source that stands still is noticed at once.
    data_age: int = Field(default=0, ge=0)
    #: Whether an alarm starts a training between two regular windows.
    retrain: bool = False
    #: Sessions at least between two such trainings: half of `rolling.step`. Windows that differ by less
    #: give much the same model.
    every: int = Field(default=20, ge=1)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.ic_least > self.ic_days:
            raise ValueError(f"ic_least {self.ic_least} is more than ic_days {self.ic_days}; no IC would be judged")
        return self
