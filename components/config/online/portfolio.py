"""The section `online.portfolio`: what is bought and sold on the signal."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.backtest import Exchange, TopkDropoutStrategy
from components.backtest.description import DEFAULT_EXCHANGE, DEFAULT_STRATEGY, read_strategy
from components.build import ModuleUnavailable
from components.errors import InputError


class PortfolioSection(BaseModel):
    """An account that follows the signal by a backtest's rules; without this section nobody plans trades."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    #: Description of a `TopkDropoutStrategy`; the default is that of Qlib's portfolio record.
    strategy: dict[str, Any] = Field(default_factory=lambda: copy.deepcopy(dict(DEFAULT_STRATEGY)))
    #: Money at the start; Qlib's default.
    account: float = Field(default=1e8, gt=0, allow_inf_nan=False)
    #: Costs, limits and lots by Qlib's names, see `Exchange`; the default is that of Qlib's portfolio record.
    exchange_kwargs: dict[str, Any] = Field(default_factory=lambda: dict(DEFAULT_EXCHANGE))

    @field_validator("strategy")
    @classmethod
    def _described(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            read_strategy(value)
        except ModuleUnavailable:
            pass  # a module of the user's, which may be trusted where the section is used
        except InputError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("exchange_kwargs")
    @classmethod
    def _known(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            Exchange.from_kwargs(value)
        except InputError as error:
            raise ValueError(str(error)) from None
        return value

    def build_strategy(self) -> TopkDropoutStrategy:
        """The strategy.

        Raises:
            InputError: when its class is in a module that is missing or not trusted here.
        """
        return read_strategy(self.strategy)

    def build_exchange(self) -> Exchange:
        """The exchange."""
        return Exchange.from_kwargs(self.exchange_kwargs)
