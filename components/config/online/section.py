"""The section `online` of a config: what is served."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.config.rolling import RollingSection
from components.names import check_name


class StrategySection(BaseModel):
    """A strategy: its task, and how its windows roll; what it does not say is as the config says."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    task: dict[str, Any] | None = None
    rolling: RollingSection | None = None


class OnlineSection(BaseModel):
    """What a service consists of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Strategies by name; none: one of the config's own task and windows.
    strategies: dict[str, StrategySection] = Field(default_factory=dict)
    #: Description of what makes one signal of those of the strategies.
    ensemble: dict[str, Any] = {"class": "AverageEnsemble"}

    @field_validator("strategies")
    @classmethod
    def _named(cls, strategies: dict[str, StrategySection]) -> dict[str, StrategySection]:
        for name in strategies:
            check_name("strategy", name)
        return strategies
