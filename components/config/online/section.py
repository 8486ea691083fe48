"""The section `online` of a config: what is served."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.config.online.drift import DriftSection
from components.config.online.gate import GateSection
from components.config.online.portfolio import PortfolioSection
from components.config.online.promotion import PromotionSection
from components.config.online.schedule import ScheduleSection
from components.config.rolling import RollingSection
from components.names import check_name


class StrategySection(BaseModel):
    """A strategy: its task, and how its windows roll; what it does not say is as the config says."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    task: dict[str, Any] | None = None
    rolling: RollingSection | None = None
    promotion: PromotionSection | None = None


class OnlineSection(BaseModel):
    """What a service consists of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Strategies by name; none: one of the config's own task and windows.
    strategies: dict[str, StrategySection] = Field(default_factory=dict)
    #: Description of what makes one signal of those of the strategies.
    ensemble: dict[str, Any] = {"class": "AverageEnsemble"}
    #: When a new model takes over.
    promotion: PromotionSection = PromotionSection()
    #: What must be seen of a day's data before it is served.
    gate: GateSection = GateSection()
    #: What counts as drift.
    drift: DriftSection = DriftSection()
    #: What follows the signal; None: nobody plans trades.
    portfolio: PortfolioSection | None = None
    #: When the service runs by itself.
    schedule: ScheduleSection = ScheduleSection()

    @field_validator("strategies")
    @classmethod
    def _named(cls, strategies: dict[str, StrategySection]) -> dict[str, StrategySection]:
        for name in strategies:
            check_name("strategy", name)
        return strategies
