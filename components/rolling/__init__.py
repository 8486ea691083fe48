"""A rolling run: its config, its windows, their training, and what they amount to together."""

from components.rolling.config import RunConfig, parse_config, read_config
from components.rolling.join import Joined, analyse_run, join_windows
from components.rolling.plan import Window, build_matrices, plan_windows
from components.rolling.result import RunResult, WindowResult, WindowsFailed
from components.rolling.window import Stored, WindowTrainer, store_windows

__all__ = [
    "Joined",
    "RunConfig",
    "RunResult",
    "Stored",
    "Window",
    "WindowResult",
    "WindowTrainer",
    "WindowsFailed",
    "analyse_run",
    "build_matrices",
    "join_windows",
    "parse_config",
    "plan_windows",
    "read_config",
    "store_windows",
]
