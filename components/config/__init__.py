"""Configs of runs: a Qlib workflow YAML, with rollflow's own sections beside its `task`."""

from components.config.run_config import RetrySection, RollingSection, RunConfig, parse_config, read_config

__all__ = ["RetrySection", "RollingSection", "RunConfig", "parse_config", "read_config"]
