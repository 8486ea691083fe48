"""When a challenger takes over."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class PromotionSection(BaseModel):
    """The rule by which a challenger becomes the champion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    #: newest: always, as in Qlib; never: only by hand; ic: when its realised IC is better.
    rule: Literal["newest", "never", "ic"] = "newest"
    #: Last days with labels of both models that count: a quarter, as is usual for rolling ICs.
    days: int = Field(default=60, ge=2, le=2_500)
    #: Days with labels of both before there is a decision: HAC errors of fewer are far too small.
    least: int = Field(default=20, ge=2, le=2_500)
    #: One-sided confidence that the challenger is better. The question is asked again every day: of challengers
    #: that are just as good, 29 % get past 0.99 within a year of sessions, and 62 % past the usual 0.95.
    confidence: float = Field(default=0.99, ge=0.5, lt=1)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.least > self.days:
            raise ValueError(f"least {self.least} is more than days {self.days}; no challenger could take over")
        return self
