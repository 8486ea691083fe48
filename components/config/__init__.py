"""Configs of runs: a Qlib workflow YAML, with rollflow's own sections beside its `task`."""

from components.config.online.section import OnlineSection, StrategySection
from components.config.rolling import LeakRule, RollingSection
from components.config.run_config import RetrySection, RunConfig, parse_config, read_config

__all__ = [
    "LeakRule",
    "OnlineSection",
    "RetrySection",
    "RollingSection",
    "RunConfig",
    "StrategySection",
    "parse_config",
    "read_config",
]
