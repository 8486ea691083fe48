"""The summary that a person reads when a single task has ended."""

from __future__ import annotations

from rich.console import Console

from components.rolling import RunResult
from flows.rolling.summary import print_failure, print_next, print_warning, totals


def print_summary(result: RunResult, prefect_ui: str | None = None) -> None:
    """Print the metrics of the test segment, what was trained, and what to type next."""
    console = Console()
    (task,) = result.windows
    facts = {name: "..".join(map(str, segment)) for name, segment in task.segments.items()}
    if task.best_iteration:
        facts["trees"] = str(task.best_iteration)
    facts["task"] = "reused" if result.reused else f"{task.status}, attempt {task.attempts}"
    console.print(totals(result, f"Test segment {facts['test']}", facts))
    if task.error:
        print_failure(task, "", console)
    for warning in result.warnings:
        print_warning(warning, console)
    print_next(result, console, prefect_ui, flow="train")
