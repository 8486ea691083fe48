"""The summary that a person reads when a rolling run has ended."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.pool import TaskStatus
from components.rolling import RunResult, WindowResult
from components.settings import Settings
from components.tracking import open_store

_COLUMNS = ("IC", "Rank IC")
_COLOURS = {TaskStatus.DONE: "green", TaskStatus.FAILED: "red"}


def print_summary(result: RunResult, prefect_ui: str | None = None, console: Console | None = None) -> None:
    """Print the windows, the metrics of the whole period, and what to type next."""
    console = console or Console()
    console.print(_table(result.windows))
    done = len(result.windows) - len(result.failed)
    count = f"{done} of {len(result.windows)} done, {result.reused} of them reused"
    console.print(totals(result, "\nAll windows together", {"windows": count}))
    for change, changed in Counter(window.change for window in result.windows if window.change).items():
        console.print(f"{changed} trained again, changed: {change}", style="yellow", markup=False, highlight=False)
    for gap in result.gaps:
        print_warning(f"no predictions for {gap}", console)
    for window in result.failed:
        print_failure(window, window.name, console)
    for warning in result.warnings:
        print_warning(warning, console)
    print_next(result, console, prefect_ui, flow="rolling")


def print_failure(window: WindowResult, name: str, console: Console) -> None:
    """Print why a window, or a single task, is not done."""
    why = f"after {window.attempts} attempts" + (f": {window.error}" if window.error else "")
    console.print(Text.assemble((f"{name} {window.status}".strip(), "red"), f" {why}"), soft_wrap=True)


def print_warning(warning: str, console: Console) -> None:
    """Print what went wrong without harm to the results."""
    console.print(Text(warning, "yellow"), soft_wrap=True)


def _table(windows: tuple[WindowResult, ...]) -> Table:
    table = Table(
        title="Windows", title_justify="left", header_style="bold", box=None, padding=(0, 1), pad_edge=False
    )
    for name in ("test", "train until", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("trees", *_COLUMNS, "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for window in windows:
        table.add_row(
            "..".join(map(str, window.segments["test"])),
            str(window.segments["train"][1]),
            Text(window.status, _COLOURS.get(window.status, "yellow")),
            str(window.best_iteration or ""),
            *(_number(window.metrics.get(name)) for name in _COLUMNS),
            f"{sum(window.seconds.values()):.1f}" if window.seconds else "",
        )
    return table


def totals(result: RunResult, title: str, facts: Mapping[str, str]) -> Table:
    """The metrics over the whole tested period, some facts, and what took how long."""
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in result.metrics.items():
        table.add_row(Text(name), Text(_number(value), "bold"))
    for name, fact in facts.items():
        table.add_row(name, Text(fact))
    table.add_row("seconds", ", ".join(f"{name} {value:.1f}" for name, value in result.timings.items()))
    return table


def print_next(result: RunResult, console: Console, prefect_ui: str | None, *, flow: str) -> None:
    """Print where everything is and what to type next."""
    settings = Settings.from_env()
    store = open_store(settings.tracking_uri, settings.home)
    local = store.uri.startswith("sqlite")
    console.print("\n[bold]Next[/]")
    rows = [
        ("report", result.report or "none"),
        ("predictions", result.predictions or "none"),
        (
            "this run",
            f"python -m components.tracking show {result.recorder_id[:12]}" if result.recorder_id else "none",
        ),
        ("experiments", f"mlflow ui --backend-store-uri {shlex.quote(store.uri)}" if local else store.shown_uri),
        ("look at it", "python -m flows.ui"),
        *([("flow runs", prefect_ui)] if prefect_ui else []),
        ("tasks", f"python -m components.pool counts --pool {shlex.quote(result.pool)}"),
        ("your own data", f"python -m flows.{flow} CONFIG.yaml --data qlib:PATH   (or parquet:PATH, csv:PATH)"),
    ]
    for name, value in rows if result.recorder_id else rows[3:]:
        console.print(f"  {name:<14}{value}", soft_wrap=True, highlight=False, markup=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
