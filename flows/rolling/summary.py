"""The summary that a person reads when a rolling run has ended."""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.table import Table

from components.pool import TaskStatus
from components.rolling import RunResult, WindowResult
from components.settings import Settings
from components.tracking import open_store

_COLUMNS = ("IC", "Rank IC")
_COLOURS = {TaskStatus.DONE: "green", TaskStatus.FAILED: "red"}


def print_summary(result: RunResult, console: Console | None = None) -> None:
    """Print the windows, the metrics of the whole period, and what to type next."""
    console = console or Console()
    console.print(_table(result.windows))
    console.print(_totals(result))
    for gap in result.gaps:
        console.print(f"[yellow]no predictions for {gap}[/]")
    for window in result.failed:
        console.print(f"[red]{window.name} {window.status}[/] after {window.attempts} attempts: {window.error}")
    _print_next(result, console)


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
            f"[{_COLOURS.get(window.status, 'yellow')}]{window.status}[/]",
            str(window.best_iteration or ""),
            *(_number(window.metrics.get(name)) for name in _COLUMNS),
            f"{sum(window.seconds.values()):.1f}" if window.seconds else "",
        )
    return table


def _totals(result: RunResult) -> Table:
    table = Table(title="\nAll windows together", title_justify="left", box=None, show_header=False, pad_edge=False)
    for name, value in result.metrics.items():
        table.add_row(name, f"[bold]{_number(value)}[/]")
    done = len(result.windows) - len(result.failed)
    table.add_row("windows", f"{done} of {len(result.windows)} done, {result.reused} of them reused")
    table.add_row("seconds", ", ".join(f"{name} {value:.1f}" for name, value in result.timings.items()))
    return table


def _print_next(result: RunResult, console: Console) -> None:
    settings = Settings.from_env()
    uri = open_store(settings.tracking_uri, settings.home).uri
    local = uri.startswith("sqlite")
    console.print("\n[bold]Next[/]")
    rows = [
        ("predictions", result.predictions or "none"),
        ("experiments", f"mlflow ui --backend-store-uri {shlex.quote(uri)}" if local else uri),
        ("flow runs", "prefect server start"),
        ("tasks", f"python -m components.pool counts --pool {shlex.quote(result.pool)}"),
        ("your own data", "python -m flows.rolling CONFIG.yaml --data qlib:PATH   (or parquet:PATH, csv:PATH)"),
    ]
    for name, value in rows:
        console.print(f"  {name:<14}{value}", soft_wrap=True, highlight=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
