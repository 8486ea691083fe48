"""The summary that a person reads when a single task has ended."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from components.rolling import RunResult
from flows.rolling.summary import print_next, totals


def print_summary(result: RunResult) -> None:
    """Print the metrics of the test segment, what was trained, and what to type next."""
    console = Console()
    (task,) = result.windows
    facts = {name: "..".join(map(str, segment)) for name, segment in task.segments.items()}
    if task.best_iteration:
        facts["trees"] = str(task.best_iteration)
    facts["task"] = "reused" if result.reused else f"{task.status}, attempt {task.attempts}"
    console.print(totals(result, f"Test segment {facts['test']}", facts))
    if task.error:
        console.print(f"[red]{task.status}[/] after {task.attempts} attempts: {escape(task.error)}", soft_wrap=True)
    for warning in result.warnings:
        console.print(f"[yellow]{escape(warning)}[/]", highlight=False, soft_wrap=True)
    print_next(result, console, flow="train")
