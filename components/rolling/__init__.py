"""A rolling run, or one of a single task: its windows, their training, what they amount to together."""

from components.rolling.changes import data_changes
from components.rolling.checks import check_handler, warnings_of
from components.rolling.join import Joined, analyse_run, join_windows
from components.rolling.leaks import refuse_leaks
from components.rolling.plan import (
    Window,
    build_matrices,
    checked_template,
    gap_of,
    generator_of,
    label_lookahead,
    plan_single,
    plan_windows,
    rolling_tasks,
    single_task,
    without_whole_period,
)
from components.rolling.relabel import refresh_labels
from components.rolling.report import report_content
from components.rolling.result import RunResult, WindowResult, WindowsFailed
from components.rolling.window import Stored, store_single, store_windows

__all__ = [
    "Joined",
    "RunResult",
    "Stored",
    "Window",
    "WindowResult",
    "WindowsFailed",
    "analyse_run",
    "build_matrices",
    "check_handler",
    "checked_template",
    "data_changes",
    "gap_of",
    "generator_of",
    "join_windows",
    "label_lookahead",
    "plan_single",
    "plan_windows",
    "refresh_labels",
    "refuse_leaks",
    "report_content",
    "rolling_tasks",
    "single_task",
    "store_single",
    "store_windows",
    "warnings_of",
    "without_whole_period",
]
