"""The section `online.gate` of a config: what a day's data must look like before the day is served."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Field(ge=0, le=1, allow_inf_nan=False)


class Most(BaseModel):
    """Shares above which a day is yellow (it is served, and somebody is told) or red (it is not served)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    warn: float = Share
    fail: float = Share

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warn > self.fail:
            raise ValueError(f"warn must not be above fail, got {self.warn:g} and {self.fail:g}")
        return self


class Least(BaseModel):
    """Shares below which a day is yellow (it is served, and somebody is told) or red (it is not served)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    warn: float = Share
    fail: float = Share

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warn < self.fail:
            raise ValueError(f"warn must not be below fail, got {self.warn:g} and {self.fail:g}")
        return self


class GateSection(BaseModel):
    """The limits of the data gate, and what becomes of a revised history.

    The figures in the comments are of CSI 300 in Qlib's data, 2,674 days from 2010 to 2020.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    #: What is done when bars of days that were served before have changed.
    on_revision: Literal["go on", "recompute", "retrain"] = "go on"
    #: Trading days before the day that say what is usual; a month.
    window: int = Field(default=20, ge=1, le=1_000)
    #: Instruments with a bar, as a share of those that had one in the window, and of the window's median number.
    #: A day of which half was loaded has 0.5. The lowest share of members that traded is 0.71, in July 2015, when
    #: trading in much of the market was halted; shares below 0.9 are seen on one day in a hundred.
    bars: Least = Least(warn=0.9, fail=0.7)
    #: Instruments without a value of a field, as a share of those with a bar, beyond what is usual. Bars are
    #: complete as a rule: there is none in CSI 300.
    missing: Most = Most(warn=0.05, fail=0.3)
    #: Instruments whose volume is zero, as a share of those with a bar, beyond what is usual. In July 2015 it was
    #: 0.29; elsewhere hardly ever above 0.2.
    zero_volume: Most = Most(warn=0.2, fail=0.4)
    #: A change of close since the last bar, while the factor stays, that is rather a split that the factor lacks.
    #: The usual split is two for one, a fall by a half. The largest change is 0.21.
    jump: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    #: The exchange's limit to daily changes, 0.1 for most of China's shares; None: none.
    daily_limit: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    #: Instruments with such changes, as a share of those with a bar. One by itself does not stop a day.
    jumps: Most = Most(warn=0.0, fail=0.01)
    #: A column is stale when its values are the same on so many days, the day itself included.
    constant_days: int = Field(default=2, ge=2, le=1_000)
    #: Instruments whose value of a field stays, as a share of those that traded. It is 0.33 once, for the open.
    constant: Most = Most(warn=0.6, fail=0.9)
    #: Calendar days since the trading day before; no holiday is longer. The Chinese New Year of 2020 took 11.
    longest_gap: int = Field(default=12, ge=1, le=10_000)
    #: Whether the exchange may open on Saturdays and Sundays although it never did.
    weekends: bool = False
